"""Drives `heartbeat.failover` over UDP: one socket for each path, one timer.

Datagrams become events, heartbeats become datagrams; every other action goes to the
caller, who carries it out without blocking this loop. What was not believed is counted
by reason and changes nothing.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from lvs_engine.errors import KernelError
from lvs_engine.heartbeat import signed, wire
from lvs_engine.heartbeat.beat import (
    Beat,
    Envelope,
    Path,
    Reason,
    Rejected,
    Word,
)
from lvs_engine.heartbeat.events import Action, Event, Heard, SendBeat, Tick
from lvs_engine.heartbeat.failover import Failover
from lvs_engine.heartbeat.replay import ReplayGuard
from lvs_engine.values import Role

_LARGEST = 2048  # bytes of a datagram that are looked at
_AT_ONCE = 64  # datagrams read before others have their turn

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """One path: our own and the partner's address, of the same family."""

    path: Path
    own: str
    partner: str


@dataclass(slots=True)
class PathView:
    """What is known of one path.

    Attributes:
        heard_at: loop time of the last believed heartbeat; -inf: none.
        round_trip_s: seconds; nan until an echo came.
        sent, heard, send_errors: counts.
    """

    heard_at: float = -math.inf
    round_trip_s: float = math.nan
    sent: int = 0
    heard: int = 0
    send_errors: int = 0
    echo_us: int = 0  # the partner's stamp that we give back


@dataclass(slots=True)
class PartnerView:
    """What a signed heartbeat told of the partner's set-up; None: not paired, or silent."""

    envelope: Envelope | None = None


@dataclass
class Identity:
    """Who we are towards the partner.

    Attributes:
        key: None: not paired; the original format is spoken.
        lenient: believe unsigned heartbeats until the first signed one, so that two
            nodes need not be given the key in the same moment.
        configuration: sha256 of the running lvs.cf.
    """

    role: Role
    key: bytes | None = None
    lenient: bool = False
    configuration: bytes = bytes(32)
    boot: bytes = field(default_factory=lambda: os.urandom(16))
    started: int = field(default_factory=time.time_ns)


class Heartbeat:
    """The sockets and the timer of one node; the machine's `now` is `loop.time()`.

    Args:
        machine: built with the `loop.time()` of now.
        perform: takes every action save `SendBeat`, in order; must not block.
    """

    def __init__(
        self,
        machine: Failover,
        identity: Identity,
        ways: Sequence[Way],
        port: int,
        perform: Callable[[Action], None],
    ) -> None:
        self.machine = machine
        self.identity = identity
        self.rejected: Counter[Reason] = Counter()
        self.paths = {way.path: PathView() for way in ways}
        self.partner = PartnerView()
        self._ways = {way.path: way for way in ways}
        self._by_source = {_canonical(way.partner): way.path for way in reversed(ways)}
        self._port = port
        self._perform = perform
        self._guard = ReplayGuard()
        self._sequence = 0
        # From an arbitrary origin: nobody who missed our stamps can echo one.
        self._origin_us = int.from_bytes(os.urandom(7), "big")
        self._sockets: dict[Path, socket.socket] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Bind, listen, and let the machine begin.

        Raises:
            KernelError: a socket cannot be bound; none is left open.
        """
        self._loop = asyncio.get_running_loop()
        try:
            for way in self._ways.values():
                self._sockets[way.path] = _bound(way, self._port)
        except KernelError:
            self.close()
            raise
        for path, each in self._sockets.items():
            self._loop.add_reader(each, self._read, path)
        self.feed(Tick())

    def close(self) -> None:
        """Stop listening, without a word to the partner: `feed(Stop())` comes first."""
        if self._timer:
            self._timer.cancel()
        for each in self._sockets.values():
            if each.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(each)
            each.close()
        self._sockets.clear()

    def feed(self, event: Event) -> None:
        """Give the machine an event, carry out what it wants, set the timer."""
        self._step(event, self._loop.time())

    def _step(self, event: Event, now: float) -> None:
        for action in self.machine.step(event, now):
            if isinstance(action, SendBeat):
                self._send(action.word)
            else:
                self._perform(action)
        if self._timer:
            self._timer.cancel()
        self._timer = None
        if self._sockets and self.machine.deadline < math.inf:
            self._timer = self._loop.call_at(self.machine.deadline, self._tick)

    def _tick(self) -> None:
        # A timer may fire a clock tick early; the machine must see its own deadline.
        self._step(Tick(), max(self.machine.deadline, self._loop.time()))

    # Out

    def _send(self, word: Word) -> None:
        self._sequence += 1
        for path, each in self._sockets.items():
            view, way = self.paths[path], self._ways[path]
            try:
                each.sendto(self._encode(word, path), (way.partner, self._port))
                view.sent += 1
            except OSError as error:  # a dead link: the partner's silence will tell
                view.send_errors += 1
                log.debug("heartbeat to %s not sent: %s", way.partner, error.strerror)

    def _encode(self, word: Word, path: Path) -> bytes:
        identity, machine, view = self.identity, self.machine, self.paths[path]
        number = wire.encode(word.state, machine.rules.kind)
        if identity.key is None:
            return number
        now = self._loop.time()
        heard = view.heard_at > -math.inf
        envelope = Envelope(
            role=identity.role,
            path=path,
            boot=identity.boot,
            started=identity.started,
            sequence=self._sequence,
            sent_us=self._stamp(now),
            echo_us=view.echo_us,
            held_us=int((now - view.heard_at) * 1e6) if heard else 0,
            keepalive_ms=round(machine.timing.keepalive * 1000),
            deadtime_ms=round(machine.timing.deadtime * 1000),
            configuration=identity.configuration,
        )
        return signed.encode(number, Beat(word, envelope), identity.key)

    def _stamp(self, now: float) -> int:
        return self._origin_us + int(now * 1e6)

    # In

    def _read(self, path: Path) -> None:
        for _ in range(_AT_ONCE):
            own = self._sockets.get(path)
            if own is None:  # closed by an action of the one before
                return
            try:
                data, source = own.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            except OSError as error:  # such as an ICMP answer to what we sent
                log.debug("heartbeat socket: %s", error.strerror)
                return
            self._take_in(data, source[0])

    def _take_in(self, data: bytes, source: str) -> None:
        word_and_path = self._believe(data, source)
        if isinstance(word_and_path, Rejected):
            self.rejected[word_and_path.reason] += 1
            log.debug("heartbeat from %s rejected: %s", source, word_and_path)
        else:
            self.feed(Heard(*word_and_path))

    def _believe(self, data: bytes, source: str) -> tuple[Word, Path] | Rejected:
        path = self._by_source.get(_canonical(source))
        if path is None:
            return Rejected(Reason.STRANGER, source)
        identity = self.identity
        key = identity.key
        if identity.lenient and not signed.is_ours(data):
            key = None
        beat = wire.decode(data, self.machine.rules.kind, identity.role, key)
        if isinstance(beat, Rejected):
            return beat
        view, now = self.paths[path], self._loop.time()
        if beat.envelope is not None:
            rejected = self._open(beat, beat.envelope, path, now)
            if rejected is not None:
                return rejected
        view.heard_at = now
        view.heard += 1
        return beat.word, path

    def _open(
        self, beat: Beat, envelope: Envelope, path: Path, now: float
    ) -> Rejected | None:
        """Take note of an envelope; why its word must not be obeyed, if so."""
        # Paths whose partner has one address cannot be told apart by source.
        if envelope.path is not path and len(self._by_source) == len(self._ways):
            return Rejected(Reason.WRONG_PATH, f"{envelope.path} on {path}")
        stamp = self._stamp(now)
        limit_us = int(self.machine.timing.deadtime * 1e6)
        fresh = envelope.echo_us > 0 and 0 <= stamp - envelope.echo_us <= limit_us
        rejected = self._guard.admit(beat, envelope, fresh=fresh)
        view = self.paths[envelope.path]
        if rejected is None or rejected.reason is Reason.OVERTAKEN:
            view.heard_at, view.echo_us = now, envelope.sent_us
            if fresh:
                trip_us = stamp - envelope.echo_us - envelope.held_us
                view.round_trip_s = max(0, trip_us) / 1e6
        if rejected is None:
            self.partner.envelope = envelope
            self.identity.lenient = False
        return rejected


def _bound(way: Way, port: int) -> socket.socket:
    """A socket of our own address; not inherited by children (PEP 446).

    No SO_REUSEADDR: for UDP it lets a second daemon share the port and take half of the
    heartbeats. KF-10 was an inherited descriptor, which is gone.
    """
    family = socket.AF_INET6 if ":" in way.own else socket.AF_INET
    own = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        own.bind((way.own, port))
    except OSError as error:
        own.close()
        name = errno.errorcode.get(error.errno or 0, "")
        raise KernelError(
            f"heartbeat on {way.own} port {port} ({way.path}): "
            f"{error.strerror} ({name})"
        ) from None
    return own


def _canonical(address: str) -> str:
    return str(ip_address(address.partition("%")[0]))
