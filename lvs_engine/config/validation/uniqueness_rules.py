"""Rules over what must be there once only: services, marks, real servers, names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lvs_engine.config import addresses
from lvs_engine.config.document import Scope
from lvs_engine.config.model import (
    UNSET_ADDRESS,
    Cluster,
    VirtualServer,
    identities,
)
from lvs_engine.config.problems import Severity
from lvs_engine.config.validation.finding import Finding, Place, virtual_in_use


class _Key(NamedTuple):
    """The kernel's name of a service, and what in the block makes it that."""

    name: str
    keywords: tuple[str, ...]
    word: int = 0


def _keys(virtual: VirtualServer) -> Iterator[_Key]:
    """The services of a block without a mark: one per pair of address and port."""
    found = [
        a
        for a in (virtual.address, *virtual.extra_addresses)
        if a is not None and a.address != UNSET_ADDRESS
    ]
    for number, vip in enumerate(found):
        for place, port in enumerate((virtual.port, *virtual.extra_ports)):
            host = f"[{vip.address}]" if ":" in vip.address else vip.address
            name = f"{host}:{port} {virtual.protocol}"
            if place:
                yield _Key(name, ("extra_ports", "address"), place)
            elif number:
                yield _Key(name, ("extra_addresses", "address"), 2 * number - 1)
            else:
                yield _Key(name, ("address",))


def services(cluster: Cluster) -> Iterator[Finding]:
    """The kernel has one service per address, port and protocol."""
    names = identities(v.name for v in cluster.virtuals)
    owner: dict[str, str] = {}
    for index, virtual in enumerate(cluster.virtuals):
        if virtual.fwmark or not virtual_in_use(cluster, virtual):
            continue
        for key in _keys(virtual):
            first = owner.get(key.name)
            if first is None:
                owner[key.name] = names[index]
                continue
            if first == names[index]:
                text = f"{key.name} stands twice in this block; remove one of them"
            else:
                text = (
                    f"{key.name} is already the service of virtual {first}; change one "
                    "of them or make it inactive"
                )
            place = Place(Scope.VIRTUAL, index)
            code = "duplicate-service"
            yield Finding(Severity.ERROR, code, text, place, key.keywords, key.word)


def marks(cluster: Cluster) -> Iterator[Finding]:
    """The kernel has one service per mark and family.

    A warning, not an error: the manual has http and https bundled by two blocks with one
    mark, and the original ran such a file with the servers of the first.
    """
    identity = identities(v.name for v in cluster.virtuals)
    owner: dict[tuple[int, int], int] = {}
    for index, virtual in enumerate(cluster.virtuals):
        if not virtual.fwmark or not virtual_in_use(cluster, virtual):
            continue
        place = Place(Scope.VIRTUAL, index)
        for family in _families(virtual):
            first = owner.setdefault((virtual.fwmark, family), index)
            if first != index:
                yield from _shared(
                    virtual, cluster.virtuals[first], identity[first], place
                )
                break


def _families(virtual: VirtualServer) -> set[int]:
    """The families whose marked packets a block takes; IPv4 when it has no address."""
    given = (virtual.address, *virtual.extra_addresses)
    texts = [a.address for a in given if a and a.address != UNSET_ADDRESS]
    return {addresses.family(text) or 4 for text in texts} or {4}


def _shared(
    virtual: VirtualServer, first: VirtualServer, name: str, place: Place
) -> Iterator[Finding]:
    yield Finding(
        Severity.WARNING,
        "shared-mark",
        f"mark {virtual.fwmark} is already the service of virtual {name}, whose real "
        "servers get all packets with that mark; this block adds its address only, as "
        "it always did",
        place,
        ("fwmark",),
    )
    if (virtual.persistent, virtual.pmask) != (first.persistent, first.pmask):
        yield Finding(
            Severity.WARNING,
            "unequal-persistence",
            f"virtual servers with one mark need equal persistent and pmask; those of "
            f"virtual {name} count for mark {virtual.fwmark}",
            place,
            ("persistent", "pmask", "fwmark"),
        )


def real_servers(cluster: Cluster) -> Iterator[Finding]:
    """The kernel has a real server once per service."""
    for index, virtual in enumerate(cluster.virtuals):
        if len({server.address for server in virtual.servers}) == len(virtual.servers):
            continue
        owner: dict[tuple[str, int], str] = {}
        for number, server in enumerate(virtual.servers):
            if not server.active or server.address == UNSET_ADDRESS:
                continue
            port = virtual.port if server.port is None else server.port
            key = (server.address, port)
            if key in owner:
                used = virtual_in_use(cluster, virtual)
                yield Finding(
                    Severity.ERROR if used else Severity.WARNING,
                    "duplicate-server",
                    f"{server.address} port {port} is already server {owner[key]}; "
                    "change one of them or make it inactive",
                    Place(Scope.VIRTUAL, index, number),
                    ("address",),
                )
            else:
                owner[key] = server.name


def names(cluster: Cluster) -> Iterator[Finding]:
    """Two blocks of one name are two blocks; they are told apart by a number."""
    yield from _repeated(Scope.VIRTUAL, -1, [v.name for v in cluster.virtuals])
    yield from _repeated(Scope.FAILOVER, -1, [f.name for f in cluster.failovers])
    for index, virtual in enumerate(cluster.virtuals):
        yield from _repeated(Scope.SERVER, index, [s.name for s in virtual.servers])


def _repeated(scope: Scope, virtual: int, names: Iterable[str]) -> Iterator[Finding]:
    found = list(names)
    if len(set(found)) == len(found):
        return
    seen: Counter[str] = Counter()
    for index, name in enumerate(found):
        seen[name] += 1
        if seen[name] == 1:
            continue
        if scope is Scope.SERVER:
            place = Place(Scope.VIRTUAL, virtual, index)
        else:
            place = Place(scope, index)
        yield Finding(
            Severity.WARNING,
            "same-name",
            f"there is already a {scope} block called {name}; this one is known as "
            f"{name}#{seen[name]}",
            place,
        )


RULES = (services, marks, real_servers, names)
