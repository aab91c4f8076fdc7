"""The machines of the lab, and the lvs.cf that its router starts with."""

from __future__ import annotations

from lvs_engine.adapters.namespaces import Link, Node

PREFIX = "piranha-lab-"
PUBLIC_NETWORK = "192.168.26.0/24"
VIP = "192.168.26.10"
HTTP_PORT = 80

CLIENT = Node("client", (Link("eth0", "public", "192.168.26.100/24"),))
ROUTER = Node(
    "router",
    (
        Link("eth0", "public", "192.168.26.9/24"),
        Link("eth1", "private", "10.11.12.9/24"),
    ),
    forwards=True,
)
SERVERS = tuple(
    Node(
        f"server{number}",
        (Link("eth0", "private", f"10.11.12.{number}/24"),),
        # The floating inside address, so that answers pass the router that is active.
        gateway="10.11.12.10",
    )
    for number in (1, 2, 3)
)
NODES = (CLIENT, ROUTER, *SERVERS)

EXAMPLE = f"""\
# The example network of the manual, as the lab has it: one router, three real servers.
# The second router is not there yet: backup_active stays 0.
serial_no = 1
primary = 192.168.26.9
primary_private = 10.11.12.9
service = lvs
backup_active = 0
backup = 192.168.26.8
backup_private = 10.11.12.8
heartbeat = 1
heartbeat_port = 539
keepalive = 6
deadtime = 18
network = nat
nat_router = 10.11.12.10 eth1:1
nat_nmask = 255.255.255.0
debug_level = NONE
monitor_links = 0
virtual HTTP {{
     active = 1
     address = {VIP} eth0:1
     vip_nmask = 255.255.255.0
     port = {HTTP_PORT}
     send = "GET / HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP"
     use_regex = 0
     load_monitor = none
     scheduler = wlc
     protocol = tcp
     timeout = 6
     reentry = 15
     quiesce_server = 0
     server one {{
         address = 10.11.12.1
         active = 1
         weight = 1
     }}
     server two {{
         address = 10.11.12.2
         active = 1
         weight = 2
     }}
     server three {{
         address = 10.11.12.3
         active = 0
         weight = 1
     }}
}}
"""
