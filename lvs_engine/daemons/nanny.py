"""nanny: one unprivileged process that makes all health checks and tells lvsd.

A child of lvsd, which it ends with. It holds no configuration of its own: lvsd sends
the whole set of checks through a socket, and hears of changes and, once a second, that
nanny lives. What a state is worth for the kernel's table is lvsd's to decide.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from lvs_engine.adapters.prober import Loop, Prober
from lvs_engine.control.nanny_protocol import (
    Alive,
    CheckSet,
    LineReader,
    StateReport,
    decode,
    encode_alive,
    encode_state,
)
from lvs_engine.errors import ControlError
from lvs_engine.health.checks import Watch
from lvs_engine.health.judge import Event
from lvs_engine.health.roster import Audience, Change, Roster, Told
from lvs_engine.values import HealthView

_ALIVE_S = 1.0
_READ = 262144
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_HARMLESS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

log = logging.getLogger(__name__)


class Nanny:
    """Checks, judges, and the line to lvsd. `run` returns when lvsd hangs up."""

    def __init__(self, sock: socket.socket) -> None:
        self._loop = Loop()
        self._prober = Prober(self._loop)
        self._roster = Roster()
        # What to add to the monotonic time; the clock may be set while we run.
        self._unix_time = time.time() - time.monotonic()
        self._line = _Line(sock, self._loop, self._hear, self._loop.stop)

    def run(self) -> None:
        """Until lvsd hangs up, or a TERM or INT."""
        with _signals(self._loop):
            self._sign_of_life(time.monotonic())
            self._loop.run()

    def close(self) -> None:
        self._prober.close()
        self._loop.close()

    def _hear(self, line: bytes) -> None:
        try:
            message = decode(line)
        except ControlError as error:
            log.warning("lvsd: %s", error)
            return
        if isinstance(message, CheckSet):
            self._watch(message.watches, message.known)

    def _watch(self, watches: tuple[Watch, ...], known: HealthView) -> None:
        self._tell(self._roster.replace(watches, known, time.time()))
        self._prober.replace(
            {
                check: partial(self._result, audience)
                for check, audience in self._roster.audiences.items()
            }
        )
        # Thousands of long-lived objects need not be visited by every collection.
        gc.collect()
        gc.freeze()
        log.info("watching %d servers by %d checks", len(watches), len(self._prober))

    def _result(
        self, audience: Audience, event: Event, duration_s: float, now: float
    ) -> None:
        told = audience.hear(event, duration_s, now, now + self._unix_time)
        if told:
            self._tell(told)

    def _tell(self, told: Iterable[Told]) -> None:
        for item in told:
            write_log(item)
            self._line.send(encode_state(StateReport(item.watch.server, item.health)))

    def _sign_of_life(self, now: float) -> None:
        prober = self._prober
        self._unix_time = time.time() - time.monotonic()
        late_s, prober.late_s = prober.late_s, 0.0
        self._line.send(
            encode_alive(Alive(prober.results, round(late_s, 4), len(prober)))
        )
        self._loop.at(now + _ALIVE_S, self._sign_of_life)


def write_log(told: Told) -> None:
    """One line for each change, with the words that admins search for since 0.8.6."""
    check, server = told.watch.check, told.watch.server
    place = f"[{check.address}]" if ":" in check.address else check.address
    where = (place, check.port, server.virtual, server.server, told.health.reason)
    match told.change:
        case Change.UP:
            log.info("[ active ] making %s:%d available (%s, %s: %s)", *where)
        case Change.DOWN:
            log.warning(
                "[inactive] shutting down %s:%d due to connection failure (%s, %s: %s)",
                *where,
            )
        case Change.NOTED | Change.RESET:
            log.debug("%s:%d (%s, %s): %s", *where)


class _Line:
    """The socket to lvsd: whole lines in both directions, never blocking.

    What lvsd does not read at once is kept; all of it was news when it was said.
    """

    def __init__(
        self,
        sock: socket.socket,
        loop: Loop,
        heard: Callable[[bytes], None],
        hung_up: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._loop = loop
        self._heard = heard
        self._hung_up = hung_up
        self._reader = LineReader()
        self._unsent: deque[bytes] = deque()
        loop.watch(sock.fileno(), select.EPOLLIN, self._on_event)

    def send(self, line: bytes) -> None:
        if self._unsent:
            self._unsent.append(line)
            return
        self._unsent.append(line)
        self._flush()
        if self._unsent:
            self._loop.change(self._sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _flush(self) -> None:
        try:
            while self._unsent:
                line = self._unsent[0]
                sent = self._sock.send(line, socket.MSG_NOSIGNAL)
                if sent < len(line):
                    self._unsent[0] = line[sent:]
                    return
                self._unsent.popleft()
        except BlockingIOError:
            return
        except OSError:  # lvsd is gone; the end of the stream will be read, too
            self._unsent.clear()
            self._hung_up()

    def _on_event(self, events: int, now: float) -> None:
        del now
        if events & select.EPOLLOUT:
            self._flush()
            if not self._unsent:
                self._loop.change(self._sock.fileno(), select.EPOLLIN)
        if events & ~select.EPOLLOUT:
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hung_up()
        for line in self._reader.feed(data):
            self._heard(line)


@contextlib.contextmanager
def _signals(loop: Loop) -> Iterator[None]:
    """TERM and INT stop the loop; HUP, USR1 and USR2, of old use, do nothing.

    A handler alone would wait for the end of the current poll, so Python is asked to
    write to a socket of ours, too.
    """
    wake, woken = socket.socketpair()
    with wake, woken:
        wake.setblocking(False)
        woken.setblocking(False)
        loop.watch(woken.fileno(), select.EPOLLIN, lambda *_: _drain(woken))
        before = {s: signal.signal(s, lambda *_: loop.stop()) for s in _STOPPING}
        before |= {s: signal.signal(s, lambda *_: None) for s in _HARMLESS}
        old_wake = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old_wake)
            for number, handler in before.items():
                signal.signal(number, handler)
            loop.forget(woken.fileno())


def _drain(sock: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        sock.recv(4096)
