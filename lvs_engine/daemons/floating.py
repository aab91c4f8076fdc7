"""The floating addresses of this node: kept as wanted, announced, withdrawn.

Works by state, not by events: every pass looks at the kernel and does what is missing.
What is wanted is decided elsewhere. Before an address is added it is written down, so
that a daemon started after a crash knows which addresses are ours.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from lvs_engine.adapters import state_file
from lvs_engine.control.events import Timeline
from lvs_engine.control.plain import from_plain, to_plain
from lvs_engine.control.status import AddressStatus
from lvs_engine.daemons.announcing import Announcements
from lvs_engine.network.addresses import (
    AddAddress,
    AddressChange,
    AddressKey,
    AddressRefusal,
    Interfaces,
    Wanted,
    WantedAddress,
    adopted,
    diff,
)
from lvs_engine.ports import Addresses

# Prefix changes and removed subnets may need a second look; more is somebody fighting us.
_PASSES = 3
_SUBJECT = "addresses"

_T = TypeVar("_T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Record:
    """What the state file holds: the addresses that we added."""

    addresses: tuple[AddressKey, ...] = ()


class FloatingAddresses:
    """Brings the node's addresses to what is wanted.

    All methods raise `KernelError` when the addresses can be neither read nor changed;
    an address that the kernel refuses is told in log and status, and tried again.

    Args:
        kernel: the node's addresses.
        announcements: tells the neighbours.
        record: the file that remembers which addresses are ours.
        timeline: gets an event for each change.
    """

    def __init__(
        self,
        kernel: Addresses,
        announcements: Announcements,
        record: Path,
        timeline: Timeline,
    ) -> None:
        self._kernel = kernel
        self._announcements = announcements
        self._record = record
        self._recorded = _read(record)
        self._timeline = timeline
        self._wanted = Wanted()
        self._present: set[AddressKey] = set()
        self._refused: dict[AddressKey, str] = {}
        self._turn = asyncio.Lock()
        # One thread: what was begun when a task was cancelled ends before the next look.
        self._worker = ThreadPoolExecutor(1, "addresses")

    async def hold(self, wanted: Wanted) -> None:
        """Add what is wanted, remove what of ours is not, announce what came up."""
        async with self._turn:
            for problem in wanted.problems:
                if problem not in self._wanted.problems:
                    self._tell("warning", _SUBJECT, problem)
            self._announcements.keep({w.key for w in wanted.addresses})
            known = (*self._wanted.addresses, *wanted.addresses)
            self._wanted = wanted
            await self._settle(known)

    async def keep(self) -> None:
        """Look whether all is as wanted, and restore what somebody took away."""
        async with self._turn:
            await self._settle(self._wanted.addresses)

    async def withdraw(self, leftovers: Wanted | None = None) -> None:
        """End the announcements and remove every address that is ours.

        Args:
            leftovers: what an earlier run may have left, when this one holds nothing.
        """
        self._announcements.stop()
        async with self._turn:
            known = (leftovers or self._wanted).addresses
            self._wanted = Wanted()
            await self._settle(known)

    async def announce(self) -> None:
        """Tell the neighbours again where every address is that we hold."""
        async with self._turn:
            found = await self._in_worker(self._kernel.look)
            for key in sorted(self._present):
                if hardware := found.hardware.get(key.device):
                    self._announcements.announce(key, hardware)

    async def left_here(self, wanted: Wanted) -> bool:
        """Whether an earlier run that did not end in order left any of `wanted` here."""
        found = await self._in_worker(self._kernel.look)
        ours = adopted(wanted.addresses, found.addresses, self._recorded)
        return any(want.key in ours for want in wanted.addresses)

    @property
    def statuses(self) -> tuple[AddressStatus, ...]:
        return tuple(
            AddressStatus(
                want.key.address,
                want.label or want.key.device,
                want.purpose,
                want.key in self._present,
                self._announcements.last_at(want.key),
                self._refused.get(want.key, want.note),
            )
            for want in self._wanted.addresses
        )

    def close(self) -> None:
        """Let go of the thread and the packet socket; the addresses stay."""
        self._announcements.close()
        self._worker.shutdown()

    async def _in_worker(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)

    async def _settle(self, known: Iterable[WantedAddress]) -> None:
        """Passes until nothing is left to do, or nothing more can be done."""
        known = tuple(known)
        found = await self._in_worker(self._kernel.look)
        refused: dict[AddressKey, AddressRefusal] = {}
        added: set[AddressKey] = set()
        for _ in range(_PASSES):
            ours = adopted(known, found.addresses, self._recorded)
            changes = diff(self._wanted.addresses, found.addresses, ours)
            additions = {c.key for c in changes if isinstance(c, AddAddress)}
            foreign = {a.key for a in found.addresses} - ours
            self._remember(ours | (additions - foreign))
            if not changes:
                break
            refusals = await self._in_worker(partial(self._kernel.apply, changes))
            refused = {r.change.key: r for r in refusals}
            self._report([c for c in changes if c.key not in refused])
            added |= additions - refused.keys()
            found = await self._in_worker(self._kernel.look)
            if refused:
                break
        self._conclude(found, added, refused)

    def _report(self, changes: Iterable[AddressChange]) -> None:
        purposes = {w.key: w.purpose for w in self._wanted.addresses}
        for change in changes:
            purpose = purposes.get(change.key, "")
            if not isinstance(change, AddAddress):
                self._tell("info", _SUBJECT, f"{change.key} down")
            elif change.key in self._present:
                text = f"{change.key} was taken away by somebody else: restored"
                self._tell("warning", purpose or _SUBJECT, text)
            elif purpose:
                label = f" as {change.label}" if change.label else ""
                self._tell("ok", purpose, f"{change.key} up{label}")

    def _conclude(
        self,
        found: Interfaces,
        added: set[AddressKey],
        refused: dict[AddressKey, AddressRefusal],
    ) -> None:
        """Note what is there now, and announce what has come up."""
        there = {a.key for a in found.addresses}
        places = {key[:2] for key in there}
        before, self._present = self._present, set()
        failures: dict[AddressKey, str] = {}
        for want in self._wanted.addresses:
            key = want.key
            if refusal := refused.get(key):
                failures[key] = refusal.message
                if self._refused.get(key) != refusal.message:
                    self._tell("bad", want.purpose, refusal.message)
            if key[:2] not in places:
                continue
            self._present.add(key)
            if key not in before and key not in added:
                self._tell("info", want.purpose, f"{key} was there already: kept")
            hardware = found.hardware.get(key.device)
            if hardware and (key in added or key not in before):
                self._announcements.announce(key, hardware)
        self._refused = failures
        self._remember({k for k in self._recorded if k in there})

    def _remember(self, keys: set[AddressKey]) -> None:
        if keys != self._recorded:
            self._recorded = keys
            record = _Record(tuple(sorted(keys)))
            try:
                state_file.write(self._record, to_plain(record))
            except OSError as error:  # a full disk: the addresses matter more
                log.error("%s cannot be written: %s", self._record, error)  # noqa: TRY400

    def _tell(self, severity: str, subject: str, text: str) -> None:
        level = logging.INFO if severity in {"ok", "info"} else logging.WARNING
        log.log(level, "%s: %s", subject, text)
        self._timeline.record(time.time(), severity, subject, text)


def _read(path: Path) -> set[AddressKey]:
    """The recorded addresses; none when the file is missing or not ours."""
    plain = state_file.read(path)
    try:
        return set(from_plain(_Record, plain or {}).addresses)
    except ValueError as error:
        log.warning("%s is left aside: %s", path, error)
        return set()
