"""Rules over what must be there once only: services, real servers, names."""

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
    """The services of a block: one for each pair of address and port, or one mark."""
    found = [
        a
        for a in (virtual.address, *virtual.extra_addresses)
        if a is not None and a.address != UNSET_ADDRESS
    ]
    if virtual.fwmark:
        six = bool(found) and addresses.family(found[0].address) == 6
        yield _Key(f"mark {virtual.fwmark}" + (" (IPv6)" if six else ""), ("fwmark",))
        return
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
    """The kernel has one service per address, port and protocol, or per mark."""
    names = identities(v.name for v in cluster.virtuals)
    owner: dict[str, str] = {}
    for index, virtual in enumerate(cluster.virtuals):
        if not virtual_in_use(cluster, virtual):
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


RULES = (services, real_servers, names)
