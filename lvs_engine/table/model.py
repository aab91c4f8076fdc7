"""The virtual server table as values: what the kernel is asked to hold.

Keys and entries are NamedTuples because a table of 2,277 services and 37,205
destinations is hashed and compared on every pass (about six times cheaper than
frozen dataclasses).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from lvs_engine.values import Forwarding, TunnelType

MASK_WITH_HOLES = -1
"""The netmask of a service, made by others, whose mask is not a prefix."""


class ServiceKey(NamedTuple):
    """What selects packets: protocol, address and port; or a firewall mark.

    Attributes:
        family: 4 or 6.
        protocol: tcp, udp, sctp; empty for a mark.
        address: canonical address text; empty for a mark.
        port: 0-65535; 0 for a mark.
        fwmark: 1-4294967295, or 0 when the service is selected by address.
    """

    family: int
    protocol: str
    address: str
    port: int
    fwmark: int = 0

    def __str__(self) -> str:
        """`192.0.2.10:80 tcp`, `[2001:db8::1]:53 udp`, `mark 21`."""
        if self.fwmark:
            return f"mark {self.fwmark}" + (" inet6" if self.family == 6 else "")
        host = f"[{self.address}]" if self.family == 6 else self.address
        return f"{host}:{self.port} {self.protocol}"


class DestinationKey(NamedTuple):
    """A real server of one service; its family is the one of the address."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


class Service(NamedTuple):
    """A virtual service.

    Attributes:
        scheduler: the kernel's name.
        flags: sorted tuple of sh-fallback, sh-port, mh-fallback, mh-port.
        persistent: seconds, 0 is off.
        netmask: prefix length that groups clients; 32 (128 for IPv6) is none.
            `MASK_WITH_HOLES` only when read from the kernel, never asked for.
        persistence_engine: "" or "sip".
        one_packet: one-packet scheduling.
    """

    scheduler: str
    flags: tuple[str, ...] = ()
    persistent: int = 0
    netmask: int = 32
    persistence_engine: str = ""
    one_packet: bool = False


class Destination(NamedTuple):
    """A real server in a service.

    Attributes:
        weight: 0-65535.
        upper, lower: connection thresholds, 0 is none.
        tunnel_port: UDP port of gue, else 0.
        tunnel_checksum: none, csum, remcsum.
    """

    forwarding: Forwarding
    weight: int
    upper: int = 0
    lower: int = 0
    tunnel_type: TunnelType = TunnelType.IPIP
    tunnel_port: int = 0
    tunnel_checksum: str = "none"


@dataclass(frozen=True, slots=True)
class Pool:
    """A service and its destinations."""

    service: Service
    destinations: dict[DestinationKey, Destination] = field(default_factory=dict)


Table = dict[ServiceKey, Pool]
"""A whole table. Treated as immutable: who changes one makes a new one."""
