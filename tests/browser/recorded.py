"""A snapshot as the daemons would give it: every state that the wall has to show."""

from __future__ import annotations

import math
from dataclasses import replace

from lvs_engine.control.status import (
    AddressStatus,
    ConfigurationStatus,
    DaemonStatus,
    Event,
    NodeState,
    NodeStatus,
    PassStatus,
    ServerState,
    ServerStatus,
    ServiceStatus,
    Status,
    Traffic,
)

DAY = 86400.0

FILE = """# The shop, as the snapshot below has it.
serial_no = 15
primary = 192.0.2.11
primary_private = 10.20.0.11
backup = 192.0.2.12
backup_private = 10.20.0.12
backup_active = 1
service = lvs
heartbeat = 1
heartbeat_port = 539
keepalive = 6
deadtime = 18
network = nat
nat_router = 10.20.0.1 eth1:1
nat_nmask = 255.255.255.0
debug_level = NONE
virtual shop-http {
     active = 1
     address = 192.0.2.80 eth0:1
     vip_nmask = 255.255.255.0
     port = 80
     send = "GET /healthz HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP/1."
     scheduler = wlc
     protocol = tcp
     timeout = 6
     reentry = 15
     server app1 {
         address = 10.20.0.21
         active = 1
         port = 8080
         weight = 40
     }
     server app2 {
         address = 10.20.0.22
         active = 1
         port = 8080
         weight = 80
     }
     server app3 {
         address = 10.20.0.23
         active = 1
         port = 8080
         weight = 40
     }
}
virtual shop-dns {
     active = 1
     address = 192.0.2.53 eth0:2
     port = 53
     protocol = udp
     scheduler = rr
     persistent = 300
     send_program = "/usr/local/libexec/dns-probe %h %p"
     expect = "OK"
     timeout = 5
     reentry = 30
     server ns1 {
         address = 10.20.0.31
         active = 1
     }
     server ns2 {
         address = 10.20.0.32
         active = 1
     }
}
virtual ftp-bundle {
     active = 0
     address = 192.0.2.21 eth0:3
     fwmark = 21
     port = 21
     persistent = 360
     scheduler = wrr
     server vault {
         address = 10.20.0.40
         active = 0
     }
}
"""


def shop(now: float, revision: str = "") -> Status:
    """Two routers, three virtual servers, one real server down.

    Args:
        now: Unix seconds.
        revision: of the lvs.cf that the daemons say they run.
    """
    return Status(
        version="0.9.0",
        at=now,
        node=NodeStatus("lvs1", "primary", NodeState.ACTIVE, now - 7 * DAY),
        daemons=(
            DaemonStatus("pulse", 812, "running", now - 7 * DAY),
            DaemonStatus("lvsd", 815, "running", now - 7 * DAY),
            DaemonStatus(
                "nanny", 9921, "running", now - 4000, 1, "killed by signal 9, started"
            ),
        ),
        configuration=ConfigurationStatus(
            "/etc/sysconfig/ha/lvs.cf", 15, revision, loaded_at=now - 3000
        ),
        plane="ipvs",
        last_pass=PassStatus(
            "settled",
            now - 8,
            0.003,
            added=1,
            drift=(
                "192.0.2.80:80 tcp: destination 10.20.0.22:8080 was deleted by hand;"
                " added again",
            ),
        ),
        addresses=(
            AddressStatus(
                "192.0.2.80", "eth0:1", "virtual shop-http", True, now - 4000
            ),
            AddressStatus("192.0.2.53", "eth0:2", "virtual shop-dns", True, now - 4000),
            AddressStatus("10.20.0.1", "eth1:1", "nat_router", True, now - 4000),
        ),
        services=(_http(now), _dns(), _ftp()),
        foreign=("192.0.2.99:25 tcp",),
        events=(
            Event(
                now - 30,
                "info",
                "configuration",
                "serial 15 applied: shop-http: weight of app2 40 → 80",
            ),
            Event(
                now - 250,
                "bad",
                "shop-http/app3",
                "down: connection refused, 2 of 2 tries. 2 of 3 carry on.",
            ),
            Event(now - 1000, "info", "shop-dns/ns2", "draining: 12 connections left"),
            Event(now - 4000, "warning", "nanny", "killed by signal 9, started again"),
            Event(now - 5000, "ok", "shop-http/app1", "up: passed for 15 s"),
        ),
    )


def all_up(status: Status) -> Status:
    """The same with app3 back in service."""
    http = status.services[0]
    app3 = replace(
        http.servers[2],
        state=ServerState.UP,
        reason="passed",
        duration_s=0.0024,
        effective_weight=40,
    )
    servers = (*http.servers[:2], app3)
    return replace(
        status, services=(replace(http, servers=servers), *status.services[1:])
    )


def _http(now: float) -> ServiceStatus:
    return ServiceStatus(
        "shop-http",
        ("192.0.2.80:80 tcp",),
        active=True,
        servers=(
            _server("app1", "10.20.0.21", 8080, 40, 40, 5990, 401.0),
            _server("app2", "10.20.0.22", 8080, 80, 40, 6041, 403.0),
            ServerStatus(
                "app3",
                "10.20.0.23",
                8080,
                ServerState.DOWN,
                code="L4CON",
                reason="connection refused",
                since=now - 250,
                weight=40,
            ),
        ),
        traffic=_traffic(12031, 804.0),
        history=_history(804.0),
    )


def _dns() -> ServiceStatus:
    draining = replace(
        _server("ns2", "10.20.0.32", 53, 1, 0, 12, 0.0), state=ServerState.DRAINING
    )
    return ServiceStatus(
        "shop-dns",
        ("192.0.2.53:53 udp",),
        active=True,
        scheduler="rr",
        persistent=300,
        servers=(_server("ns1", "10.20.0.31", 53, 1, 1, 6381, 400.0), draining),
        traffic=_traffic(6393, 400.0),
        history=_history(400.0),
    )


def _ftp() -> ServiceStatus:
    server = ServerStatus("vault", "10.20.0.40", 0, ServerState.INACTIVE)
    return ServiceStatus(
        "ftp-bundle", ("mark 21",), active=False, scheduler="wrr", servers=(server,)
    )


def _server(
    name: str,
    address: str,
    port: int,
    weight: int,
    effective: int,
    connections: int,
    rate: float,
) -> ServerStatus:
    return ServerStatus(
        name,
        address,
        port,
        ServerState.UP,
        code="L7OK",
        reason="passed",
        duration_s=0.0021,
        weight=weight,
        effective_weight=effective,
        traffic=_traffic(connections, rate),
        history=_history(rate),
    )


def _traffic(connections: int, rate: float) -> Traffic:
    return Traffic(
        active_connections=connections,
        inactive_connections=connections // 3,
        connections=connections * 700,
        bytes_in=connections * 700 * 1200,
        bytes_out=connections * 700 * 9000,
        connections_s=rate,
        bytes_in_s=rate * 64000,
        bytes_out_s=rate * 480000,
    )


def _history(rate: float) -> tuple[float, ...]:
    return tuple(
        rate * (0.7 + 0.2 * math.sin(i / 9) + 0.06 * math.sin(i * 1.7))
        for i in range(60)
    )
