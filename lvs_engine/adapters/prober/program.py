"""The probe `program`: an external command; its exit status and output are the answer.

Status other than 0 is a failure whatever it printed (KF-6). Its time limit kills the
whole process group (KF-8). A program that even so has not ended is not started again
before it has.
"""

from __future__ import annotations

import select

from lvs_engine.adapters.commands import CannotStartError, Ended, Running
from lvs_engine.adapters.prober.lanes import Lanes
from lvs_engine.adapters.prober.loop import Loop
from lvs_engine.adapters.prober.probe import Run
from lvs_engine.health.checks import Check
from lvs_engine.health.command_line import arguments
from lvs_engine.health.judge import Event as Outcome
from lvs_engine.health.judge import Failed, Passed, Undecided
from lvs_engine.health.matching import expectation, quoted
from lvs_engine.values import ReasonCode

_PASSED = Passed(ReasonCode.PROGRAM_OK, "the program succeeded")
_PASSED_TEXT = Passed(ReasonCode.PROGRAM_OK, "the program printed what was expected")


class ProgramProbe:
    """Runs the command and waits for its end."""

    __slots__ = ("_argv", "_dying", "_loop", "_run", "_running", "_timeout", "_wanted")  # fmt: skip

    def __init__(self, check: Check, loop: Loop, lanes: Lanes, run: Run) -> None:
        del lanes
        self._argv = arguments(check.program or "", check.address, check.port)
        if not self._argv:
            raise ValueError("send_program is empty")
        self._timeout = check.timeout_s
        self._wanted = (
            None
            if check.expect is None
            else expectation(check.expect, regex=check.regex)
        )
        self._loop = loop
        self._run = run
        self._running: Running | None = None
        self._dying = False

    def start(self, now: float) -> None:
        if self._running is not None:  # killed at its time limit, and not gone yet
            self._run.finish(
                Failed(
                    ReasonCode.PROGRAM_TIMEOUT,
                    "the program does not end, though it was killed",
                ),
                now,
            )
            return
        try:
            self._running = running = Running(self._argv)
        except CannotStartError as error:
            kind = Undecided if error.shortage else Failed
            self._run.finish(kind(ReasonCode.PROGRAM_FAILED, str(error)), now)
            return
        self._dying = False
        self._loop.watch(running.output_fd, select.EPOLLIN, self._output)
        self._loop.watch(running.exit_fd, select.EPOLLIN, self._exit)

    def expire(self, now: float) -> None:
        assert self._running is not None
        self._running.kill()
        self._dying = True
        self._run.finish(
            Failed(
                ReasonCode.PROGRAM_TIMEOUT,
                f"the program ran longer than {self._timeout:.1f} s and was killed",
            ),
            now,
        )

    def close(self) -> None:
        if self._running is not None:
            self._forget(self._running)
            self._running.end()
            self._running = None

    def _output(self, events: int, now: float) -> None:
        del events, now
        assert self._running is not None
        if not self._running.read():
            self._loop.forget(self._running.output_fd)

    def _exit(self, events: int, now: float) -> None:
        del events
        assert self._running is not None
        ended = self._running.finished()
        if ended is None:
            return
        self._forget(self._running)
        self._running.close()
        self._running = None
        if not self._dying:
            self._run.finish(self._judged(ended), now)

    def _forget(self, running: Running) -> None:
        self._loop.closing(running.exit_fd)
        self._loop.closing(running.output_fd)

    def _judged(self, ended: Ended) -> Outcome:
        if ended.status != 0:
            return Failed(ReasonCode.PROGRAM_FAILED, _how(ended))
        if self._wanted is None:
            return _PASSED
        if self._wanted.of_output(ended.output):
            return _PASSED_TEXT
        printed = quoted(ended.output) if ended.output else "nothing"
        return Failed(
            ReasonCode.WRONG_ANSWER,
            f"the program printed {printed}, expected {self._wanted}",
        )


def _how(ended: Ended) -> str:
    status = ended.status or 0
    how = (
        f"was killed by signal {-status}" if status < 0 else f"failed: status {status}"
    )
    return f"the program {how}" + (f", {quoted(ended.output)}" if ended.output else "")
