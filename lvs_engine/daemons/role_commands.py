"""`active_cmd` and `inactive_cmd`: run in order, each to its end (KF-49)."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from lvs_engine.adapters import commands
from lvs_engine.adapters.commands import Ended

_LIMIT_S = 30.0

log = logging.getLogger(__name__)


class RoleCommands:
    """Runs one command after the other, without shell; each has 30 s.

    A caller that is cancelled does not end its command: the next one waits for it.
    """

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "role command")

    async def __call__(self, line: str | None) -> None:
        """Run the words of `line`, if it has any; a failure is logged, never raised."""
        if not line:
            return
        argv = line.split()
        log.info("running %s", line)
        loop = asyncio.get_running_loop()
        ended = await loop.run_in_executor(self._worker, commands.run, argv, _LIMIT_S)
        if not ended.ok:
            log.warning("%s: %s", argv[0], _reason(ended))

    def close(self) -> None:
        self._worker.shutdown()


def _reason(ended: Ended) -> str:
    if ended.trouble:
        return ended.trouble
    if ended.timed_out:
        return f"killed, it took more than {_LIMIT_S:g} s"
    return f"ended with status {ended.status}"
