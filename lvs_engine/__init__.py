"""The engine of Piranha: lvs.cf, the virtual server table, health, addresses, daemons."""

__version__ = "0.9.0"
