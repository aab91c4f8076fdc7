"""The set of checks that are being repeated, each at its own time.

It starts runs, watches their time limits and reports outcomes. Thresholds, states and
servers are not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from lvs_engine.adapters.prober.kinds import probe_for
from lvs_engine.adapters.prober.lanes import Lanes
from lvs_engine.adapters.prober.loop import TICK_S, Loop
from lvs_engine.health.checks import Check
from lvs_engine.health.judge import Event as Outcome
from lvs_engine.health.schedule import first_due, next_due, second_due

_HAIR_S = 1e-6
_LATE_S = 2 * TICK_S

Report = Callable[[Outcome, float, float], None]
"""Called with the outcome, the seconds that it took, and the monotonic time."""


class Prober:
    """Repeats checks on a loop.

    Attributes:
        loop, lanes: what its checks work with.
        results: outcomes reported so far.
        late_s: worst lateness of a start since it was last set to 0.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.lanes = Lanes(loop)
        self._tasks: dict[Check, _Task] = {}
        self._added = 0
        self.results = 0
        self.late_s = 0.0

    def __len__(self) -> int:
        return len(self._tasks)

    def replace(self, checks: Mapping[Check, Report]) -> None:
        """These are all checks from now on; those that were there go on undisturbed."""
        for gone in [check for check in self._tasks if check not in checks]:
            self._tasks.pop(gone).close()
        now = time.monotonic()
        new = [check for check in checks if check not in self._tasks]
        for position, check in enumerate(new):
            due = first_due(now, position, check.interval_s)
            self._tasks[check] = _Task(self, check, self._added, due)
            self._added += 1
        for check, report in checks.items():
            self._tasks[check].report = report

    def close(self) -> None:
        """Stop everything that runs, programs included."""
        self.replace({})
        self.lanes.close()


class _Task:
    """One check: its probe, when it is due, and the time limit of the current step."""

    __slots__ = (
        "_armed",
        "_deadline",
        "_due",
        "_fire",
        "_interval",
        "_loop",
        "_number",
        "_probe",
        "_prober",
        "_running",
        "_started",
        "_timeout",
        "report",
    )

    def __init__(self, prober: Prober, check: Check, number: int, due: float) -> None:
        self.report: Report = _unheard
        self._prober = prober
        self._loop = prober.loop
        # Configuration refuses 0; a check that slips through must not spin (KF-19).
        self._interval = max(check.interval_s, TICK_S)
        self._timeout = max(check.timeout_s, TICK_S)
        self._number = number
        self._probe = probe_for(check, prober.loop, prober.lanes, self)
        self._running = False
        self._started = self._deadline = 0.0
        self._fire = self._on_timer
        self._due = due
        self._armed = True
        self._loop.at(due, self._fire)

    def finish(self, outcome: Outcome, now: float) -> None:
        if not self._running:
            return
        self._running = False
        if not self._armed:
            self._arm(now)
        self._prober.results += 1
        self.report(outcome, now - self._started, now)

    def next_step(self, now: float) -> None:
        self._deadline = now + self._timeout

    def close(self) -> None:
        self._running = False
        self._due = float("inf")
        self._probe.close()

    def _on_timer(self, now: float) -> None:
        # Rounding to ticks must not make a timer fire a hair before its own time: the
        # start that it stands for would be lost.
        now += _HAIR_S
        if self._running:
            # A limit as long as the interval ends when the next start is due, though
            # this run began some milliseconds late: else every other start were lost.
            if now < self._deadline - _LATE_S:
                # The start that was due now, if any, is left out.
                self._armed = now < self._due
                self._loop.at(self._deadline, self._fire)
                return
            self._probe.expire(now)
        if now >= self._due:
            self._start(now)

    def _start(self, now: float) -> None:
        late_s = now - self._due
        if late_s > self._prober.late_s:
            self._prober.late_s = late_s
        self._running = True
        self._started = now
        self._deadline = now + self._timeout
        self._arm(now)
        if self._deadline < self._due - TICK_S:
            self._loop.at(self._deadline, self._fire)
        self._probe.start(now)

    def _arm(self, now: float) -> None:
        """Set the next start; the second one moves the check to its own place."""
        due = self._due + self._interval
        if self._number >= 0:
            due = second_due(self._due, self._number, self._interval)
            self._number = -1
        elif due <= now:
            due = next_due(self._due, now, self._interval)
        self._due = due
        self._armed = True
        self._loop.at(due, self._fire)


def _unheard(outcome: Outcome, duration_s: float, now: float) -> None:
    """A task reports to nobody before `replace` has said to whom."""
