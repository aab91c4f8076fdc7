"""What lvsd does beside reconciling does it no harm."""

from __future__ import annotations

import asyncio

import pytest

from lvs_engine.daemons import lasting
from tests.engine.daemons.waiting import until


def test_a_fault_in_a_job_is_logged_and_the_job_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lasting, "_AFTER_FAULT_S", 0.001)
    runs: list[int] = []

    async def job() -> None:
        runs.append(len(runs))
        raise ValueError(f"counters of run {runs[-1]}")

    async def run() -> None:
        task = asyncio.create_task(lasting.unharmed(job))
        await until(lambda: len(runs) >= 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert "counters of run 1" in caplog.text
