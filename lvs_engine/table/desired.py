"""The table that a configuration wants at one moment, from the health of its servers.

Duplicates and names without an address never stop the rest: the first in the order of
the file wins, and what was left out is a sentence in `Wanted.problems`.

A server takes traffic when it is active, known to be up, and has an address. A failed
one leaves the table, or stays with weight 0 when the virtual server is quiesced. With
no server able to take a connection the sorry server stands in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lvs_engine.config.model import (
    UNSET_ADDRESS,
    Cluster,
    FloatingAddress,
    RealServer,
    VirtualServer,
    pools,
)
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.values import (
    Forwarding,
    HealthState,
    HealthView,
    ServerKey,
    TunnelType,
)

Resolved = Mapping[str, str]
"""Host name to canonical address; addresses themselves need not be in it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table, and what of the configuration is not in it.

    Attributes:
        problems: sentences on duplicates and names without an address.
    """

    table: Table = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def desired(cluster: Cluster, health: HealthView, resolve: Resolved) -> Table:
    """The table for `cluster` while its servers are as `health` says."""
    return want(cluster, health, resolve).table


def want(cluster: Cluster, health: HealthView, resolve: Resolved) -> Wanted:
    """As `desired`, with the problems that were met on the way."""
    table: Table = {}
    owners: dict[ServiceKey, str] = {}
    problems: list[str] = []
    for virtual_id, virtual, servers in pools(cluster):
        if not virtual.active:
            continue
        keys = service_keys(virtual, resolve)
        if not keys:
            problems.append(f"virtual {virtual_id}: {_no_address(virtual)}")
        for key in keys:
            if key in owners:
                problems.append(
                    f"virtual {virtual_id}: {key} belongs to virtual {owners[key]} "
                    "already; left out"
                )
                continue
            owners[key] = virtual_id
            pool = _Builder(cluster, virtual_id, virtual, key, resolve, problems)
            table[key] = Pool(service(virtual, key.family), pool.build(servers, health))
    return Wanted(table, tuple(dict.fromkeys(problems)))


def service_keys(virtual: VirtualServer, resolve: Resolved) -> tuple[ServiceKey, ...]:
    """The kernel services of a virtual server: each address with each port, or the mark.

    A mark has one service for each family among its addresses; IPv4 when it has none.
    """
    addresses = [a for a in _addresses(virtual, resolve) if a]
    if virtual.fwmark:
        families = dict.fromkeys(family(a) for a in addresses) or {4: None}
        return tuple(ServiceKey(f, "", "", 0, virtual.fwmark) for f in families)
    ports = (virtual.port, *virtual.extra_ports)
    return tuple(
        dict.fromkeys(
            ServiceKey(family(address), virtual.protocol.value, address, port)
            for address in addresses
            for port in ports
        )
    )


def destination_key(
    cluster: Cluster, server: RealServer, service_key: ServiceKey, resolve: Resolved
) -> DestinationKey | None:
    """Where a real server stands in a service; None while its name has no address.

    Only NAT can change the port. With direct routing and tunnelling the packet arrives
    as the client sent it, so the destination carries the port of the service: the
    kernel would not find it again under another (KF-30). Port 0 keeps the packet's.
    """
    address = resolved(server.address, resolve)
    if not address:
        return None
    port = service_key.port
    if _forwarding(cluster, server) is Forwarding.NAT and server.port is not None:
        port = server.port
    return DestinationKey(address, port)


def service(virtual: VirtualServer, of_family: int) -> Service:
    """The entry that `virtual` has under each of its keys."""
    whole = 32 if of_family == 4 else 128
    flags = {
        f for f in virtual.scheduler_flags if f.startswith(f"{virtual.scheduler}-")
    }
    if not virtual.persistent:
        # Mask and engine mean nothing without persistence: the kernel keeps neither.
        return Service(
            virtual.scheduler.value,
            tuple(sorted(flags)),
            0,
            whole,
            "",
            virtual.one_packet,
        )
    return Service(
        virtual.scheduler.value,
        tuple(sorted(flags)),
        virtual.persistent,
        whole if virtual.pmask is None else min(virtual.pmask, whole),
        virtual.persistence_engine,
        virtual.one_packet,
    )


def host_names(cluster: Cluster) -> set[str]:
    """Every host name that has to be resolved before the table is complete."""
    names: set[str] = set()
    for virtual in cluster.virtuals:
        texts = [a.address for a in _floating(virtual)]
        texts += [s.address for s in virtual.servers]
        texts += [virtual.sorry_server] if virtual.sorry_server else []
        names.update(t for t in texts if not is_address(t))
    return names


def is_address(text: str) -> bool:
    """Whether a text of the model is an address; else it is a host name.

    The model holds canonical addresses, so the letters tell. (`ipaddress` would take
    0.2 s for 37,205 servers on each pass.)
    """
    return ":" in text or not text.strip("0123456789.")


def resolved(text: str, resolve: Resolved) -> str:
    """The address of `text`; empty when it has none."""
    if is_address(text):
        return "" if text == UNSET_ADDRESS else text
    return resolve.get(text, "")


def family(address: str) -> int:
    return 6 if ":" in address else 4


@dataclass(frozen=True, slots=True)
class _Builder:
    """Puts the servers of one virtual server into one of its services."""

    cluster: Cluster
    virtual_id: str
    virtual: VirtualServer
    key: ServiceKey
    resolve: Resolved
    problems: list[str]

    def build(
        self, servers: Sequence[tuple[ServerKey, RealServer]], health: HealthView
    ) -> dict[DestinationKey, Destination]:
        owners: dict[DestinationKey, str] = {}
        destinations: dict[DestinationKey, Destination] = {}
        available = False
        for server_key, server in servers:
            if not server.active:
                continue
            place = self._place(server_key, server, owners)
            state = health.of(server_key).state
            if place is None or state is HealthState.UNCHECKED:
                continue
            if state is HealthState.UP:
                destinations[place] = self._destination(server, server.weight)
                available = available or server.weight > 0
            elif self.virtual.quiesce_server:
                destinations[place] = self._destination(server, 0)
        if not available:
            self._add_sorry_server(destinations)
        return destinations

    def _place(
        self,
        server_key: ServerKey,
        server: RealServer,
        owners: dict[DestinationKey, str],
    ) -> DestinationKey | None:
        place = destination_key(self.cluster, server, self.key, self.resolve)
        if place is None:
            self.problems.append(
                f"virtual {self.virtual_id}, server {server_key.server}: "
                f"{server.address} has no address now; left out"
            )
            return None
        owner = owners.setdefault(place, server_key.server)
        if owner != server_key.server:
            self.problems.append(
                f"virtual {self.virtual_id}, server {server_key.server}: {place} belongs "
                f"to server {owner} already; left out"
            )
            return None
        return place

    def _add_sorry_server(
        self, destinations: dict[DestinationKey, Destination]
    ) -> None:
        name = self.virtual.sorry_server
        if not name:
            return
        address = resolved(name, self.resolve)
        if not address:
            self.problems.append(
                f"virtual {self.virtual_id}: sorry server {name} has no address now; "
                "left out"
            )
            return
        stand_in = RealServer("sorry_server", address)
        place = DestinationKey(address, self.key.port)
        destinations[place] = self._destination(stand_in, 1)

    def _destination(self, server: RealServer, weight: int) -> Destination:
        forwarding = _forwarding(self.cluster, server)
        plain = Destination(
            forwarding, weight, server.upper_threshold, server.lower_threshold
        )
        if forwarding is not Forwarding.TUNNEL or server.tunnel_type is TunnelType.IPIP:
            return plain
        return plain._replace(
            tunnel_type=server.tunnel_type,
            tunnel_port=server.tunnel_port
            if server.tunnel_type is TunnelType.GUE
            else 0,
            tunnel_checksum=server.tunnel_checksum,
        )


def _forwarding(cluster: Cluster, server: RealServer) -> Forwarding:
    return server.forwarding or cluster.network


def _floating(virtual: VirtualServer) -> Iterator[FloatingAddress]:
    if virtual.address is not None:
        yield virtual.address
    yield from virtual.extra_addresses


def _addresses(virtual: VirtualServer, resolve: Resolved) -> Iterator[str]:
    return (resolved(a.address, resolve) for a in _floating(virtual))


def _no_address(virtual: VirtualServer) -> str:
    if virtual.address is None or virtual.address.address == UNSET_ADDRESS:
        return "it has no address; left out"
    return f"{virtual.address.address} has no address now; left out"
