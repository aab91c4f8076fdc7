"""The data plane on nftables, for kernels without IPVS: NAT by rules in our own table."""
