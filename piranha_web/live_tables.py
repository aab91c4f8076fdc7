"""The tables of CONTROL/MONITORING: virtual servers, and what the kernel holds.

Pure: a snapshot, or the file where no daemon runs, becomes rows. Which cells a row has
and how it looks is the template's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lvs_engine.config.model import UNSET_ADDRESS, Cluster, VirtualServer, pools
from lvs_engine.control.status import (
    ServerState,
    ServerStatus,
    ServiceStatus,
    Traffic,
)
from piranha_web.presentation import server_mark, service_mark

ROWS_A_PAGE = 500
"""Rows of the table, virtual and real servers together, that one page holds."""

FORWARDING_WORDS = {"nat": "Masq", "direct": "Route", "tunnel": "Tunnel"}
"""The forwarding methods in ipvsadm's words."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the virtual servers that the page shows.

    Attributes:
        matching: how many the filter leaves; page: from 1, at most `pages`.
    """

    services: tuple[ServiceStatus, ...]
    matching: int
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class RoutingRow:
    """A line of the live table: a kernel service, or a destination below it.

    Attributes:
        how: scheduler and flags of a service, forwarding method of a destination.
        weight: None for a service.
    """

    is_service: bool
    protocol: str
    address: str
    how: str
    weight: int | None
    traffic: Traffic
    key: str


def window(services: Sequence[ServiceStatus], query: str, page: int) -> Window:
    """One page of the virtual servers that match `query`, whole ones, in file order.

    A virtual server that matches by name, address or state keeps all its real servers;
    one of which only real servers match is shown with those.
    """
    found = [m for s in services if (m := _matching(s, query.casefold().split()))]
    pages: list[list[ServiceStatus]] = [[]]
    rows = 0
    for service in found:
        size = 1 + len(service.servers)
        if rows and rows + size > ROWS_A_PAGE:
            pages.append([])
            rows = 0
        pages[-1].append(service)
        rows += size
    shown = min(max(page, 1), len(pages))
    return Window(tuple(pages[shown - 1]), len(found), len(services), shown, len(pages))


def _matching(service: ServiceStatus, words: Sequence[str]) -> ServiceStatus | None:
    own = (
        service.name,
        *service.addresses,
        service.scheduler,
        service_mark(service).word,
    )
    if _has_all(own, words):
        return service
    servers = tuple(
        s
        for s in service.servers
        if _has_all((*own, s.name, endpoint(s), server_mark(s).word, s.reason), words)
    )
    return replace(service, servers=servers) if servers else None


def _has_all(texts: Iterable[str], words: Sequence[str]) -> bool:
    joined = "\n".join(texts).casefold()
    return all(word in joined for word in words)


def endpoint(server: ServerStatus) -> str:
    """`10.0.0.2:80`, `[2001:db8::2]:80`."""
    return f"{_host(server.address)}:{server.port}"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def positions(services: Sequence[ServiceStatus]) -> dict[str, int]:
    """Where each virtual server stands in the file, from 1, as the panels count."""
    return {service.name: place for place, service in enumerate(services, 1)}


def routing_table(services: Iterable[ServiceStatus]) -> list[RoutingRow]:
    """The live table in ipvsadm's order: what the kernel has, not what the file says."""
    rows: list[RoutingRow] = []
    for service in services:
        if not service.active:
            continue
        rows += [_service_row(service, address) for address in service.addresses]
        rows += [
            RoutingRow(
                False,
                "",
                endpoint(server),
                FORWARDING_WORDS.get(server.forwarding, server.forwarding),
                server.effective_weight,
                server.traffic,
                f"{service.name}/{server.name}",
            )
            for server in service.servers
            if server.effective_weight >= 0
        ]
    return rows


def _service_row(service: ServiceStatus, address: str) -> RoutingRow:
    place, _, protocol = address.rpartition(" ")
    if address.startswith("mark "):
        place, protocol = address.removeprefix("mark "), "fwm"
    flags = f", persistent {service.persistent} s" if service.persistent else ""
    return RoutingRow(
        True,
        protocol.upper(),
        place,
        service.scheduler + flags,
        None,
        service.traffic,
        f"{service.name}/{address}",
    )


def configured(cluster: Cluster) -> tuple[ServiceStatus, ...]:
    """The virtual servers of the file, for a page without a daemon: nothing is known."""
    return tuple(
        ServiceStatus(
            name=name,
            addresses=_addresses(virtual),
            active=virtual.active,
            scheduler=str(virtual.scheduler),
            persistent=virtual.persistent,
            servers=tuple(
                ServerStatus(
                    name=key.server,
                    address=server.address,
                    port=server.port or virtual.port,
                    state=(
                        ServerState.UNCHECKED if server.active else ServerState.INACTIVE
                    ),
                    forwarding=str(server.forwarding or cluster.network),
                    weight=server.weight,
                )
                for key, server in servers
            ),
        )
        for name, virtual, servers in pools(cluster)
    )


def _addresses(virtual: VirtualServer) -> tuple[str, ...]:
    if virtual.fwmark:
        return (f"mark {virtual.fwmark}",)
    first = virtual.address.address if virtual.address else UNSET_ADDRESS
    hosts = (first, *(extra.address for extra in virtual.extra_addresses))
    ports = (virtual.port, *virtual.extra_ports)
    return tuple(
        f"{_host(host)}:{port} {virtual.protocol}" for host in hosts for port in ports
    )


def total_traffic(services: Iterable[ServiceStatus]) -> Traffic:
    """The sum over all virtual servers."""
    total = Traffic()
    for service in services:
        now = service.traffic
        total = Traffic(
            total.active_connections + now.active_connections,
            total.inactive_connections + now.inactive_connections,
            total.connections + now.connections,
            total.packets_in + now.packets_in,
            total.packets_out + now.packets_out,
            total.bytes_in + now.bytes_in,
            total.bytes_out + now.bytes_out,
            total.connections_s + now.connections_s,
            total.bytes_in_s + now.bytes_in_s,
            total.bytes_out_s + now.bytes_out_s,
        )
    return total
