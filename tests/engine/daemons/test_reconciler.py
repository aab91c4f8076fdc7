"""The reconcile task by itself: waking, waiting, and going on after trouble."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lvs_engine.adapters.memory import MemoryPlane
from lvs_engine.daemons.ownership import Ownership
from lvs_engine.daemons.reconciler import Reconciler
from lvs_engine.errors import KernelError
from lvs_engine.ports import Timeouts
from lvs_engine.table.desired import Wanted
from lvs_engine.table.model import Pool, Service, ServiceKey, Table
from lvs_engine.table.plan import Change, Refusal
from tests.engine.daemons.waiting import until

WEB = ServiceKey(4, "tcp", "192.0.2.10", 80)
TLS = ServiceKey(4, "tcp", "192.0.2.10", 443)
POOL = Pool(Service("wlc"))


class SlowPlane(MemoryPlane):
    """A kernel that takes its time, or does not talk."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.go_on.set()
        self.trouble = ""
        self.dumps = 0

    def dump(self) -> Table:
        self.dumps += 1
        self.go_on.wait(5)
        if self.trouble:
            raise KernelError(self.trouble)
        return super().dump()

    def set_timeouts(self, timeouts: Timeouts) -> None:
        if self.trouble:
            raise KernelError(self.trouble)
        super().set_timeouts(timeouts)

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        self.go_on.wait(5)
        return super().apply(changes)


class Bed:
    def __init__(self, folder: Path) -> None:
        self.plane = SlowPlane()
        self.table: Table = {WEB: POOL}
        self.events: list[tuple[str, str, str]] = []
        self.reconciler = Reconciler(
            self.plane,
            self._wanted,
            Ownership(folder / "owned.json", "memory"),
            30.0,
            lambda *event: self.events.append(event),
        )

    def _wanted(self):  # type: ignore[no-untyped-def]
        table = self.table
        return lambda: Wanted(table)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.reconciler.run())
        try:
            yield
        finally:
            self.plane.go_on.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.reconciler.close()


def test_settled_is_not_said_while_a_pass_looks_at_something_newer(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        async with bed.running():
            await bed.reconciler.until(lambda: True)
            bed.plane.go_on.clear()
            dumps = bed.plane.dumps
            bed.table = {WEB: POOL, TLS: POOL}
            bed.reconciler.wake()
            await until(lambda: bed.plane.dumps > dumps)
            waiting = asyncio.create_task(bed.reconciler.until(lambda: True))
            await asyncio.sleep(0.02)
            assert not waiting.done()
            bed.plane.go_on.set()
            await waiting
            assert set(bed.plane.dump()) == {WEB, TLS}

    asyncio.run(run())


def test_many_wakes_during_one_pass_are_one_next_pass(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        async with bed.running():
            await bed.reconciler.until(lambda: True)
            bed.plane.go_on.clear()
            bed.reconciler.wake()
            dumps = bed.plane.dumps
            await until(lambda: bed.plane.dumps == dumps + 1)
            for _ in range(100):
                bed.reconciler.wake()
                await asyncio.sleep(0)
            bed.plane.go_on.set()
            await bed.reconciler.until(lambda: True)
            assert bed.plane.dumps == dumps + 2

    asyncio.run(run())


def test_a_kernel_that_does_not_talk_is_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        async with bed.running():
            await bed.reconciler.until(lambda: True)
            bed.plane.trouble = "the kernel is silent"
            bed.reconciler.wake()
            await bed.reconciler.until(
                lambda: bed.reconciler.last_pass.outcome == "retry"
            )
            assert bed.reconciler.last_pass.refusals == ("the kernel is silent",)
            assert set(bed.reconciler.table) == {WEB}  # the last that is known
            bed.plane.trouble = ""
            await until(lambda: bed.reconciler.last_pass.outcome == "settled")
            assert [e[0] for e in bed.events] == ["bad", "ok"]

    asyncio.run(run())
    assert caplog.text.count("the kernel is silent") == 1


def test_timeouts_that_failed_are_set_with_the_next_reload(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        async with bed.running():
            bed.plane.trouble = "no route to the kernel"
            await bed.reconciler.set_timeouts(Timeouts(tcp=700))
            assert ("bad", "table") in [event[:2] for event in bed.events]
            bed.plane.trouble = ""
            await bed.reconciler.set_timeouts(Timeouts(tcp=700))
            assert bed.plane.timeouts().tcp == 700

    asyncio.run(run())
