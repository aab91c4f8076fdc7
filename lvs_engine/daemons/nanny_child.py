"""lvsd's end of nanny: started again when it ends, told the checks, heard out.

While nanny is away the last known health stays as it is (KF-4).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence

from lvs_engine.control.nanny_protocol import Alive, StateReport, decode, encode_checks
from lvs_engine.control.status import DaemonStatus
from lvs_engine.daemons.supervise import Supervised, spawn
from lvs_engine.errors import ControlError
from lvs_engine.health.checks import Watch
from lvs_engine.values import HealthView

# nanny says `alive` each second. Silence of this length is a fault of nanny, not load.
_SILENCE_LIMIT_S = 30.0
_LAST_WORDS_S = 2.0  # between the end of its line and its own

Command = Callable[[int], Sequence[str]]
"""The command line for a nanny that talks over this file descriptor."""

log = logging.getLogger(__name__)


def nanny_command(*options: str) -> Command:
    """The nanny of this installation."""
    return lambda fd: (
        sys.executable,
        "-m",
        "lvs_engine.cli.nanny",
        "--fd",
        str(fd),
        *options,
    )


class NannyChild:
    """Runs nanny.

    Args:
        command: how it is started.
        known: the health that a fresh nanny starts from.
        learned: called with every report of a server's state.
        ended: called with the reason when nanny ended by itself.
    """

    def __init__(
        self,
        command: Command,
        known: Callable[[], HealthView],
        learned: Callable[[StateReport], None],
        ended: Callable[[str], None],
    ) -> None:
        self._command = command
        self._known = known
        self._learned = learned
        self._watches: Sequence[Watch] = ()
        self._child = Supervised("nanny", self._spawn, ended=ended)
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self.alive = Alive(0, 0.0)

    @property
    def status(self) -> DaemonStatus:
        return self._child.status

    def watch(self, watches: Sequence[Watch]) -> None:
        """These are the checks from now on; a nanny that runs is told at once."""
        self._watches = watches
        self._tell()

    async def run(self) -> None:
        try:
            await self._child.run()
        finally:
            self._hang_up()

    async def stop(self) -> None:
        await self._child.stop()
        self._hang_up()

    async def _spawn(self) -> Process:
        self._hang_up()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                fd = theirs.fileno()
                process = await spawn(self._command(fd), pass_fds=[fd])
                reader, self._writer = await asyncio.open_connection(sock=ours)
            except BaseException:
                ours.close()
                raise
        self._listener = asyncio.create_task(self._listen(reader, process))
        self._tell()
        return process

    def _tell(self) -> None:
        if self._writer is not None:
            self._writer.write(encode_checks(self._watches, self._known()))

    async def _listen(self, reader: asyncio.StreamReader, process: Process) -> None:
        """Hear nanny out; one that nobody hears any more is ended, for a new one."""
        try:
            await self._hear_out(reader, process)
        except Exception:
            log.exception("a report of nanny cannot be used")
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    async def _hear_out(self, reader: asyncio.StreamReader, process: Process) -> None:
        while True:
            try:
                async with asyncio.timeout(_SILENCE_LIMIT_S):
                    line = await reader.readline()
            except TimeoutError:
                log.warning("nanny was silent for %g s: killed", _SILENCE_LIMIT_S)
                return
            except (OSError, ValueError) as error:
                log.warning("nanny cannot be understood: %s; killed", error)
                return
            if not line:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), _LAST_WORDS_S)
                return
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        try:
            message = decode(line)
        except ControlError as error:
            log.warning("nanny: %s", error)
            return
        if isinstance(message, StateReport):
            self._learned(message)
        elif isinstance(message, Alive):
            self.alive = message

    def _hang_up(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None
