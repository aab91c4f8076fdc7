"""Host names, asked of the system's own resolver (only names it knows by itself)."""

from __future__ import annotations

import asyncio

import pytest

from lvs_engine.adapters.names import Names


def test_a_name_becomes_its_ipv4_address_first() -> None:
    async def run() -> None:
        names = Names()
        assert await names.look_up({"localhost"}) is True
        assert names.known == {"localhost": "127.0.0.1"}
        assert await names.look_up({"localhost"}) is False

    asyncio.run(run())


def test_a_name_that_is_wanted_no_more_is_forgotten() -> None:
    async def run() -> None:
        names = Names()
        await names.look_up({"localhost"})
        assert await names.look_up(set()) is True
        assert names.known == {}

    asyncio.run(run())


@pytest.mark.parametrize(
    "name", ["a" * 64 + ".example", "bad\udce4name"], ids=["too long", "not text"]
)
def test_a_name_that_cannot_be_has_no_address(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        names = Names()
        assert await names.look_up({name}) is False
        assert names.known == {}

    asyncio.run(run())
    assert "no address for" in caplog.text


def test_an_answer_that_is_late_leaves_what_was_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        names = Names()
        await names.look_up({"localhost"})
        names._limit_s = 0.0
        assert await names.look_up({"localhost"}) is False
        assert names.known == {"localhost": "127.0.0.1"}

    asyncio.run(run())
    assert "127.0.0.1 is kept" in caplog.text
