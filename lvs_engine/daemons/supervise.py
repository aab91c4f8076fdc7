"""Keeping a child process alive: start it, wait for its end, start it again.

What the child does is none of its business; `spawn` makes a process, and this decides
when. Used by lvsd for nanny and by pulse for lvsd.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence

from lvs_engine.control.status import DaemonStatus

Spawn = Callable[[], Awaitable[Process]]

# A child must not speak to the service manager, nor count as its watched process.
_NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS")

log = logging.getLogger(__name__)


class Backoff:
    """Pauses between starts: doubling, and back to the first after a good life.

    Args:
        first_s, longest_s: the shortest and the longest pause.
        good_life_s: a child that lived this long starts the sequence anew.
    """

    def __init__(
        self, first_s: float = 0.1, longest_s: float = 5.0, good_life_s: float = 10.0
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._good_life_s = good_life_s
        self._next_s = first_s

    def pause(self, lived_s: float) -> float:
        """Seconds to wait after a child that lived `lived_s` seconds."""
        if lived_s >= self._good_life_s:
            self._next_s = self._first_s
        pause_s = self._next_s
        self._next_s = min(2 * pause_s, self._longest_s)
        return pause_s


class Supervised:
    """One child process that is started again whenever it ends.

    `run` until cancelled, or until `stop`. Cancelling `run` leaves the child alone;
    `stop` ends it then too.

    Args:
        name: for log and status.
        spawn: makes the process; an OSError counts as a child that ended at once.
        ended: called with the reason whenever the child ended by itself.
    """

    def __init__(
        self,
        name: str,
        spawn: Spawn,
        *,
        ended: Callable[[str], None] = lambda _: None,
        backoff: Backoff | None = None,
    ) -> None:
        self._spawn = spawn
        self._ended = ended
        self._backoff = backoff or Backoff()
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._name = name
        self._status = DaemonStatus(name)

    @property
    def status(self) -> DaemonStatus:
        return self._status

    async def run(self) -> None:
        restarts = 0
        while not self._stopping.is_set():
            born = time.monotonic()
            reason = await self._one_life(restarts)
            if self._stopping.is_set():
                break
            pause_s = self._backoff.pause(time.monotonic() - born)
            log.warning("%s %s; started again in %.1f s", self._name, reason, pause_s)
            restarts += 1
            self._show("restarting", restarts, reason)
            self._ended(reason)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)
        self._show("stopped", restarts)

    async def stop(self, grace_s: float = 5.0) -> None:
        """End the child by TERM, after `grace_s` seconds by KILL, and `run` with it."""
        self._stopping.set()
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            log.warning("%s did not end within %g s: killed", self._name, grace_s)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _one_life(self, restarts: int) -> str:
        self._show("starting", restarts, self._status.message)
        try:
            process = await self._spawn()
        except OSError as error:
            return f"cannot be started: {error.strerror or error}"
        self._process = process
        self._show("running", restarts, self._status.message, process.pid)
        log.info("%s runs (pid %d)", self._name, process.pid)
        if self._stopping.is_set():  # asked to stop while the process was being made
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        status = await process.wait()
        self._process = None
        return ending(status)

    def _show(self, state: str, restarts: int, message: str = "", pid: int = 0) -> None:
        self._status = DaemonStatus(
            self._name, pid, state, time.time(), restarts, message
        )


async def spawn(
    argv: Sequence[str], *, pass_fds: Sequence[int] = (), **more: str
) -> Process:
    """A child without standard input, with our environment and `more` of it."""
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=DEVNULL,
        pass_fds=tuple(pass_fds),
        env=child_environment(os.environ, more),
    )


def child_environment(
    ours: Mapping[str, str], more: Mapping[str, str]
) -> dict[str, str]:
    kept = {k: v for k, v in ours.items() if k not in _NOT_INHERITED}
    return {**kept, **more}


def ending(status: int) -> str:
    """An exit status as asyncio tells it, in words."""
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by signal {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"
