"""Run other programs: an argument list, no shell, a time limit, a limited answer.

Each program leads a process group of its own, which is killed as a whole. `Command` is
something that is run again and again, and never twice at the same time. `Running` is
one run in pieces, for those who have an epoll loop; `Command.run` waits for the end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

OUTPUT_LIMIT = 65536  # bytes that are kept; more is read and thrown away
_REAP_LIMIT_S = 2.0
_SHORTAGE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class CannotStartError(Exception):
    """The program is not there, or may not be run; the message says which.

    Attributes:
        shortage: it is this machine that has no process or descriptor left.
    """

    def __init__(self, message: str, shortage: bool = False) -> None:
        super().__init__(message)
        self.shortage = shortage


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended.

    Attributes:
        status: exit status; -N when signal N ended it; None when it never started.
        output: the first `OUTPUT_LIMIT` bytes of standard output.
        timed_out: it was killed because its time was over.
        trouble: why it could not be started, or empty.
    """

    status: int | None
    output: bytes = b""
    timed_out: bool = False
    trouble: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out


class Running:
    """One run. Both descriptors become readable; neither ever blocks.

    Attributes:
        output_fd: something to `read`, or the end of the output.
        exit_fd: the program has ended: `finished` will say so.
    """

    __slots__ = ("_output", "_process", "_room", "exit_fd", "output_fd")

    def __init__(self, argv: Sequence[str]) -> None:
        """Start it.

        Raises:
            CannotStartError: there is no such program, or it may not be run.
        """
        self._process = _start(argv)
        assert self._process.stdout is not None
        self.output_fd = self._process.stdout.fileno()
        os.set_blocking(self.output_fd, False)
        self.exit_fd = os.pidfd_open(self._process.pid)
        self._output: list[bytes] = []
        self._room = OUTPUT_LIMIT

    def read(self) -> bool:
        """Take in what is there; False at the end of the output.

        The output is read while the program runs, so it may be any length (KF-13).
        """
        while True:
            try:
                data = os.read(self.output_fd, OUTPUT_LIMIT)
            except BlockingIOError:
                return True
            if not data:
                return False
            if self._room > 0:
                self._output.append(data[: self._room])
                self._room -= len(data)

    def finished(self) -> Ended | None:
        """How it ended, or None while it runs.

        What its own children print later is not waited for.
        """
        status = self._process.poll()
        if status is None:
            return None
        self.read()
        return Ended(status, b"".join(self._output))

    def kill(self) -> None:
        """Kill the whole process group, its grandchildren included (KF-8)."""
        # Before it is reaped, its number cannot belong to another process.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let go of the descriptors, once it has ended."""
        os.close(self.exit_fd)
        stdout: IO[bytes] | None = self._process.stdout
        if stdout is not None:
            stdout.close()

    def end(self) -> None:
        """Kill it, wait for its end and let go of everything."""
        self.kill()
        # Only a process stuck in the kernel survives SIGKILL; we do not wait for it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_REAP_LIMIT_S)
        self.close()


class Command:
    """A program that is run again and again, never two copies at the same time."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.argv = tuple(argv)
        self._running = False

    def run(self, timeout_s: float) -> Ended:
        """Run it and wait for the end, at most `timeout_s`; never raises."""
        if self._running:
            return Ended(None, trouble=f"{self.argv[0]} still runs")
        self._running = True
        try:
            return run(self.argv, timeout_s)
        finally:
            self._running = False


def run(argv: Sequence[str], timeout_s: float) -> Ended:
    """Run a program once and wait for its end, at most `timeout_s`; never raises."""
    try:
        running = Running(argv)
    except CannotStartError as error:
        return Ended(None, trouble=str(error))
    try:
        return _wait(running, time.monotonic() + timeout_s)
    finally:
        running.end()


def _wait(running: Running, deadline: float) -> Ended:
    poll = select.poll()
    poll.register(running.output_fd, select.POLLIN)
    poll.register(running.exit_fd, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        # A millisecond more: poll cuts fractions off, and 0 would not wait at all.
        ready = [fd for fd, _ in poll.poll(left * 1000 + 1)]
        if running.output_fd in ready and not running.read():
            poll.unregister(running.output_fd)
        if running.exit_fd in ready and (ended := running.finished()) is not None:
            return ended
    return Ended(-signal.SIGKILL, timed_out=True)


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return _spawn_or_interpret(argv)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise CannotStartError(
            f"cannot run {argv[0]}: {reason}", error.errno in _SHORTAGE
        ) from error
    except (IndexError, ValueError) as error:  # no word at all, or a NUL in one
        raise CannotStartError(f"cannot run {list(argv)}: {error}") from error


def _spawn_or_interpret(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """A script without `#!` is given to the shell, as execvp did for the original."""
    try:
        return _spawn(argv)
    except OSError as error:
        path = shutil.which(argv[0])
        if error.errno != errno.ENOEXEC or path is None:
            raise
        return _spawn(["/bin/sh", path, *argv[1:]])


def _spawn(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )
