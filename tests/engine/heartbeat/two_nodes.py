"""Two nodes on a virtual clock, joined by two paths that lose, repeat and reorder.

The machines and the replay guard are the real ones. A node's addresses stay behind when
its daemon is killed and vanish when its power does, so ownership is watched apart from
what the machines believe.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

from lvs_engine.heartbeat.beat import Beat, Envelope, Path, Word
from lvs_engine.heartbeat.events import (
    Action,
    Activate,
    Announce,
    Deactivate,
    Event,
    Heard,
    Incident,
    Left,
    Probe,
    ProbeResult,
    Refused,
    SendBeat,
    Tick,
)
from lvs_engine.heartbeat.failover import Failover, State
from lvs_engine.heartbeat.replay import ReplayGuard
from lvs_engine.heartbeat.settings import Rules, Timing
from lvs_engine.values import Role

T = TypeVar("T")

DELAY_S = 0.02  # longest way of a datagram
LEAVE_S = 0.01  # time to take the addresses away
PROBE_S = 0.05

_ROLES = (Role.PRIMARY, Role.BACKUP)


@dataclass
class Network:
    """What happens on the way.

    Attributes:
        loss: probability that a datagram is lost, for each by itself.
        duplication: probability that it arrives twice.
        cut: (sender, path) pairs that carry nothing.
    """

    paths: tuple[Path, ...] = (Path.PUBLIC,)
    loss: float = 0.0
    duplication: float = 0.0

    def __post_init__(self) -> None:
        self.cut: set[tuple[int, Path]] = set()

    def heal(self) -> None:
        self.loss = self.duplication = 0.0
        self.cut.clear()


class Node:
    """One router: a daemon that may be dead, and addresses that may outlive it."""

    def __init__(self) -> None:
        self.machine: Failover | None = None
        self.owns = False
        self.boot = b""
        self.guard = ReplayGuard()
        self.sequence = 0
        self.actions: list[tuple[float, Action]] = []

    def did(self, kind: type[T]) -> list[T]:
        return [a for _, a in self.actions if isinstance(a, kind)]


class Pair:
    """The two routers; node 0 is the primary."""

    def __init__(
        self,
        timing: Timing,
        network: Network | None = None,
        *,
        seed: int = 0,
        signed: bool = True,
        failback: bool = False,
        probing: bool = False,
    ) -> None:
        self.now = 100.0
        self.timing = timing
        self.network = network or Network()
        self.nodes = (Node(), Node())
        self.rules = Rules(True, signed=signed, failback=failback, probing=probing)
        self.overlaps: list[tuple[float, float]] = []  # (from, to) with two owners
        self.gaps: list[tuple[float, float]] = []  # (from, to) with none
        self._random = random.Random(seed)
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._owners_since = (0, self.now)

    # What happens to nodes

    def boot(self, index: int) -> None:
        """Start the daemon, after a crash too."""
        node = self.nodes[index]
        rules = replace(self.rules, preferred=index == 0)
        node.machine = Failover(self.timing, rules, self.now, resuming=node.owns)
        node.boot = next(self._number).to_bytes(16, "big")
        node.guard, node.sequence = ReplayGuard(), 0
        self.feed(index, Tick())

    def kill(self, index: int) -> None:
        """End the daemon; its addresses stay."""
        self.nodes[index].machine = None

    def power_off(self, index: int) -> None:
        self.kill(index)
        self._own(index, owns=False)

    def feed(self, index: int, event: Event) -> None:
        node = self.nodes[index]
        if node.machine is None:
            return
        for action in node.machine.step(event, self.now):
            node.actions.append((self.now, action))
            self._carry_out(index, action)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while True:
            due = [n.machine.deadline for n in self.nodes if n.machine]
            first = min([*due, end])
            if self._queue and self._queue[0][0] <= min(first, end):
                self.now, _, job = heapq.heappop(self._queue)
                job()
                continue
            self.now = max(self.now, first)
            if first >= end:
                return
            for index, node in enumerate(self.nodes):
                if node.machine and node.machine.deadline <= self.now:
                    self.feed(index, Tick())

    # What is seen

    @property
    def owners(self) -> list[int]:
        return [i for i, node in enumerate(self.nodes) if node.owns]

    def state(self, index: int) -> State | None:
        machine = self.nodes[index].machine
        return machine.state if machine else None

    def longest_overlap(self, since: float = 0.0) -> float:
        """Seconds with two owners, the longest stretch after a moment."""
        self._mark()
        return _longest(self.overlaps, since)

    def longest_gap(self, since: float = 0.0) -> float:
        """Seconds without an owner, the longest stretch after a moment."""
        self._mark()
        return _longest(self.gaps, since)

    # Inside

    def _carry_out(self, index: int, action: Action) -> None:
        match action:
            case SendBeat(word):
                self._send(index, word)
            case Activate():
                self._own(index, owns=True)
            case Deactivate():
                self._later(LEAVE_S, self._leave_of(index))
            case Probe():
                machine = self.nodes[index].machine
                self._later(PROBE_S, lambda: self._answer(index, machine))
            case Announce() | Incident() | Refused():
                pass

    def _leave_of(self, index: int) -> Callable[[], None]:
        machine = self.nodes[index].machine

        def leave() -> None:
            if self.nodes[index].machine is machine:
                self._own(index, owns=False)
                self.feed(index, Left())

        return leave

    def _answer(self, index: int, machine: Failover | None) -> None:
        if self.nodes[index].machine is machine:
            self.feed(index, ProbeResult(self.nodes[1 - index].owns))

    def _send(self, index: int, word: Word) -> None:
        node = self.nodes[index]
        node.sequence += 1
        for path in self.network.paths:
            for _ in self._copies(index, path):
                beat = Beat(word if self.rules.signed else Word(word.state))
                if self.rules.signed:
                    started = int.from_bytes(node.boot, "big")
                    envelope = Envelope(
                        _ROLES[index], path, node.boot, started, node.sequence, 0
                    )
                    beat = Beat(word, envelope)
                self._later(
                    self._random.uniform(0.001, DELAY_S), self._arrival(index, beat)
                )

    def _copies(self, sender: int, path: Path) -> Iterator[None]:
        network = self.network
        if (sender, path) in network.cut or self._random.random() < network.loss:
            return
        yield
        if self._random.random() < network.duplication:
            yield

    def _arrival(self, sender: int, beat: Beat) -> Callable[[], None]:
        def arrive() -> None:
            receiver = self.nodes[1 - sender]
            if receiver.machine is None:
                return
            envelope = beat.envelope
            if envelope and receiver.guard.admit(beat, envelope, fresh=False):
                return
            self.feed(1 - sender, Heard(beat.word))

        return arrive

    def _later(self, seconds: float, job: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._number), job))

    def _own(self, index: int, *, owns: bool) -> None:
        self._mark()
        self.nodes[index].owns = owns
        if len(self.owners) != self._owners_since[0]:
            self._owners_since = (len(self.owners), self.now)

    def _mark(self) -> None:
        number, since = self._owners_since
        if number != 1 and self.now > since:
            (self.overlaps if number else self.gaps).append((since, self.now))


def _longest(stretches: list[tuple[float, float]], since: float) -> float:
    return max(
        (to - max(start, since) for start, to in stretches if to > since), default=0
    )
