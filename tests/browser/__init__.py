"""The panels in a real Chromium."""
