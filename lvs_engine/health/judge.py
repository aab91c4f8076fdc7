"""Up or down: a pure state machine for one real server, fed with check results.

              first success                  `fall` failures in a row
 unchecked ------------------> up ------------------------------------> down
     |                          ^                                        |
     |                          +---- `rise` successes in a row ---------+
     +---- first failure ------------------------------------------------^

The first success brings a server up at once; after a failure it has to earn it, which
is what `reentry` asks for. A check that this machine was not able to make (no more
descriptors, no more ports) changes no state and breaks no row. The machine reads no clock: it moves only with results, so
its deadline never comes. The driver adds the wall-clock time of a change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

from lvs_engine.values import HealthState, ReasonCode


@dataclass(frozen=True, slots=True)
class Rules:
    """How many results in a row it takes.

    Attributes:
        rise: successes that bring a failed server up; >= 1.
        fall: failures that take a server down; >= 1. The original knew only 1 (KF-16).
    """

    rise: int = 1
    fall: int = 1


def rules(reentry_s: float, interval_s: float) -> Rules:
    """`reentry` in checks, rounded down, at least one.

    >>> rules(15, 6)
    Rules(rise=2, fall=1)
    """
    return Rules(rise=max(1, int(reentry_s // interval_s)) if interval_s > 0 else 1)


@dataclass(frozen=True, slots=True)
class Passed:
    code: ReasonCode
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    code: ReasonCode
    reason: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """This machine could not make the check: nothing is known of the server."""

    code: ReasonCode
    reason: str


Event = Passed | Failed | Undecided


@dataclass(frozen=True, slots=True)
class WentUp:
    code: ReasonCode
    reason: str


@dataclass(frozen=True, slots=True)
class WentDown:
    code: ReasonCode
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """The state stays, but there is another thing to say of it."""

    code: ReasonCode
    reason: str


Action = WentUp | WentDown | Noted


class Judge:
    """One real server.

    `state`, `code` and `reason` are what is to be told of it at any time.
    """

    __slots__ = ("_row", "code", "reason", "rules", "state")

    def __init__(
        self,
        rules: Rules,
        state: HealthState = HealthState.UNCHECKED,
        code: ReasonCode = ReasonCode.NONE,
        reason: str = "not checked yet",
    ) -> None:
        self.rules = rules
        self.state = state
        self.code = code
        self.reason = reason
        # Results in a row that speak against the state.
        self._row = 0

    @property
    def deadline(self) -> float:
        """Never: nothing happens without a result."""
        return math.inf

    @property
    def settled(self) -> bool:
        """No row is being counted: the last event again would change nothing."""
        return self._row == 0

    def step(self, event: Event, now: float) -> list[Action]:
        """Take one result; `now` is monotonic seconds, and not used by these rules."""
        del now
        match event:
            case Passed():
                return self._passed(event)
            case Failed():
                return self._failed(event)
            case Undecided():
                return self._note(event.code, event.reason)
            case _:
                assert_never(event)

    def _passed(self, event: Passed) -> list[Action]:
        if self.state is HealthState.UP:
            self._row = 0
            return self._note(event.code, event.reason)
        self._row += 1
        if self.state is HealthState.UNCHECKED or self._row >= self.rules.rise:
            return self._change(HealthState.UP, WentUp(event.code, event.reason))
        return self._note(
            event.code,
            f"{event.reason}; up again after {self.rules.rise} successes in a row",
        )

    def _failed(self, event: Failed) -> list[Action]:
        if self.state is HealthState.DOWN:
            self._row = 0
            return self._note(event.code, event.reason)
        self._row += 1
        if self.state is HealthState.UNCHECKED or self._row >= self.rules.fall:
            return self._change(HealthState.DOWN, WentDown(event.code, event.reason))
        return self._note(
            event.code, f"{event.reason} ({self._row} of {self.rules.fall} failures)"
        )

    def _change(self, state: HealthState, action: WentUp | WentDown) -> list[Action]:
        self.state, self.code, self.reason = state, action.code, action.reason
        self._row = 0
        return [action]

    def _note(self, code: ReasonCode, reason: str) -> list[Action]:
        if code is self.code and reason == self.reason:
            return []
        self.code, self.reason = code, reason
        return [Noted(code, reason)]
