"""The probe `dialogue`: connect by TCP or SCTP, send a text, expect a text."""

from __future__ import annotations

import errno
import select
import socket

from lvs_engine.adapters.prober.lanes import Lanes
from lvs_engine.adapters.prober.loop import Loop
from lvs_engine.adapters.prober.probe import Run, cannot_connect, endpoint
from lvs_engine.health.checks import CONNECT, Check
from lvs_engine.health.judge import Event as Outcome
from lvs_engine.health.judge import Failed, Passed
from lvs_engine.health.matching import (
    ANSWER_LIMIT,
    Expectation,
    Verdict,
    expectation,
    quoted,
    translate,
)
from lvs_engine.values import Protocol, ReasonCode

_TROUBLE = select.EPOLLERR | select.EPOLLHUP
_IPPROTO = {Protocol.TCP: socket.IPPROTO_TCP, Protocol.SCTP: socket.IPPROTO_SCTP}


class DialogueProbe:
    """Connect, send, expect: each step has the whole time limit.

    Without `expect` the text only has to be taken. The connection is closed in the
    ordinary way, since a server may be writing still.
    """

    __slots__ = (
        "_address",
        "_answer",
        "_family",
        "_loop",
        "_passed",
        "_proto",
        "_run",
        "_sock",
        "_text",
        "_timeout",
        "_unsent",
        "_wanted",
    )

    def __init__(self, check: Check, loop: Loop, lanes: Lanes, run: Run) -> None:
        del lanes
        self._family, self._address = endpoint(check)
        self._proto = _IPPROTO[check.protocol]
        self._timeout = check.timeout_s
        self._text = b"" if check.kind == CONNECT else translate(check.send or "")
        self._wanted = (
            None
            if check.kind == CONNECT or check.expect is None
            else expectation(check.expect, regex=check.regex)
        )
        self._passed = _passed(self._wanted, bool(self._text))
        self._loop = loop
        self._run = run
        self._sock: socket.SocketType | None = None
        self._unsent: bytes | None = None
        self._answer = bytearray()

    def start(self, now: float) -> None:
        self._unsent = None
        self._answer.clear()
        try:
            self._sock = sock = socket.SocketType(
                self._family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, self._proto
            )
        except OSError as error:
            self._end(cannot_connect(error.errno or 0, self._timeout), now)
            return
        error_number = sock.connect_ex(self._address)
        if error_number in (errno.EINPROGRESS, 0):
            self._loop.watch(sock.fileno(), select.EPOLLOUT, self._connecting)
        else:
            self._end(cannot_connect(error_number, self._timeout), now)

    def expire(self, now: float) -> None:
        if self._unsent is None:
            self._end(cannot_connect(errno.ETIMEDOUT, self._timeout), now)
        elif self._answer:
            self._end(self._wrong(f" within {self._timeout:.1f} s"), now)
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

    def _connecting(self, events: int, now: float) -> None:
        assert self._sock is not None
        if events & _TROUBLE and (
            error := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        ):
            self._end(cannot_connect(error, self._timeout), now)
            return
        self._unsent = self._text
        self._run.next_step(now)
        self._loop.redirect(self._sock.fileno(), self._sending)
        self._sending(events, now)

    def _sending(self, events: int, now: float) -> None:
        del events
        assert self._sock is not None
        assert self._unsent is not None
        try:
            if self._unsent:
                sent = self._sock.send(self._unsent, socket.MSG_NOSIGNAL)
                self._unsent = self._unsent[sent:]
        except BlockingIOError:
            return
        except OSError as error:
            self._end(_broken(error), now)
            return
        if self._unsent:
            return
        if self._wanted is None or self._wanted.of_stream(b"") is Verdict.MATCH:
            self._end(self._passed, now)
            return
        self._loop.redirect(self._sock.fileno(), self._receiving)
        self._loop.change(self._sock.fileno(), select.EPOLLIN)

    def _receiving(self, events: int, now: float) -> None:
        del events
        assert self._sock is not None
        assert self._wanted is not None
        try:
            data = self._sock.recv(ANSWER_LIMIT - len(self._answer))
        except BlockingIOError:
            return
        except OSError as error:
            self._end(_broken(error), now)
            return
        self._answer += data
        verdict = self._wanted.of_stream(self._answer)
        if verdict is Verdict.MATCH:
            self._end(self._passed, now)
        elif not data:
            self._end(self._closed(), now)
        elif verdict is Verdict.MISMATCH or len(self._answer) >= ANSWER_LIMIT:
            self._end(self._wrong(), now)

    def _closed(self) -> Outcome:
        if self._answer:
            return self._wrong(" and closed")
        return Failed(ReasonCode.CLOSED, "closed the connection without an answer")

    def _wrong(self, how: str = "") -> Outcome:
        return Failed(
            ReasonCode.WRONG_ANSWER,
            f"answered {quoted(self._answer)}{how}, expected {self._wanted}",
        )

    def _end(self, outcome: Outcome, now: float) -> None:
        self.close()
        self._run.finish(outcome, now)


def _passed(wanted: Expectation | None, says_something: bool) -> Passed:
    if wanted is not None:
        return Passed(ReasonCode.PASSED, "answered as expected")
    if says_something:
        return Passed(ReasonCode.CONNECTED, "connected, and took what was sent")
    return Passed(ReasonCode.CONNECTED, "connected")


def _broken(error: OSError) -> Failed:
    """A connection that was made and then lost (KF-25): the server's doing."""
    if error.errno in (errno.ECONNRESET, errno.EPIPE):
        return Failed(ReasonCode.CLOSED, "reset the connection")
    return Failed(ReasonCode.CLOSED, f"lost the connection: {error.strerror}")
