"""The virtual server table that we want, and how to get from one table to another."""
