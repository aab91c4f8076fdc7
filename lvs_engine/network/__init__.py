"""Floating addresses and their announcement, as values."""
