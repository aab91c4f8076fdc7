"""End to end on the kernel's real IPVS: clients, a router and servers as namespaces."""
