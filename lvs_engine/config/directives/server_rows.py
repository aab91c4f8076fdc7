"""Keywords of a `server` block inside a virtual server."""

from __future__ import annotations

from lvs_engine.config.codecs import Choice, Flag, Integer, Port
from lvs_engine.config.codecs_address import Host
from lvs_engine.config.directives.row import Directive, Effect
from lvs_engine.config.document import Scope
from lvs_engine.config.model import UNSET_ADDRESS
from lvs_engine.values import Forwarding, TunnelType

_NO_WEIGHT = (
    "weight 0 takes no new connections; the original gave such a server weight 1"
)
_HERE = (Scope.SERVER,)

SERVER_ROWS: tuple[Directive, ...] = (
    Directive(
        "address",
        _HERE,
        "address",
        Host(unset=True),
        UNSET_ADDRESS,
        "Address",
        "The address of the real server.",
        allowed="an IPv4 or IPv6 address, or a host name",
        effect=Effect.KERNEL,
        always=True,
    ),
    Directive(
        "active",
        _HERE,
        "active",
        Flag(),
        False,
        "Active",
        "Whether the block is in use. A block without the keyword is not.",
        allowed="0 or 1",
        effect=Effect.KERNEL,
        always=True,
    ),
    Directive(
        "port",
        _HERE,
        "port",
        Port(),
        None,
        "Port",
        "The port on the real server, if it is not the port of the virtual server.",
        allowed="0-65535, or the name of a TCP service",
        effect=Effect.KERNEL,
    ),
    Directive(
        "weight",
        _HERE,
        "weight",
        Integer(0, 65535, zero=_NO_WEIGHT),
        1,
        "Weight",
        "The share of traffic in proportion to the other real servers. 0 takes no new connections.",
        allowed="0-65535",
        effect=Effect.KERNEL,
        always=True,
    ),
    Directive(
        "forward",
        _HERE,
        "forwarding",
        Choice(tuple(Forwarding), Forwarding),
        None,
        "Network type of this server",
        "How packets reach this real server, if not as network says.",
        allowed="nat, direct or tunnel",
        effect=Effect.KERNEL,
        extension=True,
    ),
    Directive(
        "tunnel_type",
        _HERE,
        "tunnel_type",
        Choice(tuple(TunnelType), TunnelType),
        TunnelType.IPIP,
        "Tunnel type",
        "The encapsulation of a tunnel.",
        allowed="ipip, gue or gre",
        effect=Effect.KERNEL,
        extension=True,
        blank=True,
    ),
    Directive(
        "tunnel_port",
        _HERE,
        "tunnel_port",
        Integer(0, 65535),
        0,
        "Tunnel port",
        "The UDP port of a gue tunnel.",
        allowed="1-65535",
        effect=Effect.KERNEL,
        extension=True,
        blank=True,
    ),
    Directive(
        "tunnel_checksum",
        _HERE,
        "tunnel_checksum",
        Choice(("none", "csum", "remcsum")),
        "none",
        "Tunnel checksum",
        "The checksum in gue and gre headers; remcsum for gue only.",
        allowed="none, csum or remcsum",
        effect=Effect.KERNEL,
        extension=True,
        blank=True,
    ),
    Directive(
        "upper_threshold",
        _HERE,
        "upper_threshold",
        Integer(0, (1 << 31) - 1),
        0,
        "Upper threshold",
        "With so many connections the real server gets no new ones.",
        allowed="0-2147483647 connections; 0 for no limit",
        effect=Effect.KERNEL,
        unit="connections",
        extension=True,
        blank=True,
    ),
    Directive(
        "lower_threshold",
        _HERE,
        "lower_threshold",
        Integer(0, (1 << 31) - 1),
        0,
        "Lower threshold",
        "Below so many connections an overloaded real server gets new ones again.",
        allowed="0-2147483647 connections; 0 for three quarters of the upper one",
        effect=Effect.KERNEL,
        unit="connections",
        extension=True,
        blank=True,
    ),
)
