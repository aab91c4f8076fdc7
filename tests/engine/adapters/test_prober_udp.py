"""Datagrams, against real servers on loopback."""

from __future__ import annotations

import pytest

from lvs_engine.health.judge import Failed, Passed
from lvs_engine.values import ReasonCode
from tests.engine.adapters.loopback import (
    closed_port,
    datagram,
    first,
    timed,
    udp_server,
)


def test_an_expected_answer_is_up() -> None:
    with udp_server(lambda data: b"pong" if data == b"ping\n" else None) as port:
        event = first(datagram(port, r"ping\n", "pong"))
    assert event == Passed(ReasonCode.PASSED, "answered as expected")


def test_another_answer_is_down() -> None:
    with udp_server(lambda _: b"ping") as port:
        event = first(datagram(port, "ping", "pong"))
    assert event == Failed(ReasonCode.WRONG_ANSWER, 'answered "ping", expected "pong"')


def test_an_answer_without_an_expectation_is_up() -> None:
    """KF-7: the original crashed on it."""
    with udp_server(lambda data: data) as port:
        event, duration = timed(datagram(port, "ping"))
    assert event == Passed(ReasonCode.PASSED, "answered")
    assert duration < 0.2


def test_an_empty_answer_is_an_answer_too() -> None:
    """KF-7."""
    with udp_server(lambda _: b"") as port:
        assert isinstance(first(datagram(port)), Passed)


def test_silence_without_an_expectation_is_up_and_says_that_nobody_answered() -> None:
    """KF-7."""
    with udp_server(lambda _: None) as port:
        event, duration = timed(datagram(port, "ping"))
    assert event == Passed(
        ReasonCode.CONNECTED, "not refused, but no answer within 0.2 s"
    )
    assert duration >= 0.17


@pytest.mark.parametrize("expect", ["pong", "*"])
def test_silence_with_an_expectation_is_down(expect: str) -> None:
    """KF-7."""
    with udp_server(lambda _: None) as port:
        event = first(datagram(port, "ping", expect))
    assert event == Failed(ReasonCode.ANSWER_TIMEOUT, "no answer within 0.2 s")


@pytest.mark.parametrize("send", [None, "", "ping"])
@pytest.mark.parametrize("expect", [None, "pong"])
def test_a_closed_port_is_down_at_once(send: str | None, expect: str | None) -> None:
    """KF-7."""
    event, duration = timed(datagram(closed_port(), send, expect))
    assert event == Failed(ReasonCode.REFUSED, "connection refused")
    assert duration < 0.2
