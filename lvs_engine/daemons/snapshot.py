"""The services of a status snapshot: configuration, health, kernel and counters in one.

A function of values; who gathers them is `lvsd.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lvs_engine.config.model import Cluster, RealServer, VirtualServer, pools
from lvs_engine.control.status import ServerState, ServerStatus, ServiceStatus
from lvs_engine.daemons.sampler import Place, Sampler
from lvs_engine.table.desired import destination_key, resolved, service_keys
from lvs_engine.table.model import DestinationKey, ServiceKey, Table
from lvs_engine.values import HealthState, ServerHealth, ServerKey

_STATES = {
    HealthState.UP: ServerState.UP,
    HealthState.DOWN: ServerState.DOWN,
    HealthState.UNCHECKED: ServerState.UNCHECKED,
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a snapshot comes from.

    Attributes:
        table: our services as the kernel holds them.
        resolve: host name to address.
    """

    cluster: Cluster
    health: Callable[[ServerKey], ServerHealth]
    table: Table
    sampler: Sampler
    resolve: Mapping[str, str]


def services(sources: Sources) -> Iterator[ServiceStatus]:
    """One after the other; may be gone through in a thread while the daemon goes on."""
    for name, virtual, servers in pools(sources.cluster):
        yield _service(sources, name, virtual, servers)


def _service(
    sources: Sources,
    name: str,
    virtual: VirtualServer,
    servers: Sequence[tuple[ServerKey, RealServer]],
) -> ServiceStatus:
    keys = service_keys(virtual, sources.resolve)
    whole: list[Place] = [(key, None) for key in keys] if virtual.active else []
    return ServiceStatus(
        name=name,
        addresses=tuple(str(key) for key in keys),
        active=virtual.active,
        scheduler=virtual.scheduler.value,
        persistent=virtual.persistent,
        servers=(
            *(_server(sources, virtual, keys, k, server) for k, server in servers),
            *_sorry_server(sources, virtual, keys),
        ),
        traffic=sources.sampler.traffic(whole),
        history=sources.sampler.history(whole),
    )


def _server(
    sources: Sources,
    virtual: VirtualServer,
    keys: Sequence[ServiceKey],
    server_key: ServerKey,
    server: RealServer,
) -> ServerStatus:
    active = virtual.active and server.active
    health = sources.health(server_key)
    places = list(_places(sources, server, keys)) if active else []
    port = virtual.port if server.port is None else server.port
    if places and places[0][0].port:
        port = places[0][1].port
    return ServerStatus(
        name=server_key.server,
        address=server.address,
        port=port,
        state=_state(server, health.state) if active else ServerState.INACTIVE,
        forwarding=(server.forwarding or sources.cluster.network).value,
        code=health.code.value if active else "",
        reason=health.reason if active else "",
        since=health.since if active else 0.0,
        duration_s=health.duration_s if active else 0.0,
        weight=server.weight,
        effective_weight=_weight(sources.table, places),
        traffic=sources.sampler.traffic(places),
        history=sources.sampler.history(places),
    )


def _sorry_server(
    sources: Sources, virtual: VirtualServer, keys: Sequence[ServiceKey]
) -> Iterator[ServerStatus]:
    """The sorry server, while it stands in."""
    address = resolved(virtual.sorry_server or "", sources.resolve)
    if not address or not virtual.active:
        return
    places = [(key, DestinationKey(address, key.port)) for key in keys]
    theirs = {
        place
        for server in virtual.servers
        if server.active
        for place in _places(sources, server, keys)
    }
    weight = _weight(sources.table, places)
    if weight > 0 and not theirs.intersection(places):
        yield ServerStatus(
            name="sorry_server",
            address=address,
            port=virtual.port,
            state=ServerState.SORRY,
            forwarding=sources.cluster.network.value,
            reason="no real server is available",
            effective_weight=weight,
            traffic=sources.sampler.traffic(places),
            history=sources.sampler.history(places),
        )


def _places(
    sources: Sources, server: RealServer, keys: Sequence[ServiceKey]
) -> Iterator[tuple[ServiceKey, DestinationKey]]:
    for key in keys:
        place = destination_key(sources.cluster, server, key, sources.resolve)
        if place is not None:
            yield key, place


def _state(server: RealServer, state: HealthState) -> ServerState:
    if server.weight == 0 and state is HealthState.UP:
        return ServerState.DRAINING
    return _STATES[state]


def _weight(table: Table, places: Sequence[tuple[ServiceKey, DestinationKey]]) -> int:
    """What the kernel has; -1 when it has none. All services of one server agree."""
    for key, place in places:
        pool = table.get(key)
        if pool is not None and place in pool.destinations:
            return pool.destinations[place].weight
    return -1
