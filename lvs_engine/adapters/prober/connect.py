"""The probe `connect`: the TCP connection is the answer; it is reset at once."""

from __future__ import annotations

import errno
import select

from lvs_engine.adapters.prober.lanes import Lane, Lanes
from lvs_engine.adapters.prober.loop import Loop
from lvs_engine.adapters.prober.probe import Run, cannot_connect, endpoint
from lvs_engine.health.checks import Check
from lvs_engine.health.judge import Passed
from lvs_engine.values import ReasonCode

CONNECTED = Passed(ReasonCode.CONNECTED, "connected")
_TROUBLE = select.EPOLLERR | select.EPOLLHUP


class ConnectProbe:
    """Connects, and that is all."""

    __slots__ = ("_address", "_event", "_family", "_lane", "_lanes", "_run", "_timeout")

    def __init__(self, check: Check, loop: Loop, lanes: Lanes, run: Run) -> None:
        del loop
        self._family, self._address = endpoint(check)
        self._timeout = check.timeout_s
        self._lanes = lanes
        self._run = run
        self._lane: Lane | None = None
        self._event = self._on_event

    def start(self, now: float) -> None:
        try:
            lane = self._lanes.take(self._family, self._event)
        except OSError as error:
            self._run.finish(cannot_connect(error.errno or 0, self._timeout), now)
            return
        self._lane = lane
        error_number = lane.connect(self._address)
        # Zero is rare, and then the event comes all the same.
        if error_number not in (errno.EINPROGRESS, 0):
            self._fail(error_number, now)

    def expire(self, now: float) -> None:
        self._fail(errno.ETIMEDOUT, now)

    def close(self) -> None:
        if self._lane is not None:
            self._lanes.drop(self._lane)
            self._lane = None

    def _on_event(self, events: int, now: float) -> None:
        lane = self._lane
        assert lane is not None
        # An event without an error needs no getsockopt to tell that there is none.
        if events & _TROUBLE and (error_number := lane.error()):
            self._fail(error_number, now)
            return
        self._lane = None
        self._lanes.give_back(lane)
        self._run.finish(CONNECTED, now)

    def _fail(self, error_number: int, now: float) -> None:
        self.close()
        self._run.finish(cannot_connect(error_number, self._timeout), now)
