"""Rules over one real server and the virtual server that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from lvs_engine.config import addresses
from lvs_engine.config.document import Scope
from lvs_engine.config.model import UNSET_ADDRESS, Cluster, RealServer, VirtualServer
from lvs_engine.config.problems import Severity
from lvs_engine.config.validation.finding import Finding, Place, grade, virtual_in_use
from lvs_engine.values import Forwarding, TunnelType

# What most servers leave at its default.
_SETTINGS = attrgetter(
    "forwarding",
    "upper_threshold",
    "lower_threshold",
    "tunnel_port",
    "tunnel_type",
    "tunnel_checksum",
)
_NOTHING_SPECIAL = _SETTINGS(RealServer("plain"))


def servers(cluster: Cluster) -> Iterator[Finding]:
    """All rules of this module for each real server."""
    for index, virtual in enumerate(cluster.virtuals):
        if _is_plain(cluster, virtual):
            continue
        used = virtual_in_use(cluster, virtual)
        for number, server in enumerate(virtual.servers):
            place = Place(Scope.VIRTUAL, index, number)
            in_use = used and server.active
            yield from _address(cluster, virtual, server, in_use, place)
            yield from _port(cluster, virtual, server, place)
            yield from _weight(server, in_use, place)
            yield from _thresholds(server, in_use, place)
            yield from _tunnel(cluster, server, in_use, place)


def _is_plain(cluster: Cluster, virtual: VirtualServer) -> bool:
    """Most of 2,000 pools: nothing set in 37,000 servers that a rule could object to."""
    vip = virtual.address
    if vip is None or virtual.extra_addresses:
        return False
    found = [server.address for server in virtual.servers]
    if UNSET_ADDRESS in found or vip.address in found:
        return False
    if ":" in vip.address or ":" in "".join(found):
        return False
    ports = {server.port for server in virtual.servers}
    if cluster.network is not Forwarding.NAT and ports - {None, virtual.port}:
        return False
    if any(server.weight == 0 for server in virtual.servers):
        return False
    settings = list(map(_SETTINGS, virtual.servers))
    return settings.count(_NOTHING_SPECIAL) == len(settings)


def _address(
    cluster: Cluster,
    virtual: VirtualServer,
    server: RealServer,
    used: bool,
    place: Place,
) -> Iterator[Finding]:
    if server.address == UNSET_ADDRESS:
        yield Finding(
            grade(used),
            "no-address",
            "invalid host name or ip address: address must be set before the real "
            "server is active",
            place,
            ("address",),
        )
        return
    vips = [a for a in (virtual.address, *virtual.extra_addresses) if a is not None]
    if any(server.address == vip.address for vip in vips):
        yield Finding(
            Severity.WARNING,
            "server-is-vip",
            f"{server.address} is the virtual address itself: the traffic stays on the "
            "router",
            place,
            ("address",),
        )
    families = {
        addresses.family(a) for a in (server.address, *(v.address for v in vips))
    }
    method = server.forwarding or cluster.network
    if {4, 6} <= families and method is not Forwarding.TUNNEL:
        yield Finding(
            grade(used),
            "family-mismatch",
            f"{server.address} must be of the same family as the virtual address, "
            "unless it is reached through a tunnel",
            place,
            ("address",),
        )


def _port(
    cluster: Cluster, virtual: VirtualServer, server: RealServer, place: Place
) -> Iterator[Finding]:
    """The original named a port to the kernel that the kernel had ignored (KF-30)."""
    method = server.forwarding or cluster.network
    if method is Forwarding.NAT or virtual.fwmark or server.port is None:
        return
    if server.port != virtual.port:
        yield Finding(
            Severity.WARNING,
            "port-ignored",
            f"with {method} packets keep the port of the virtual server "
            f"({virtual.port}); {server.port} is only checked. With the original the "
            "removal of such a server stopped everything",
            place,
            ("port",),
        )


def _weight(server: RealServer, used: bool, place: Place) -> Iterator[Finding]:
    """The original brought such a server up with weight 1 (KF-26)."""
    if used and server.weight == 0:
        text = "weight 0 takes no new connections; the original made a weight 1 of it"
        yield Finding(Severity.WARNING, "no-weight", text, place, ("weight",))


def _thresholds(server: RealServer, used: bool, place: Place) -> Iterator[Finding]:
    upper, lower = server.upper_threshold, server.lower_threshold
    if lower > upper > 0:
        yield Finding(
            grade(used),
            "thresholds-crossed",
            f"lower_threshold must be at most upper_threshold ({upper}), got {lower}",
            place,
            ("lower_threshold",),
        )


def _tunnel(
    cluster: Cluster, server: RealServer, used: bool, place: Place
) -> Iterator[Finding]:
    kind = server.tunnel_type
    if (server.forwarding or cluster.network) is not Forwarding.TUNNEL:
        settings = {
            "tunnel_type": kind is not TunnelType.IPIP,
            "tunnel_port": server.tunnel_port != 0,
            "tunnel_checksum": server.tunnel_checksum != "none",
        }
        for keyword, given in settings.items():
            if given:
                text = f"{keyword} has no effect without a tunnel"
                where = (keyword,)
                yield Finding(Severity.WARNING, "without-effect", text, place, where)
        return
    if kind is TunnelType.GUE and not server.tunnel_port:
        yield Finding(
            grade(used),
            "no-tunnel-port",
            "tunnel_port of 1-65535 is needed with tunnel_type gue",
            place,
            ("tunnel_port", "tunnel_type"),
        )
    wrong = {TunnelType.IPIP: ("csum", "remcsum"), TunnelType.GRE: ("remcsum",)}
    if server.tunnel_checksum in wrong.get(kind, ()):
        yield Finding(
            grade(used),
            "checksum-not-possible",
            f"tunnel_checksum {server.tunnel_checksum} is not possible with tunnel_type "
            f"{kind}",
            place,
            ("tunnel_checksum",),
        )


RULES = (servers,)
