"""What somebody else did to our services since we last looked, in sentences."""

from __future__ import annotations

from typing import assert_never

from lvs_engine.table.model import Destination, Service, Table
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
    diff,
)


def drift(left: Table, found: Table) -> list[str]:
    """How `found` differs from the table that we left behind.

    Args:
        left: our services as they were after our last pass. What others add beside
            them is foreign, not drift.
        found: the whole table now.
    """
    if all(found.get(key) == pool for key, pool in left.items()):
        return []
    return [
        _sentence(change, found)
        for change in diff(found, left, owned=())
        # A service that is gone took its destinations along: one sentence is enough.
        if not isinstance(change, AddDestination) or change.service in found
    ]


def _sentence(undo: Change, found: Table) -> str:
    """What happened, told from the change that would undo it."""
    match undo:
        case AddService(key):
            return f"{key} was removed"
        case AddDestination(service, key):
            return f"{key} was removed from {service}"
        case RemoveDestination(service, key):
            return f"{key} was added to {service}"
        case SetService(key, wanted):
            return f"{key} was changed: {_differences(found[key].service, wanted)}"
        case SetDestination(service, place, destination):
            held = found[service].destinations[place]
            return (
                f"{place} in {service} was changed: {_differences(held, destination)}"
            )
        case RemoveService(key):
            return f"{key} was added"
        case _:
            assert_never(undo)


def _differences(held: Service | Destination, wanted: Service | Destination) -> str:
    return ", ".join(
        f"{name} {_word(now)} instead of {_word(before)}"
        for name, now, before in zip(held._fields, held, wanted, strict=True)
        if now != before
    )


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return str(value) or "none"
