"""What pulse does about an lvsd that a former pulse left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from lvs_engine.adapters.control_socket import ControlServer
from lvs_engine.daemons import lvsd_child
from lvs_engine.daemons.lvsd_child import LvsdChild, lvsd_command
from lvs_engine.errors import NotRunningError
from tests.engine.daemons.waiting import until

SLEEP = "import time; time.sleep(60)"


def child(directory: Path, ended: list[str]) -> LvsdChild:
    """Its command tells that it was started by a file, and stays."""
    started = f"open({str(directory / 'started')!r}, 'w').close(); {SLEEP}"
    return LvsdChild([sys.executable, "-c", started], directory, ended.append)


async def run_until_started(directory: Path) -> None:
    one = child(directory, [])
    task = asyncio.create_task(one.run())
    await until((directory / "started").exists, 10)
    await one.stop()
    await task


def test_a_silent_orphan_is_killed_before_a_new_one_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lvsd_child, "_STOP_LIMIT_S", 0.2)

    async def hang(_: Mapping[str, object]) -> dict[str, object]:
        await asyncio.sleep(60)
        return {}

    async def run() -> None:
        server = ControlServer(tmp_path / "lvsd.sock", {"stop": hang}, 0.1)
        await server.start()
        try:
            await run_until_started(tmp_path)
        finally:
            await server.close()

    orphan = subprocess.Popen([sys.executable, "-c", SLEEP, "lvsd"])
    (tmp_path / "lvsd.pid").write_text(f"{orphan.pid}\n", "ascii")
    try:
        asyncio.run(run())
        assert orphan.wait(5) == -9
    finally:
        orphan.kill()
        orphan.wait()


def test_a_stale_pid_file_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lvsd_child, "_STOP_LIMIT_S", 0.2)

    other = subprocess.Popen([sys.executable, "-c", SLEEP])
    (tmp_path / "lvsd.pid").write_text(f"{other.pid}\n", "ascii")
    try:
        asyncio.run(run_until_started(tmp_path))
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_orphan_is_asked_to_leave_its_table(tmp_path: Path) -> None:
    asked: list[Mapping[str, object]] = []

    async def stop(arguments: Mapping[str, object]) -> dict[str, object]:
        asked.append(arguments)
        return {}

    async def run() -> None:
        server = ControlServer(tmp_path / "lvsd.sock", {"stop": stop})
        await server.start()
        try:
            await run_until_started(tmp_path)
        finally:
            await server.close()

    asyncio.run(run())
    assert asked == [{"leave": True}]


def test_an_lvsd_that_never_comes_is_told_after_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lvsd_child, "_START_LIMIT_S", 0.2)
    began = time.monotonic()
    with pytest.raises(NotRunningError, match=r"lvsd\.sock"):
        asyncio.run(child(tmp_path, []).settle())
    assert 0.2 <= time.monotonic() - began < 2


def test_another_lvsd_may_be_named() -> None:
    assert lvsd_command("/opt/lvsd", "-v") == ["/opt/lvsd", "-v"]
    assert lvsd_command(None)[0] == sys.executable


def test_who_asks_for_the_status_at_the_same_time_shares_one_answer(
    tmp_path: Path,
) -> None:
    asked: list[bool] = []

    async def status(arguments: Mapping[str, object]) -> dict[str, object]:
        asked.append(arguments["brief"] is True)
        await asyncio.sleep(0.2)
        return {"services": []}

    async def run() -> None:
        one = child(tmp_path, [])
        with pytest.raises(NotRunningError):
            await one.snapshot(brief=False)
        server = ControlServer(tmp_path / "lvsd.sock", {"status": status})
        await server.start()
        try:
            impatient = asyncio.create_task(one.snapshot(brief=False))
            others = [one.snapshot(brief=brief) for brief in (False, False, True)]
            await asyncio.sleep(0)
            impatient.cancel()
            assert await asyncio.gather(*others) == 3 * [{"services": []}]
            assert sorted(asked) == [False, True]
        finally:
            await server.close()

    asyncio.run(run())


def test_only_a_restart_resumes_and_not_after_a_reload_that_it_missed(
    tmp_path: Path,
) -> None:
    lives = tmp_path / "lives"
    tell = f"import sys; print(sys.argv[1:], file=open({str(lives)!r}, 'a'))"

    async def run() -> None:
        one = LvsdChild([sys.executable, "-c", tell], tmp_path, lambda _: None)
        task = asyncio.create_task(one.run())
        await until(lambda: lives.exists() and lives.read_text().count("\n") == 2, 10)
        await until(lambda: one.status.state == "restarting", 10)
        with pytest.raises(NotRunningError):
            await one.reload()
        await until(lambda: lives.read_text().count("\n") == 4, 10)
        await one.stop()
        await task

    asyncio.run(run())
    told = lives.read_text().splitlines()[:4]
    assert told == ["[]", "['--resume']", "[]", "['--resume']"]
