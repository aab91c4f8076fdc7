"""One reconcile pass: look, compare, change, look again. Blocks; runs in a worker thread.

It knows no loop and keeps no state: what it needs comes in, what it found comes out.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lvs_engine.daemons.ownership import Ownership
from lvs_engine.errors import KernelError
from lvs_engine.ports import DataPlane
from lvs_engine.table.drift import drift
from lvs_engine.table.model import Pool, ServiceKey, Table
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    Refusal,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
    diff,
)


@dataclass(frozen=True, slots=True)
class Settled:
    """The kernel holds what is wanted."""


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """It does not, for a reason that may pass."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not, since it cannot or will not; the rest is done."""

    refusals: tuple[Refusal, ...]


Outcome = Settled | RetryAfter | Refused


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass did and found.

    Attributes:
        table: our services as the kernel holds them now; None when it was not to be had.
        foreign: services that are not ours.
        drift: sentences on what others did to our services since the last pass.
        changes: what was asked of the kernel, refused changes included.
    """

    outcome: Outcome
    table: Table | None = None
    foreign: tuple[ServiceKey, ...] = ()
    drift: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    duration_s: float = 0.0


def reconcile(
    plane: DataPlane, wanted: Table, ownership: Ownership, left: Table | None
) -> Pass:
    """Make the kernel's table as `wanted`, touching only what differs and is ours.

    Args:
        plane: the data plane.
        wanted: the whole table that should be.
        ownership: which services are ours; is kept up to date.
        left: our services as the last pass left them, None before the first.
    """
    began = time.monotonic()
    try:
        impossible = plane.unsupported(wanted)
        possible = without(wanted, impossible)
        current = plane.dump()
        changes = diff(current, possible, ownership.keys)
        refusals = _apply(plane, changes, ownership, possible)
        found = plane.dump() if changes else current
    except KernelError as error:
        return Pass(RetryAfter(str(error)), duration_s=time.monotonic() - began)
    ownership.claim(possible)
    ownership.keep_only(found)
    return Pass(
        _outcome([*impossible, *refusals], diff(found, possible, ownership.keys)),
        table={k: p for k, p in found.items() if k in ownership.keys},
        foreign=tuple(k for k in found if k not in ownership.keys),
        drift=tuple(drift(left, current)) if left is not None else (),
        changes=tuple(changes),
        duration_s=time.monotonic() - began,
    )


def withdraw(plane: DataPlane, ownership: Ownership) -> list[Refusal]:
    """Take all our services out of the kernel.

    Raises:
        KernelError: the kernel cannot be talked to.
    """
    ours: list[Change] = [RemoveService(k) for k in plane.dump() if k in ownership.keys]
    refusals = plane.apply(ours) if ours else []
    ownership.keep_only(plane.dump() if refusals else ())
    return refusals


def without(wanted: Table, refusals: Collection[Refusal]) -> Table:
    """`wanted` less what the plane cannot do, so that the rest is done without noise."""
    if not refusals:
        return wanted
    services = {r.change.key for r in refusals if isinstance(r.change, _OF_SERVICE)}
    places = {
        (r.change.service, r.change.key)
        for r in refusals
        if isinstance(r.change, _OF_DESTINATION)
    }
    return {
        key: Pool(
            pool.service,
            {k: d for k, d in pool.destinations.items() if (key, k) not in places},
        )
        for key, pool in wanted.items()
        if key not in services
    }


_OF_SERVICE = (AddService, SetService, RemoveService)
_OF_DESTINATION = (AddDestination, SetDestination, RemoveDestination)


def _apply(
    plane: DataPlane, changes: Sequence[Change], ownership: Ownership, wanted: Table
) -> list[Refusal]:
    if not changes:
        return []
    ownership.claim(wanted)
    return plane.apply(changes)


def _outcome(refusals: Sequence[Refusal], rest: Sequence[Change]) -> Outcome:
    if refusals:
        return Refused(_causes(refusals))
    if rest:
        return RetryAfter(f"the kernel's table still differs in {len(rest)} places")
    return Settled()


def _causes(refusals: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """Without the destinations that only failed since their service is not there."""
    missing = {r.change.key for r in refusals if isinstance(r.change, AddService)}
    return tuple(
        r
        for r in refusals
        if not isinstance(r.change, _OF_DESTINATION) or r.change.service not in missing
    )
