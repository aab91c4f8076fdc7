"""The kernel's table at size: load, a pass without a change, and a dump.

`python -m bench.table` runs in the guest where this kernel has no IPVS, prints a table
with ratios and keeps it under `bench/results`. Every load is into a fresh namespace: a
flushed table is several times slower, all of it in the kernel.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from bench.guest import machine, run_where_ipvs_is
from bench.keepalived import Keepalived, TooLongError
from lvs_engine.adapters.ipvs.plane import IpvsPlane
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.notation import table_as_text
from lvs_engine.table.plan import diff
from lvs_engine.values import Forwarding
from tests.fix_net import resident

SERVICES, DESTINATIONS = 2277, 37205
ROUNDS = 3
KEEPALIVED_START_LIMIT_S = 180.0
KEEPALIVED_RELOAD_LIMIT_S = 120.0
T = TypeVar("T")
_numbers = itertools.count()
RESULTS = Path(__file__).parent / "results" / "table.txt"


@dataclass(frozen=True)
class Comparison:
    """Our seconds and the peer's; a peer that was not done needs `theirs` or more."""

    what: str
    ours: float
    peer: str
    theirs: float
    aim: float | None
    at_least: bool = False

    def line(self) -> str:
        sign = "<" if self.at_least else " "
        theirs = f"{'>' if self.at_least else ' '}{self.theirs:8.3f} s"
        return (
            f"{self.what:<28}{self.ours:8.3f} s  {self.peer:<38}{theirs}"
            f"  ratio {sign}{self.ours / self.theirs:5.2f}"
            f"{'' if self.aim is None else f'  aim {self.aim:.2f}'}"
        )


def table() -> Table:
    """The size of a large published installation, with NAT and weights."""
    made: Table = {}
    spread, rest = divmod(DESTINATIONS, SERVICES)
    number = 0
    for n in range(SERVICES):
        key = ServiceKey(4, "tcp", f"172.16.{n // 250}.{n % 250 + 1}", 80)
        destinations = {}
        for _ in range(spread + (n < rest)):
            address = f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
            entry = Destination(Forwarding.NAT, number % 7 + 1)
            destinations[DestinationKey(address, 8080)] = entry
            number += 1
        made[key] = Pool(Service("wlc"), destinations)
    return made


class Bench:
    """All measurements of one run; namespaces live to its end, as their end is slow."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.table = table()
        self.text = "\n".join(table_as_text(self.table)) + "\n"

    def compare(self) -> Iterator[Comparison]:
        ours = min(self._our_load() for _ in range(ROUNDS))
        theirs = min(self._ipvsadm_load() for _ in range(ROUNDS))
        yield Comparison("load into an empty kernel", ours, "ipvsadm -R", theirs, 0.35)
        loaded = self._fresh()
        plane = loaded.submit(IpvsPlane).result()
        self._stack.callback(plane.close)
        loaded.submit(plane.apply, diff({}, self.table)).result()
        yield self._statistics(loaded, plane)
        yield from self._no_change(loaded, plane)

    def _our_load(self) -> float:
        worker = self._fresh()
        plane = worker.submit(IpvsPlane).result()
        self._stack.callback(plane.close)
        seconds, refusals = timed(
            worker, lambda: plane.apply(diff(plane.dump(), self.table))
        )
        assert not refusals, f"{len(refusals)} refused: {refusals[0]}"
        assert worker.submit(plane.dump).result() == self.table
        return seconds

    def _ipvsadm_load(self) -> float:
        worker = self._fresh()
        return timed(worker, lambda: run(["ipvsadm", "-R"], self.text))[0]

    def _statistics(self, worker: ThreadPoolExecutor, plane: IpvsPlane) -> Comparison:
        def listing() -> None:
            run(["ipvsadm", "-Ln", "--stats"])

        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(timed(worker, plane.statistics)[0])
            theirs.append(timed(worker, listing)[0])
        return Comparison(
            "dump with statistics", min(ours), "ipvsadm -Ln --stats", min(theirs), 1.0
        )

    def _no_change(
        self, worker: ThreadPoolExecutor, plane: IpvsPlane
    ) -> Iterator[Comparison]:
        def one_pass() -> int:
            return len(diff(plane.dump(), self.table))

        timings = [timed(worker, one_pass) for _ in range(ROUNDS)]
        assert {changes for _, changes in timings} == {0}
        ours = min(seconds for seconds, _ in timings)
        version = keepalived_version()
        for checks, aim in ((False, None), (True, 0.3)):
            peer = f"{version} reload{', TCP checks' if checks else ', no checks'}"
            seconds, finished = self._keepalived(checks=checks)
            yield Comparison(
                "pass without a change", ours, peer, seconds, aim, at_least=not finished
            )

    def _keepalived(self, *, checks: bool) -> tuple[float, bool]:
        """Seconds of its reload, and whether it finished within the limit."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        worker = self._fresh()
        daemon = worker.submit(
            partial(Keepalived, self.table, folder, checks=checks)
        ).result()
        plane = worker.submit(IpvsPlane).result()
        self._stack.callback(plane.close)
        try:
            started = daemon.settled(KEEPALIVED_START_LIMIT_S)
            held = sum(len(pool.destinations) for pool in plane.dump().values())
            print(f"# keepalived loaded {held} in {started:.1f} s", flush=True)
            return daemon.reload(KEEPALIVED_RELOAD_LIMIT_S), True
        except TooLongError:
            return KEEPALIVED_RELOAD_LIMIT_S, False
        finally:
            daemon.kill()

    def _fresh(self) -> ThreadPoolExecutor:
        return self._stack.enter_context(fresh_namespace())


@contextmanager
def fresh_namespace() -> Iterator[ThreadPoolExecutor]:
    """A thread in a namespace of its own."""
    name = f"piranha-b{os.getpid()}x{next(_numbers)}"
    run(["ip", "netns", "add", name])
    # Without any address the kernel knows no unicast, and refuses every destination.
    run(["ip", "-n", name, "link", "set", "lo", "up"])
    try:
        with resident(name) as worker:
            yield worker
    finally:
        run(["ip", "netns", "del", name])


def timed(worker: ThreadPoolExecutor, function: Callable[[], T]) -> tuple[float, T]:
    """Seconds that a call takes in a namespace, and what it returns."""

    def call() -> tuple[float, T]:
        began = time.perf_counter()
        result = function()
        return time.perf_counter() - began, result

    return worker.submit(call).result()


def run(command: list[str], text: str | None = None) -> None:
    subprocess.run(
        command, input=text, text=True, stdout=subprocess.DEVNULL, check=True
    )


def keepalived_version() -> str:
    done = subprocess.run(
        ["keepalived", "--version"], capture_output=True, text=True, check=True
    )
    words = (done.stderr or done.stdout).split()
    return f"keepalived {words[1].removeprefix('v')}"


def measure() -> int:
    lines = [f"{SERVICES} services, {DESTINATIONS} destinations", *machine(), ""]
    print("\n".join(lines), flush=True)
    with ExitStack() as stack:
        for comparison in Bench(stack).compare():
            lines.append(comparison.line())
            print(lines[-1], flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--here"]:
        sys.exit(measure())
    sys.exit(run_where_ipvs_is("bench.table", "--here"))
