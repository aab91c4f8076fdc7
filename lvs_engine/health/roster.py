"""Who listens to which check: results in, changes of servers' health out.

Joins watches and judges. It neither makes checks nor knows the time: the driver gives
the monotonic time for the judges and the Unix time that people read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from lvs_engine.health.checks import Check, Watch
from lvs_engine.health.judge import Event, Judge, WentDown, WentUp, rules
from lvs_engine.values import HealthState, HealthView, ServerHealth, ServerKey


class Change(Enum):
    """What became of a server."""

    UP = "up"
    DOWN = "down"
    NOTED = "noted"  # the same state with another reason
    RESET = "reset"  # another machine behind the same name: unchecked


@dataclass(frozen=True, slots=True)
class Told:
    """One change, and the health after it."""

    change: Change
    watch: Watch
    health: ServerHealth


class _Entry:
    """A watched server."""

    __slots__ = ("duration_s", "judge", "since", "watch")

    def __init__(self, watch: Watch, judge: Judge, health: ServerHealth) -> None:
        self.watch = watch
        self.judge = judge
        self.since = health.since
        self.duration_s = health.duration_s

    def health(self) -> ServerHealth:
        judge = self.judge
        return ServerHealth(
            judge.state, judge.code, judge.reason, self.since, self.duration_s
        )


class Audience:
    """All servers that listen to one check.

    Nearly all results are the same object as the one before, and change nothing: such
    an event is kept, and passed over when it comes again.
    """

    __slots__ = ("_entries", "_quiet")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._quiet: Event | None = None

    def join(self, entry: _Entry) -> None:
        self._entries.append(entry)

    def hear(
        self, event: Event, duration_s: float, now: float, at: float
    ) -> list[Told]:
        """Take a result of the check. `now` is monotonic, `at` Unix time."""
        told: list[Told] = []
        if event is self._quiet:
            return told
        for entry in self._entries:
            entry.duration_s = duration_s
            for action in entry.judge.step(event, now):
                change = Change.NOTED
                if isinstance(action, WentUp | WentDown):
                    change = Change.UP if isinstance(action, WentUp) else Change.DOWN
                    entry.since = at
                told.append(Told(change, entry.watch, entry.health()))
        quiet = not told and all(entry.judge.settled for entry in self._entries)
        self._quiet = event if quiet else None
        return told


class Roster:
    """All watched servers and their judges.

    Attributes:
        audiences: each check once, and who has to hear its results.
    """

    def __init__(self) -> None:
        self._entries: dict[ServerKey, _Entry] = {}
        self._fresh = True
        self.audiences: dict[Check, Audience] = {}

    def replace(
        self, watches: Iterable[Watch], known: HealthView, at: float
    ) -> list[Told]:
        """These are all servers from now on.

        A server keeps its state as long as it is the same address, port and protocol,
        even when it is checked in another way: an edit of `timeout` takes nobody out.
        `known` counts for the first set only, after our own restart. `at` is Unix time.
        """
        before, self._entries, told = self._entries, {}, []
        for watch in watches:
            old = before.get(watch.server)
            if old is None:
                health = known.of(watch.server) if self._fresh else ServerHealth(_NEW)
                entry = _Entry(watch, _judge(watch, health), health)
                entry.since = health.since or at
            elif _same_place(old.watch, watch):
                entry = _kept(old, watch)
            else:
                moved = ServerHealth(_NEW, since=at)
                entry = _Entry(watch, _judge(watch, moved), moved)
                told.append(Told(Change.RESET, watch, moved))
            self._entries[watch.server] = entry
        self._fresh = False
        self.audiences = {}
        for entry in self._entries.values():
            self.audiences.setdefault(entry.watch.check, Audience()).join(entry)
        return told

    def view(self) -> HealthView:
        return HealthView({key: e.health() for key, e in self._entries.items()})


_NEW = HealthState.UNCHECKED


def _judge(watch: Watch, health: ServerHealth) -> Judge:
    return Judge(
        rules(watch.reentry_s, watch.check.interval_s),
        health.state,
        health.code,
        health.reason,
    )


def _kept(old: _Entry, watch: Watch) -> _Entry:
    if old.watch.check == watch.check:
        # The successes that it has earned count on under the new number.
        old.judge.rules = rules(watch.reentry_s, watch.check.interval_s)
        old.watch = watch
        return old
    health = old.health()
    return _Entry(watch, _judge(watch, health), health)


def _same_place(old: Watch, new: Watch) -> bool:
    return (old.check.address, old.check.port, old.check.protocol) == (
        new.check.address,
        new.check.port,
        new.check.protocol,
    )
