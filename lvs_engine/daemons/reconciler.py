"""The one task that changes the kernel's table.

Level-triggered: whatever happens only wakes it, and it always computes from the whole
state, so a lost event costs one period and never correctness. Wake-ups that arrive
while a pass runs are one next pass.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, assert_never

from lvs_engine.control.status import PassStatus
from lvs_engine.daemons.one_pass import (
    Pass,
    Refused,
    RetryAfter,
    Settled,
    reconcile,
    withdraw,
)
from lvs_engine.daemons.ownership import Ownership
from lvs_engine.errors import KernelError
from lvs_engine.ports import DataPlane, Timeouts
from lvs_engine.table.desired import Wanted
from lvs_engine.table.model import ServiceKey, Table
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    RemoveDestination,
    RemoveService,
)

_DRIFT_LIMIT = 20
_REFUSAL_LIMIT = 50
_FIRST_RETRY_S = 1.0

_T = TypeVar("_T")
Report = Callable[[str, str, str], None]
"""Takes severity, subject and text of an event."""

log = logging.getLogger(__name__)


class Reconciler:
    """Keeps the kernel's table as `wanted` says.

    Args:
        plane: the data plane; all its calls are made here, one after the other, in one
            worker thread.
        wanted: gathers what the table that should be depends on, and returns the
            computation of it, which is made in the worker thread.
        ownership: which services are ours.
        period_s: seconds after which to look even if nothing happened.
        report: takes events.
    """

    def __init__(
        self,
        plane: DataPlane,
        wanted: Callable[[], Callable[[], Wanted]],
        ownership: Ownership,
        period_s: float,
        report: Report,
    ) -> None:
        self._plane = plane
        self._wanted = wanted
        self._ownership = ownership
        self._period_s = period_s
        self._report = report
        self._worker = ThreadPoolExecutor(1, "plane")
        self._awake = asyncio.Event()
        self._looking = False
        self._passed = asyncio.Condition()
        self._left: Table | None = None
        self._retry_s = _FIRST_RETRY_S
        self._timeouts = Timeouts()
        self._complaint = ""
        self._problems: tuple[str, ...] = ()
        self.table: Table = {}
        self.foreign: tuple[ServiceKey, ...] = ()
        self.last_pass = PassStatus()

    def wake(self) -> None:
        """Something changed; look soon."""
        self._awake.set()

    async def run(self) -> None:
        while True:
            self._awake.clear()
            self._looking = True
            await self._pass()
            self._looking = False
            async with self._passed:
                self._passed.notify_all()
            pause_s = self._period_s
            if self.last_pass.outcome == "retry":
                pause_s = min(self._retry_s, self._period_s)
                self._retry_s = min(2 * self._retry_s, self._period_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), pause_s)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until `true()` after a pass with nothing left to look at."""
        async with self._passed:
            await self._passed.wait_for(lambda: self._at_rest and true())

    @property
    def _at_rest(self) -> bool:
        """Nothing changed since the last pass began to look."""
        looked = bool(self.last_pass.outcome)
        return looked and not self._looking and not self._awake.is_set()

    async def in_worker(self, call: Callable[[], _T]) -> _T:
        """Make a blocking call of the plane, after those that were asked for before."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)

    async def set_timeouts(self, timeouts: Timeouts) -> None:
        """Set the connection timeouts, if they are others than the last time."""
        if timeouts == self._timeouts:
            return
        try:
            await self.in_worker(lambda: self._plane.set_timeouts(timeouts))
            self._timeouts = timeouts
        except KernelError as error:
            log.error("the connection timeouts are not set: %s", error)  # noqa: TRY400
            self._report("bad", "table", f"connection timeouts are not set: {error}")

    async def withdraw(self) -> None:
        """Take our services out of the kernel; `run` has ended before."""
        refusals = await self.in_worker(lambda: withdraw(self._plane, self._ownership))
        for refusal in refusals:
            log.warning("not withdrawn: %s", refusal.message)

    async def close(self) -> None:
        """Let go of the plane once its last call is done; the table stays."""
        await self.in_worker(self._plane.close)
        self._worker.shutdown()

    async def _pass(self) -> None:
        compute = self._wanted()
        done, problems = await self.in_worker(lambda: self._reconcile(compute()))
        self._tell_problems(problems)
        added, changed, removed = _counts(done.changes)
        drift = [*self.last_pass.drift, *done.drift][-_DRIFT_LIMIT:]
        self.last_pass = PassStatus(
            outcome=_word(done),
            at=time.time(),
            duration_s=round(done.duration_s, 6),
            added=added,
            changed=changed,
            removed=removed,
            refusals=_sentences(done),
            drift=tuple(drift),
        )
        if done.table is not None:
            self.table = self._left = done.table
            self._tell_foreign(done.foreign)
        self._tell_drift(done.drift)
        self._tell_outcome(done)

    def _reconcile(self, wanted: Wanted) -> tuple[Pass, tuple[str, ...]]:
        done = reconcile(self._plane, wanted.table, self._ownership, self._left)
        return done, wanted.problems

    def _tell_problems(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            if problem not in self._problems:
                log.warning("%s", problem)
                self._report("warning", "table", problem)
        self._problems = problems

    def _tell_foreign(self, foreign: tuple[ServiceKey, ...]) -> None:
        for key in foreign:
            if key not in self.foreign:
                log.info("%s is not ours and is left alone", key)
        self.foreign = foreign

    def _tell_drift(self, drift: Sequence[str]) -> None:
        for sentence in drift[:_DRIFT_LIMIT]:
            log.warning("changed by somebody else, put right: %s", sentence)
        if drift:
            more = f" (and {len(drift) - 1} more)" if len(drift) > 1 else ""
            self._report(
                "warning", "table", f"changed by somebody else: {drift[0]}{more}"
            )

    def _tell_outcome(self, done: Pass) -> None:
        """One line for each change: of the table, or of what keeps it from settling."""
        complaint = "; ".join(_sentences(done))
        if done.changes and not complaint:
            log.info(
                "table settled: %d added, %d changed, %d removed in %.0f ms",
                *_counts(done.changes),
                1000 * done.duration_s,
            )
        if complaint and complaint != self._complaint:
            log.error("table not settled: %s", complaint)
            self._report("bad", "table", complaint)
        elif self._complaint and not complaint:
            self._report("ok", "table", "settled again")
        self._complaint = complaint
        if not isinstance(done.outcome, RetryAfter):
            self._retry_s = _FIRST_RETRY_S


def _word(done: Pass) -> str:
    match done.outcome:
        case Settled():
            return "settled"
        case RetryAfter():
            return "retry"
        case Refused():
            return "refused"
        case _:
            assert_never(done.outcome)


def _sentences(done: Pass) -> tuple[str, ...]:
    match done.outcome:
        case Settled():
            return ()
        case RetryAfter(reason):
            return (reason,)
        case Refused(refusals):
            shown = [r.message for r in refusals[:_REFUSAL_LIMIT]]
            if more := len(refusals) - len(shown):
                shown.append(f"and {more} more")
            return tuple(shown)
        case _:
            assert_never(done.outcome)


def _counts(changes: Sequence[Change]) -> tuple[int, int, int]:
    added = sum(isinstance(c, AddService | AddDestination) for c in changes)
    removed = sum(isinstance(c, RemoveService | RemoveDestination) for c in changes)
    return added, len(changes) - added - removed, removed
