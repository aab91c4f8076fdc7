"""The lab: the manual's example network on one machine, for trying and for testing."""
