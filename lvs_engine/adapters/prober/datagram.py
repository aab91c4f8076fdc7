"""The probe `datagram`: send one by UDP, and see what comes back.

With `expect` there must be an answer that matches. Without, every answer will do, and
so will silence: most UDP services answer only those who speak their language. Then the
server is up unless the system refuses the port (ICMP) within the time limit; the reason
says that nobody answered. (The original waited for an answer and crashed on it, KF-7.)
"""

from __future__ import annotations

import select
import socket

from lvs_engine.adapters.prober.lanes import Lanes
from lvs_engine.adapters.prober.loop import Loop
from lvs_engine.adapters.prober.probe import Run, cannot_connect, endpoint
from lvs_engine.health.checks import Check
from lvs_engine.health.judge import Event as Outcome
from lvs_engine.health.judge import Failed, Passed
from lvs_engine.health.matching import (
    ANSWER_LIMIT,
    Verdict,
    expectation,
    quoted,
    translate,
)
from lvs_engine.values import ReasonCode

_ANSWERED = Passed(ReasonCode.PASSED, "answered")
_AS_EXPECTED = Passed(ReasonCode.PASSED, "answered as expected")


class DatagramProbe:
    """One datagram out; an empty one where `send` is absent or empty."""

    __slots__ = ("_address", "_family", "_loop", "_run", "_sock", "_text", "_timeout", "_wanted")  # fmt: skip

    def __init__(self, check: Check, loop: Loop, lanes: Lanes, run: Run) -> None:
        del lanes
        self._family, self._address = endpoint(check)
        self._timeout = check.timeout_s
        self._text = translate(check.send or "")
        self._wanted = (
            None
            if check.expect is None
            else expectation(check.expect, regex=check.regex)
        )
        self._loop = loop
        self._run = run
        self._sock: socket.SocketType | None = None

    def start(self, now: float) -> None:
        try:
            self._sock = sock = socket.SocketType(
                self._family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
            )
            sock.connect(self._address)
            sock.send(self._text)
        except OSError as error:
            self._end(cannot_connect(error.errno or 0, self._timeout), now)
            return
        self._loop.watch(sock.fileno(), select.EPOLLIN, self._receiving)

    def expire(self, now: float) -> None:
        if self._wanted is None:
            self._end(
                Passed(
                    ReasonCode.CONNECTED,
                    f"not refused, but no answer within {self._timeout:.1f} s",
                ),
                now,
            )
        else:
            self._end(
                Failed(
                    ReasonCode.ANSWER_TIMEOUT, f"no answer within {self._timeout:.1f} s"
                ),
                now,
            )

    def close(self) -> None:
        if self._sock is not None:
            self._loop.closing(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def _receiving(self, events: int, now: float) -> None:
        del events
        assert self._sock is not None
        try:
            data = self._sock.recv(ANSWER_LIMIT)
        except BlockingIOError:
            return
        except OSError as error:  # a refusal arrives as the error of a later call
            self._end(cannot_connect(error.errno or 0, self._timeout), now)
            return
        if self._wanted is None:
            self._end(_ANSWERED, now)
        elif self._wanted.of_stream(data) is Verdict.MATCH:
            self._end(_AS_EXPECTED, now)
        else:
            self._end(
                Failed(
                    ReasonCode.WRONG_ANSWER,
                    f"answered {quoted(data)}, expected {self._wanted}",
                ),
                now,
            )

    def _end(self, outcome: Outcome, now: float) -> None:
        self.close()
        self._run.finish(outcome, now)
