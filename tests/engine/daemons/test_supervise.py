"""A supervised child, with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable

from lvs_engine.daemons.supervise import (
    Backoff,
    Supervised,
    child_environment,
    ending,
    spawn,
)
from tests.engine.daemons.waiting import until

QUICK = (0.01, 0.02, 10.0)


def python(program: str) -> Callable[[], Awaitable[Process]]:
    return lambda: spawn([sys.executable, "-S", "-c", program])


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(0.1, 5.0, 10.0)
    pauses = [round(backoff.pause(0.5), 3) for _ in range(8)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_good_life_starts_the_pauses_anew() -> None:
    backoff = Backoff(0.1, 5.0, 10.0)
    assert [backoff.pause(s) for s in (1, 1, 10, 1)] == [0.1, 0.2, 0.1, 0.2]


def test_a_killed_child_is_started_again() -> None:
    async def run() -> None:
        reasons: list[str] = []
        child = Supervised(
            "sleeper",
            python("import time; time.sleep(60)"),
            ended=reasons.append,
            backoff=Backoff(*QUICK),
        )
        task = asyncio.create_task(child.run())
        await until(lambda: child.status.state == "running")
        first = child.status.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.status.pid not in {0, first})
        assert reasons == ["was ended by signal SIGKILL"]
        assert child.status.restarts == 1
        assert child.status.message == "was ended by signal SIGKILL"
        await child.stop()
        await task
        assert child.status.state == "stopped"

    asyncio.run(run())


def test_a_program_that_is_not_there_is_tried_again() -> None:
    async def run() -> None:
        child = Supervised(
            "ghost", lambda: spawn(["/nonexistent/ghost"]), backoff=Backoff(*QUICK)
        )
        task = asyncio.create_task(child.run())
        await until(lambda: child.status.restarts >= 2)
        assert "cannot be started: No such file" in child.status.message
        await child.stop()
        await task

    asyncio.run(run())


def test_a_child_that_ignores_term_is_killed() -> None:
    async def run() -> None:
        ready_r, ready_w = os.pipe()
        program = (
            "import os, signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            f"os.write({ready_w}, b'1')\n"
            "time.sleep(60)"
        )
        child = Supervised(
            "stubborn",
            lambda: spawn([sys.executable, "-S", "-c", program], pass_fds=[ready_w]),
        )
        task = asyncio.create_task(child.run())
        await asyncio.to_thread(os.read, ready_r, 1)
        await child.stop(grace_s=0.05)
        await task
        assert child.status.state == "stopped"
        os.close(ready_r)
        os.close(ready_w)

    asyncio.run(run())


def test_stopping_during_the_pause_ends_at_once() -> None:
    async def run() -> None:
        child = Supervised("brief", python(""), backoff=Backoff(60.0, 60.0, 60.0))
        task = asyncio.create_task(child.run())
        await until(lambda: child.status.state == "restarting")
        await child.stop()
        async with asyncio.timeout(1):
            await task

    asyncio.run(run())


def test_a_child_does_not_speak_to_our_service_manager() -> None:
    ours = {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "1", "PATH": "/bin"}
    assert child_environment(ours, {"A": "b"}) == {"PATH": "/bin", "A": "b"}


def test_an_ending_is_told_in_words() -> None:
    assert ending(3) == "ended with status 3"
    assert ending(-9) == "was ended by signal SIGKILL"
    assert ending(-64) in {"was ended by signal SIGRTMAX", "was ended by signal 64"}
