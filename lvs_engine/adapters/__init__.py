"""Everything that touches kernel, network, disk and processes."""
