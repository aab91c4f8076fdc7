"""The commands that administrators type."""
