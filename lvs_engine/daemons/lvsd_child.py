"""pulse's end of lvsd: started, started again when it ends, asked and told.

lvsd that dies is no failover: the kernel keeps the table, the addresses stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from lvs_engine.adapters.control_socket import ask, ask_around
from lvs_engine.control.status import DaemonStatus
from lvs_engine.daemons.supervise import Supervised, spawn
from lvs_engine.errors import ControlError, NotRunningError

_START_LIMIT_S = 10.0
_SETTLE_LIMIT_S = 10.0  # lvsd's own limit for `wait-settled`
_RELOAD_LIMIT_S = 25.0
_BRIEF_LIMIT_S = 1.5
_STATUS_LIMIT_S = 8.0  # the services of a large table; who asks pulse waits for 10 s
_STOP_LIMIT_S = 8.0

log = logging.getLogger(__name__)


def lvsd_command(program: str | None, *options: str) -> list[str]:
    """The lvsd of this installation, or the one at `program`."""
    ours = [sys.executable, "-m", "lvs_engine.cli.lvsd"]
    return [*([program] if program else ours), *options]


class LvsdChild:
    """Runs lvsd and speaks with it.

    Args:
        command: how it is started.
        directory: where its socket and its pid file are.
        ended: called with the reason when lvsd ended by itself.
    """

    def __init__(
        self, command: Sequence[str], directory: Path, ended: Callable[[str], None]
    ) -> None:
        self._command = command
        self._socket = directory / "lvsd.sock"
        self._pid_file = directory / "lvsd.pid"
        # An lvsd that hangs must not use up the threads that pulse works with.
        self._askers = ThreadPoolExecutor(2, "status")
        self._resume = False
        self._asking: dict[bool, asyncio.Future[dict[str, object]]] = {}
        self._child = Supervised("lvsd", self._spawn, ended=ended)

    @property
    def status(self) -> DaemonStatus:
        return self._child.status

    async def run(self) -> None:
        """Replace an lvsd that a former pulse left, then keep one running."""
        await self._child.run()

    async def stop(self) -> None:
        """End it; it withdraws its table."""
        await self._child.stop(_STOP_LIMIT_S)

    async def settle(self) -> None:
        """Wait until the table is as it should be and has somebody to serve.

        A virtual server none of whose servers is found up holds this up for ten seconds.

        Raises:
            ControlError: the table cannot be had; the message says why.
        """
        deadline = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                await self._ask("wait-settled", _SETTLE_LIMIT_S + 2)
            except NotRunningError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
            else:
                return

    async def reload(self) -> dict[str, object]:
        """Its verdict on the file.

        Raises:
            NotRunningError: there is none; the next one starts with the file.
            ControlError: it refused the file, or did not answer.
        """
        deadline = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                verdict = await self._ask("reload", _RELOAD_LIMIT_S)
            except NotRunningError:
                self._resume = False  # the next one starts with the file
                if self.status.state != "running" or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)  # it may have read the file already
            else:
                self._resume = True
                return verdict

    async def snapshot(self, *, brief: bool) -> dict[str, object]:
        """Its status as plain values, with the services `Encoded`.

        Who asks while another waits for the same gets the same answer.

        Args:
            brief: without services and events.

        Raises:
            ControlError: it did not answer.
        """
        asking = self._asking.get(brief)
        if asking is None:
            asking = asyncio.ensure_future(self._snapshot(brief))
            self._asking[brief] = asking
            asking.add_done_callback(lambda done: self._asked(brief, done))
        return await asyncio.shield(asking)

    async def _snapshot(self, brief: bool) -> dict[str, object]:
        loop = asyncio.get_running_loop()
        limit_s = _BRIEF_LIMIT_S if brief else _STATUS_LIMIT_S
        call = partial(
            ask_around, self._socket, "status", "services", limit_s, brief=brief
        )
        return await loop.run_in_executor(self._askers, call)

    def _asked(self, brief: bool, done: asyncio.Future[dict[str, object]]) -> None:
        del self._asking[brief]
        if not done.cancelled():
            done.exception()  # nobody may be left who wants to know

    async def _ask(
        self, do: str, limit_s: float, **arguments: object
    ) -> dict[str, object]:
        return await asyncio.to_thread(ask, self._socket, do, limit_s, **arguments)

    async def _spawn(self) -> Process:
        # Also before a restart: one that was slow to show its socket may be there now.
        await self._end_orphan()
        # Who dies comes back with what ran, whatever became of the file meanwhile.
        resume, self._resume = self._resume, True
        return await spawn([*self._command, *["--resume"] * resume])

    async def _end_orphan(self) -> None:
        """The table and the health that it leaves are taken over by the new one."""
        try:
            await self._ask("stop", 2.0, leave=True)
            log.info("an lvsd of a former pulse is replaced; its table stays")
        except NotRunningError:
            return
        except ControlError as error:
            log.warning("an lvsd of a former pulse does not answer: %s", error)
        await asyncio.to_thread(_see_it_end, self._pid_file)


def _see_it_end(pid_file: Path) -> None:
    """Wait for the end of the lvsd that holds `pid_file`; help where it does not come."""
    if not _gone(pid_file, _STOP_LIMIT_S) and (pid := _recorded(pid_file)):
        log.warning("lvsd (pid %d) did not end when asked: killed", pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _gone(pid_file: Path, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while _recorded(pid_file) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _recorded(pid_file)


def _recorded(pid_file: Path) -> int:
    """The process in the pid file, if it is an lvsd at all; else 0."""
    try:
        pid = int(pid_file.read_text("ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return 0
    return pid if b"lvsd" in words else 0
