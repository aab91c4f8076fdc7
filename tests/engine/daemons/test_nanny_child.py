"""lvsd's end of the line to nanny, with small programs in nanny's place."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from lvs_engine.control.nanny_protocol import (
    CheckSet,
    StateReport,
    decode,
    encode_state,
)
from lvs_engine.daemons import nanny_child
from lvs_engine.daemons.nanny_child import NannyChild
from lvs_engine.health.checks import CONNECT, Check, Watch
from lvs_engine.values import (
    HealthState,
    HealthView,
    ReasonCode,
    ServerHealth,
    ServerKey,
)
from tests.engine.daemons.waiting import until

ONE = ServerKey("web", "one")
DOWN = ServerHealth(HealthState.DOWN, ReasonCode.REFUSED, "connection refused", 5.0)
WATCH = Watch(ONE, Check(CONNECT, "127.0.0.1", 9), reentry_s=15)

# Writes the first line that it is sent to a file, says its lines, and waits.
PROGRAM = """
import socket, sys
line = socket.socket(fileno=int(sys.argv[1]))
with line.makefile("rwb") as stream:
    open(sys.argv[2], "wb").write(stream.readline())
    stream.write(open(sys.argv[3], "rb").read())
    stream.flush()
    stream.readline()
"""


class Double:
    """A NannyChild whose nanny says the given lines once."""

    def __init__(self, folder: Path, says: bytes) -> None:
        self.heard = folder / "heard"
        self._says = folder / "says"
        self._says.write_bytes(says)
        self.learned: list[StateReport] = []
        self.child = NannyChild(
            self._command,
            lambda: HealthView({ONE: DOWN}),
            self.learned.append,
            lambda _: None,
        )

    def _command(self, fd: int) -> Sequence[str]:
        words = (str(fd), str(self.heard), str(self._says))
        return (sys.executable, "-S", "-c", PROGRAM, *words)

    async def run_until_heard(self) -> CheckSet:
        task = asyncio.create_task(self.child.run())
        await until(lambda: self.heard.exists() and self.heard.stat().st_size > 0)
        await until(lambda: bool(self.learned) or not self._says.stat().st_size)
        await self.child.stop()
        await task
        message = decode(self.heard.read_bytes())
        assert isinstance(message, CheckSet)
        return message


def test_a_fresh_nanny_hears_the_checks_and_what_is_known(tmp_path: Path) -> None:
    async def run() -> None:
        double = Double(tmp_path, b"")
        double.child.watch([WATCH])
        assert await double.run_until_heard() == CheckSet(
            (WATCH,), HealthView({ONE: DOWN})
        )

    asyncio.run(run())


def test_lines_that_are_no_lines_are_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        report = StateReport(ONE, DOWN)
        double = Double(tmp_path, b"\xff\n{}\n" + encode_state(report))
        double.child.watch([WATCH])
        await double.run_until_heard()
        assert double.learned == [report]

    asyncio.run(run())
    assert "not a line of the nanny protocol" in caplog.text


@pytest.mark.parametrize("says", [b"x" * 100_000, b'{"say":"bug"}\n'])
def test_a_nanny_that_cannot_be_heard_any_more_is_replaced(
    tmp_path: Path, says: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(line: bytes) -> None:
        raise AssertionError(line)

    async def run() -> None:
        monkeypatch.setattr(nanny_child, "decode", fail)
        double = Double(tmp_path, says)
        task = asyncio.create_task(double.child.run())
        await until(lambda: double.child.status.restarts > 0)
        assert double.child.status.message == "was ended by signal SIGKILL"
        await double.child.stop()
        await task

    asyncio.run(run())
