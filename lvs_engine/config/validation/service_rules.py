"""Rules over one virtual or failover block, apart from its real servers and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lvs_engine.config import addresses
from lvs_engine.config.document import Scope
from lvs_engine.config.model import UNSET_ADDRESS, Cluster, VirtualServer
from lvs_engine.config.problems import Severity
from lvs_engine.config.validation.finding import (
    Finding,
    Place,
    failover_in_use,
    grade,
    virtual_in_use,
)
from lvs_engine.values import Forwarding, Protocol

Rule = Callable[[Cluster, VirtualServer, bool, Place], Iterator[Finding]]


def virtuals(cluster: Cluster) -> Iterator[Finding]:
    """All rules of this module for each virtual block."""
    for index, virtual in enumerate(cluster.virtuals):
        used = virtual_in_use(cluster, virtual)
        place = Place(Scope.VIRTUAL, index)
        for rule in _RULES:
            yield from rule(cluster, virtual, used, place)


def failovers(cluster: Cluster) -> Iterator[Finding]:
    for index, failover in enumerate(cluster.failovers):
        used = failover_in_use(cluster, failover)
        place = Place(Scope.FAILOVER, index)
        address = failover.address
        if address is None or address.address == UNSET_ADDRESS:
            yield _no_address(used, place)
        if used and (failover.start_cmd is None or failover.stop_cmd is None):
            missing = "start_cmd" if failover.start_cmd is None else "stop_cmd"
            text = (
                f"{missing} is needed: fos must know how to start and stop the service"
            )
            yield Finding(Severity.ERROR, "no-command", text, place, (missing,))


def _no_address(used: bool, place: Place) -> Finding:
    return Finding(
        grade(used),
        "no-address",
        "invalid host name or ip address: address must be set before the block is "
        "active, such as `address = 192.0.2.80 eth0:1`",
        place,
        ("address",),
    )


def _address(
    cluster: Cluster, virtual: VirtualServer, used: bool, place: Place
) -> Iterator[Finding]:
    del cluster
    vip = virtual.address
    if vip is None or vip.address == UNSET_ADDRESS:
        # A firewall mark selects packets without an address.
        yield _no_address(used and not virtual.fwmark, place)
        return
    family = addresses.family(vip.address)
    for keyword, length in (("vip_nmask", virtual.netmask), ("pmask", virtual.pmask)):
        if family == 4 and length is not None and length > 32:
            text = f"{keyword} must be at most 32 for an IPv4 address, got {length}"
            yield Finding(grade(used), "mask-too-long", text, place, (keyword,))
    if used and virtual.netmask is None:
        yield Finding(
            Severity.WARNING,
            "no-netmask",
            "vip_nmask is not set; the address is added as a single host, while the "
            "original used the classful mask",
            place,
            ("vip_nmask", "address"),
        )


def _port(
    cluster: Cluster, virtual: VirtualServer, used: bool, place: Place
) -> Iterator[Finding]:
    del cluster
    if virtual.port == 0 and not virtual.fwmark and not virtual.persistent:
        yield Finding(
            grade(used),
            "port-zero",
            "port 0 stands for all ports and needs persistence: set persistent, or a "
            "port of 1-65535",
            place,
            ("port",),
        )
    unchecked = virtual.port == 0 and virtual.send_program is None
    if unchecked and any(s.active and not s.port for s in virtual.servers):
        yield Finding(
            Severity.WARNING,
            "port-zero-check",
            "port 0 cannot be checked: give the real servers a port, or set send_program",
            place,
            ("port",),
        )
    if virtual.fwmark and virtual.extra_ports:
        text = "extra_ports has no effect with a firewall mark"
        place_of = ("extra_ports",)
        yield Finding(Severity.WARNING, "without-effect", text, place, place_of)


def _persistence(
    cluster: Cluster, virtual: VirtualServer, used: bool, place: Place
) -> Iterator[Finding]:
    del cluster
    if used and virtual.fwmark and not virtual.persistent:
        yield Finding(
            Severity.WARNING,
            "mark-without-persistence",
            "without persistent the connections of one client may go to different real "
            "servers, also those that belong together; set it when the mark bundles "
            "ports, such as `persistent = 300`",
            place,
            ("fwmark",),
        )
    if virtual.pmask is not None and not virtual.persistent:
        text = "pmask has no effect without persistent"
        yield Finding(Severity.WARNING, "without-effect", text, place, ("pmask",))
    if not virtual.persistence_engine:
        return
    if not virtual.persistent or virtual.protocol is not Protocol.UDP:
        yield Finding(
            grade(used),
            "engine-needs-udp",
            "persistence_engine sip needs persistent and protocol udp",
            place,
            ("persistence_engine",),
        )


def _scheduling(
    cluster: Cluster, virtual: VirtualServer, used: bool, place: Place
) -> Iterator[Finding]:
    del cluster
    for number, flag in enumerate(virtual.scheduler_flags):
        wanted = flag.partition("-")[0]
        if wanted != virtual.scheduler:
            yield Finding(
                grade(used),
                "flag-of-other-scheduler",
                f"{flag} belongs to scheduler {wanted}, got scheduler {virtual.scheduler}",
                place,
                ("scheduler_flags",),
                number + 1,
            )
    tcp = virtual.protocol is not Protocol.UDP and not virtual.fwmark
    if virtual.one_packet and tcp:
        yield Finding(
            grade(used),
            "one-packet-needs-udp",
            f"one_packet is for UDP, got protocol {virtual.protocol}",
            place,
            ("one_packet",),
        )


def _sorry_server(
    cluster: Cluster, virtual: VirtualServer, used: bool, place: Place
) -> Iterator[Finding]:
    sorry = virtual.sorry_server
    if sorry is None:
        return
    vips = [a for a in (virtual.address, *virtual.extra_addresses) if a is not None]
    if any(sorry == vip.address for vip in vips):
        yield Finding(
            grade(used),
            "sorry-is-vip",
            f"sorry_server must not be the virtual address itself ({sorry}): traffic "
            "would go round in circles",
            place,
            ("sorry_server",),
        )
    families = {addresses.family(sorry)} | {addresses.family(v.address) for v in vips}
    if {4, 6} <= families and cluster.network is not Forwarding.TUNNEL:
        yield Finding(
            grade(used),
            "family-mismatch",
            f"sorry_server {sorry} must be of the same family as the virtual address",
            place,
            ("sorry_server",),
        )


def _pool(
    cluster: Cluster, virtual: VirtualServer, used: bool, place: Place
) -> Iterator[Finding]:
    del cluster
    if used and not any(server.active for server in virtual.servers):
        yield Finding(
            Severity.WARNING,
            "no-active-server",
            "no real server is active: clients get no answer"
            + (" but the sorry server's" if virtual.sorry_server else ""),
            place,
        )


_RULES: tuple[Rule, ...] = (
    _address,
    _port,
    _persistence,
    _scheduling,
    _sorry_server,
    _pool,
)
RULES = (failovers, virtuals)
