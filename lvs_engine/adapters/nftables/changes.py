"""What a table becomes by a list of changes, and which of them this plane refuses.

Pure: the plane makes the whole next table first, and loads it in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from lvs_engine.adapters.nftables.schedule import SCHEDULERS
from lvs_engine.table.model import (
    Destination,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    Refusal,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from lvs_engine.table.refusals import UNSUPPORTED, impossible, refused
from lvs_engine.values import Forwarding


@dataclass(slots=True)
class Outcome:
    """The next table.

    Attributes:
        touched: the changes of each service that is to be written.
        refusals: what is left out.
    """

    table: Table
    touched: dict[ServiceKey, list[Change]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)


def carry_out(table: Table, changes: Sequence[Change]) -> Outcome:
    """The table after the changes, in their order, as the kernel's IPVS would take them."""
    pools = {k: Pool(p.service, dict(p.destinations)) for k, p in table.items()}
    outcome = Outcome(pools)
    for change in changes:
        refusal = impossible(change) or unable(change)
        if refusal is None and (errno := _apply(pools, change)):
            refusal = refused(change, errno)
        if refusal is not None:
            outcome.refusals.append(refusal)
        else:
            outcome.touched.setdefault(service_of(change), []).append(change)
    return outcome


def service_of(change: Change) -> ServiceKey:
    match change:
        case AddService(key) | SetService(key) | RemoveService(key):
            return key
        case AddDestination(key) | SetDestination(key) | RemoveDestination(key):
            return key
        case _:
            assert_never(change)


def unable(change: Change) -> Refusal | None:
    """Why nftables cannot carry out this change; None if it can."""
    match change:
        case AddService(key, service) | SetService(key, service):
            why = _service_reason(key, service)
            subject = f"virtual service {key}"
        case AddDestination(key, server, entry) | SetDestination(key, server, entry):
            why = _destination_reason(entry)
            subject = f"virtual service {key}, real server {server}"
        case RemoveService() | RemoveDestination():
            return None
        case _:
            assert_never(change)
    return Refusal(change, UNSUPPORTED, f"{subject}: {why}") if why else None


def unable_in(table: Table) -> list[Refusal]:
    """Everything in a table that nftables cannot do."""
    changes: list[Change] = []
    for key, pool in table.items():
        changes.append(AddService(key, pool.service))
        changes += (AddDestination(key, k, d) for k, d in pool.destinations.items())
    found = (impossible(change) or unable(change) for change in changes)
    return [refusal for refusal in found if refusal is not None]


def plain(service: Service) -> Service:
    """An entry as it can be read back from our table."""
    return Service(
        service.scheduler, service.flags, service.persistent, service.netmask
    )


def _service_reason(key: ServiceKey, service: Service) -> str:
    if service.scheduler not in SCHEDULERS:
        return (
            f"nftables has no equivalent of scheduler {service.scheduler}; choose one of "
            f"{', '.join(SCHEDULERS)}, or a kernel with ip_vs"
        )
    if service.one_packet:
        return (
            "nftables has no one-packet scheduling, since conntrack pins a flow to its "
            "real server; leave it out, or use a kernel with ip_vs"
        )
    if service.persistence_engine:
        return (
            f"nftables has no persistence engine {service.persistence_engine}; leave it "
            "out (clients are told apart by address), or use a kernel with ip_vs"
        )
    if not key.fwmark and not key.port and not service.persistent:
        return "a service for all ports (port 0) needs persistence"
    return ""


def _destination_reason(entry: Destination) -> str:
    match entry.forwarding:
        case Forwarding.NAT:
            return ""
        case Forwarding.DIRECT:
            return (
                "nftables cannot do direct routing (it rewrites link-layer addresses only "
                "per device and without following a connection); use `network = nat`, or "
                "a kernel with ip_vs"
            )
        case Forwarding.TUNNEL:
            return (
                "nftables cannot put packets into a tunnel; use `network = nat`, or a "
                "kernel with ip_vs"
            )
        case _:
            assert_never(entry.forwarding)


def _apply(pools: Table, change: Change) -> str:
    """Do it in `pools`, or say the kernel's error name."""
    match change:
        case AddService(key, service):
            if key in pools:
                return "EEXIST"
            pools[key] = Pool(plain(service))
            return ""
        case RemoveService(key):
            return "" if pools.pop(key, None) else "ESRCH"
        case SetService(key, service):
            if key not in pools:
                return "ESRCH"
            pools[key] = replace(pools[key], service=plain(service))
            return ""
        case AddDestination() | SetDestination() | RemoveDestination():
            return _apply_destination(pools, change)
        case _:
            assert_never(change)


def _apply_destination(
    pools: Table, change: AddDestination | SetDestination | RemoveDestination
) -> str:
    pool = pools.get(change.service)
    if pool is None:
        return "ESRCH"
    present = change.key in pool.destinations
    if isinstance(change, AddDestination) and present:
        return "EEXIST"
    if not isinstance(change, AddDestination) and not present:
        return "ENOENT"
    if isinstance(change, RemoveDestination):
        del pool.destinations[change.key]
        return ""
    entry = change.destination
    pool.destinations[change.key] = Destination(
        Forwarding.NAT, entry.weight, entry.upper, entry.lower
    )
    return ""
