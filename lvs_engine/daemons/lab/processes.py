"""The processes of the lab: each one started again when it ends, all gone with the lab.

The kernel ends them when the lab itself is killed.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lvs_engine.daemons.supervise import Supervised, child_environment

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One process.

    Attributes:
        environment: more variables than ours.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Processes:
    """Starts and ends parts; what they print goes to `logs`/NAME.log.

    Args:
        mark: an environment variable that every process gets, to be known by.
    """

    def __init__(self, logs: Path, mark: tuple[str, str]) -> None:
        self._logs = logs
        self._mark = mark
        self._running: dict[str, tuple[Supervised, asyncio.Task[None]]] = {}

    def start(self, part: Part) -> None:
        """Start it, unless it runs."""
        if part.name not in self._running:
            child = Supervised(part.name, partial(self._spawn, part))
            self._running[part.name] = (child, asyncio.create_task(child.run()))

    async def stop(self, *names: str, grace_s: float = 10.0) -> None:
        """End these together: TERM, and KILL after `grace_s` seconds."""
        found = [self._running.pop(n) for n in names if n in self._running]
        await asyncio.gather(*(child.stop(grace_s) for child, _ in found))
        await asyncio.gather(*(task for _, task in found))

    @property
    def pids(self) -> dict[str, int]:
        """Process id of each part that was started; 0 while it is away."""
        return {name: child.status.pid for name, (child, _) in self._running.items()}

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    async def _spawn(self, part: Part) -> Process:
        more = {**part.environment, self._mark[0]: self._mark[1]}
        libc = ctypes.CDLL(None)
        with self.log(part.name).open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *part.command,
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                env=child_environment(os.environ, more),
                start_new_session=True,  # Ctrl-C is for the lab, which ends them in order
                # One system call between fork and exec, without allocation or lock.
                preexec_fn=partial(libc.prctl, _PR_SET_PDEATHSIG, signal.SIGTERM.value),
            )
