"""From one table to another: an ordered list of changes.

Capacity arrives before it leaves: services and destinations are added and changed
before any is removed, so that no table on the way has fewer live destinations in a
service than both ends.
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
    adds: list[Change] = []
    removals: list[Change] = []
    for key, pool in desired.items():
        present = current.get(key)
        if present is None:
            adds.append(AddService(key, pool.service))
            adds.extend(AddDestination(key, k, d) for k, d in pool.destinations.items())
            continue
        if present == pool:
            continue
        if present.service != pool.service:
            adds.append(SetService(key, pool.service))
        for k, destination in pool.destinations.items():
            held = present.destinations.get(k)
            if held is None:
                adds.append(AddDestination(key, k, destination))
            elif held != destination:
                adds.append(SetDestination(key, k, destination))
        removals.extend(
            RemoveDestination(key, k)
            for k in present.destinations
            if k not in pool.destinations
        )
    removals.extend(
        RemoveService(key)
        for key in current
        if key not in desired and (owned is None or key in owned)
    )
    return adds + removals
