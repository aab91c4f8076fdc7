"""What the daemons tell and accept, as values and JSON lines."""
