"""Up and down: results over time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.health import judge as module
from lvs_engine.health.judge import (
    Action,
    Failed,
    Judge,
    Noted,
    Passed,
    Rules,
    Undecided,
    WentDown,
    WentUp,
    rules,
)
from lvs_engine.values import HealthState, ReasonCode

OK = Passed(ReasonCode.CONNECTED, "connected")
BAD = Failed(ReasonCode.REFUSED, "connection refused")
UP = HealthState.UP
DOWN = HealthState.DOWN


def fed(judge: Judge, events: str) -> list[Action]:
    """`+` is a success, `-` a failure; the actions of the last one."""
    actions: list[Action] = []
    for now, sign in enumerate(events):
        actions = judge.step(OK if sign == "+" else BAD, float(now))
    return actions


def test_the_first_success_brings_a_server_up_at_once() -> None:
    judge = Judge(Rules(rise=30))
    assert fed(judge, "+") == [WentUp(ReasonCode.CONNECTED, "connected")]
    assert judge.state is UP


def test_the_first_failure_says_down_and_why() -> None:
    judge = Judge(Rules(rise=30))
    assert fed(judge, "-") == [WentDown(ReasonCode.REFUSED, "connection refused")]


def test_one_failure_takes_a_server_down_by_default() -> None:
    judge = Judge(Rules())
    assert fed(judge, "+-") == [WentDown(ReasonCode.REFUSED, "connection refused")]


def test_with_fall_3_two_failures_leave_a_server_up_and_the_third_does_not() -> None:
    """KF-16."""
    judge = Judge(Rules(fall=3))
    noted = fed(judge, "+--")
    assert noted == [Noted(ReasonCode.REFUSED, "connection refused (2 of 3 failures)")]
    assert judge.state is UP
    assert isinstance(fed(judge, "-")[0], WentDown)


def test_a_success_in_between_starts_the_failures_anew() -> None:
    judge = Judge(Rules(fall=2))
    fed(judge, "+-+-")
    assert judge.state is UP


def test_a_failed_server_needs_its_successes_in_a_row() -> None:
    judge = Judge(Rules(rise=3))
    fed(judge, "+-++-++")
    assert judge.state is DOWN
    assert isinstance(fed(judge, "+")[0], WentUp)


def test_a_server_that_failed_before_its_first_success_has_to_earn_it() -> None:
    judge = Judge(Rules(rise=2))
    fed(judge, "-+")
    assert judge.state is DOWN


def test_while_it_earns_it_the_reason_says_so_once() -> None:
    judge = Judge(Rules(rise=3))
    first = fed(judge, "-+")
    assert first == [
        Noted(ReasonCode.CONNECTED, "connected; up again after 3 successes in a row")
    ]
    assert fed(judge, "+") == []


def test_an_unchanged_result_is_not_told_again() -> None:
    judge = Judge(Rules())
    assert fed(judge, "++") == []
    assert fed(judge, "--") == []


def test_another_reason_is_told_though_the_state_stays() -> None:
    judge = Judge(Rules())
    fed(judge, "-")
    late = Failed(ReasonCode.CONNECT_TIMEOUT, "connect timed out after 6.0 s")
    assert judge.step(late, 9.0) == [Noted(late.code, late.reason)]


def test_a_server_known_to_be_down_is_not_up_again_after_a_restart() -> None:
    judge = Judge(Rules(rise=2), DOWN, ReasonCode.REFUSED, "connection refused")
    assert not any(isinstance(a, WentUp) for a in fed(judge, "+"))
    assert isinstance(fed(judge, "+")[0], WentUp)


def test_a_server_known_to_be_up_is_not_announced_again() -> None:
    judge = Judge(Rules(), UP, ReasonCode.CONNECTED, "connected")
    assert fed(judge, "+") == []


def test_trouble_of_this_machine_is_told_and_takes_no_server_down() -> None:
    judge = Judge(Rules(rise=2))
    trouble = Undecided(ReasonCode.LOCAL_ERROR, "too many open files")
    fed(judge, "+")
    assert judge.step(trouble, 1.0) == [Noted(trouble.code, trouble.reason)]
    assert judge.state is UP
    fed(judge, "-+")
    judge.step(trouble, 4.0)
    assert isinstance(fed(judge, "+")[0], WentUp)


@pytest.mark.parametrize(
    ("reentry", "interval", "rise"),
    [(180, 10, 18), (15, 6, 2), (5, 6, 1), (0, 6, 1), (18, 6, 3), (9, 0, 1)],
)
def test_reentry_is_counted_in_whole_intervals_and_never_zero(
    reentry: float, interval: float, rise: int
) -> None:
    """KF-19: an interval of zero divides nothing."""
    assert rules(reentry, interval) == Rules(rise=rise, fall=1)


@given(st.text("+-", max_size=40), st.integers(1, 4), st.integers(1, 4))
def test_actions_alternate_and_tell_every_change(
    events: str, rise: int, fall: int
) -> None:
    judge = Judge(Rules(rise, fall))
    assert judge.deadline == math.inf
    told = HealthState.UNCHECKED
    for now, sign in enumerate(events):
        for action in fed(judge, sign):
            assert (action.code, action.reason) == (judge.code, judge.reason)
            if isinstance(action, WentUp):
                assert told is not UP and sign == "+"
                told = UP
            elif isinstance(action, WentDown):
                assert told is not DOWN and sign == "-"
                told = DOWN
        assert judge.state is told, now
    tail = len(events) - len(events.rstrip("+"))
    if tail >= rise:
        assert judge.state is UP
    if len(events) - len(events.rstrip("-")) >= fall:
        assert judge.state is DOWN


def test_the_diagram_names_every_state() -> None:
    diagram = module.__doc__ or ""
    assert all(state.value in diagram for state in HealthState)
