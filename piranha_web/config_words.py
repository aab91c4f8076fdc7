"""How pages speak of entries of lvs.cf: identities, edits of one entry, states in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from lvs_engine.config.model import (
    UNSET_ADDRESS,
    Cluster,
    FloatingAddress,
    RealServer,
    VirtualServer,
    identities,
)
from lvs_engine.config.problems import Problem

T = TypeVar("T", Cluster, VirtualServer, RealServer)


def edited(model: T, values: Mapping[str, object]) -> T:
    """The model with some fields changed; the names come from the directives table."""
    changes: dict[str, object] = dict(values)
    return replace(model, **changes)  # type: ignore[arg-type]


def with_virtual(cluster: Cluster, n: int, virtual: VirtualServer) -> Cluster:
    """Another virtual server in place of number n, from 1."""
    virtuals = cluster.virtuals
    return replace(cluster, virtuals=(*virtuals[: n - 1], virtual, *virtuals[n:]))


def without_virtual(cluster: Cluster, n: int) -> Cluster:
    virtuals = cluster.virtuals
    return replace(cluster, virtuals=(*virtuals[: n - 1], *virtuals[n:]))


def with_server(virtual: VirtualServer, m: int, server: RealServer) -> VirtualServer:
    """Another real server in place of number m, from 1."""
    servers = virtual.servers
    return replace(virtual, servers=(*servers[: m - 1], server, *servers[m:]))


def without_server(virtual: VirtualServer, m: int) -> VirtualServer:
    servers = virtual.servers
    return replace(virtual, servers=(*servers[: m - 1], *servers[m:]))


def where(cluster: Cluster, n: int, m: int | None = None) -> tuple[str, ...]:
    """Identities of entry n, or of its real server m, as problems name them."""
    virtual = f"virtual {identities(v.name for v in cluster.virtuals)[n - 1]}"
    if m is None:
        return (virtual,)
    names = identities(s.name for s in cluster.virtuals[n - 1].servers)
    return virtual, f"server {names[m - 1]}"


def entry_name(cluster: Cluster, n: int, m: int | None = None) -> str:
    """The identities as one text, to see whether a position holds another entry now."""
    virtuals = cluster.virtuals
    if not 1 <= n <= len(virtuals):
        return ""
    if m is not None and not 1 <= m <= len(virtuals[n - 1].servers):
        return ""
    text = "/".join(where(cluster, n, m))
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def sentence(problem: Problem) -> str:
    """A problem for a page: which block, what is wrong."""
    return f"{', '.join((*problem.where, problem.message))}."


def is_set(address: FloatingAddress | None) -> bool:
    return address is not None and address.address != UNSET_ADDRESS
