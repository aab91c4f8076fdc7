"""The kernel's IP Virtual Server, spoken to by generic netlink."""
