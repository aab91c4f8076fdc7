"""From one table to another: an ordered list of changes.

Capacity arrives before it leaves. Services and destinations are added and raised
first, then destinations that take no more connections are set to weight 0, then what
is not wanted is removed: no table on the way has fewer live destinations in a service
than both ends.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    Table,
)


@dataclass(frozen=True, slots=True)
class AddService:
    key: ServiceKey
    service: Service


@dataclass(frozen=True, slots=True)
class SetService:
    key: ServiceKey
    service: Service


@dataclass(frozen=True, slots=True)
class RemoveService:
    """Removes the service with all its destinations, as the kernel does."""

    key: ServiceKey


@dataclass(frozen=True, slots=True)
class AddDestination:
    service: ServiceKey
    key: DestinationKey
    destination: Destination


@dataclass(frozen=True, slots=True)
class SetDestination:
    service: ServiceKey
    key: DestinationKey
    destination: Destination


@dataclass(frozen=True, slots=True)
class RemoveDestination:
    service: ServiceKey
    key: DestinationKey


Change = (
    AddService
    | SetService
    | RemoveService
    | AddDestination
    | SetDestination
    | RemoveDestination
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change that the data plane did not carry out.

    Attributes:
        change: the change.
        errno: the kernel's error name (`ESRCH`), or `UNSUPPORTED` for something that this
            data plane cannot do at all.
        message: what it means and what to do, in a sentence.
    """

    change: Change
    errno: str
    message: str


def diff(
    current: Table, desired: Table, owned: Collection[ServiceKey] | None = None
) -> list[Change]:
    """The changes that turn `current` into `desired`.

    Args:
        current: what the kernel holds.
        desired: what it should hold.
        owned: services that we made. A service in `current` that is neither desired nor
            owned is somebody else's and is left alone. None: all are ours.

    Returns:
        Changes in an order that the kernel accepts.
    """
    arriving: list[Change] = []
    draining: list[Change] = []
    leaving: list[Change] = []
    for key, pool in desired.items():
        present = current.get(key)
        if present is None:
            arriving.append(AddService(key, pool.service))
            arriving += (
                AddDestination(key, k, d) for k, d in pool.destinations.items()
            )
            continue
        if present == pool:
            continue
        if present.service != pool.service:
            arriving.append(SetService(key, pool.service))
        for k, destination in pool.destinations.items():
            held = present.destinations.get(k)
            if held is None:
                arriving.append(AddDestination(key, k, destination))
            elif held != destination:
                changes = arriving if destination.weight else draining
                changes.append(SetDestination(key, k, destination))
        leaving += (
            RemoveDestination(key, k)
            for k in present.destinations
            if k not in pool.destinations
        )
    leaving += (
        RemoveService(key)
        for key in current
        if key not in desired and (owned is None or key in owned)
    )
    return arriving + draining + leaving
