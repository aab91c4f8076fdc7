"""Runs a benchmark where the kernel has IPVS: here, or in the guest."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HOST = "PIRANHA_BENCH_HOST"
LIMIT_S = 1500.0


def run_where_ipvs_is(module: str, *arguments: str) -> int:
    """Run `python -m MODULE ARGUMENTS` as root beside IPVS; its exit status."""
    from tests import guest
    from tests.guest.boot import run

    os.environ[HOST] = _processor()  # the guest sees only an emulated one
    command = [sys.executable, "-m", module, *arguments]
    if guest.host_has_ipvs():
        return subprocess.run(command, check=False).returncode
    if reason := guest.missing():
        print(f"no kernel with IPVS: {reason}", file=sys.stderr)
        return 2
    return run(command, LIMIT_S)


def machine() -> list[str]:
    """What was measured on, one line for each thing that matters."""
    emulated = os.environ.get("PIRANHA_GUEST") == "1"
    where = "in a guest of the test bed (ratios count, seconds do not)"
    return [
        f"date      {datetime.now(UTC):%Y-%m-%d}",
        f"kernel    {platform.release()} {platform.machine()}",
        f"processor {os.environ.get(HOST) or _processor()}, {os.cpu_count()} CPUs",
        f"python    {platform.python_version()}",
        f"where     {where if emulated else 'directly on this machine'}",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"
