"""keepalived with a large table, for comparison: how long its start and reload take.

Only its health checker runs. It says nothing when a reload is done, so the end is the
moment after which it uses no CPU for a while. Checks, where wanted, are of the plainest
kind and so rare that none is made while we measure: what counts is that it has them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from lvs_engine.table.model import Table

CALM_S = 3.0
DELAY_S = 1_000_000
POLL_S = 0.02


class TooLongError(Exception):
    """It was not done within the limit."""


class Keepalived:
    """A running keepalived. To be made in the namespace that it shall balance in."""

    def __init__(self, table: Table, folder: Path, *, checks: bool) -> None:
        configuration = folder / "keepalived.conf"
        lines = configuration_of(table, checks=checks)
        configuration.write_text("\n".join(lines) + "\n")
        command = ["keepalived", "--dont-fork", "--check", "--log-console"]
        command += ["--use-file", str(configuration)]
        command += [f"--pid={folder}/main.pid", f"--checkers_pid={folder}/check.pid"]
        with (folder / "keepalived.log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def settled(self, limit_s: float) -> float:
        """Seconds until it has nothing to do any more.

        Raises:
            TooLongError: it was still busy after `limit_s`.
        """
        began = last = time.monotonic()
        used = self._cpu_ticks()
        while True:
            time.sleep(POLL_S)
            now, ticks = time.monotonic(), self._cpu_ticks()
            if ticks != used:
                used, last = ticks, now
            elif now - last > CALM_S:
                return last - began
            if now - began > limit_s:
                raise TooLongError

    def reload(self, limit_s: float) -> float:
        """Seconds that a reload of the same file takes."""
        self._process.send_signal(signal.SIGHUP)
        return self.settled(limit_s)

    def kill(self) -> None:
        """End it without its farewell, which removes the table one by one."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _cpu_ticks(self) -> int:
        """CPU time of it and its children, in clock ticks."""
        own = self._process.pid
        return sum(
            process.cpu_ticks
            for process in map(_process, Path("/proc").glob("[0-9]*"))
            if process and own in (process.pid, process.parent)
        )


def configuration_of(table: Table, *, checks: bool) -> list[str]:
    check = ["    TCP_CHECK {", "      connect_timeout 3", "    }"] if checks else []
    lines = ["global_defs {", "  router_id bench", "}"]
    for key, pool in table.items():
        lines += [
            f"virtual_server {key.address} {key.port} {{",
            f"  delay_loop {DELAY_S}",
            f"  lvs_sched {pool.service.scheduler}",
            "  lvs_method NAT",
            f"  protocol {key.protocol.upper()}",
        ]
        for server, entry in pool.destinations.items():
            lines += [
                f"  real_server {server.address} {server.port} {{",
                f"    weight {entry.weight}",
                *check,
                "  }",
            ]
        lines.append("}")
    return lines


class Process(NamedTuple):
    pid: int
    parent: int
    cpu_ticks: int


def _process(folder: Path) -> Process | None:
    """None when it has ended meanwhile."""
    try:
        fields = folder.joinpath("stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process(int(folder.name), int(fields[1]), int(fields[11]) + int(fields[12]))
