"""Results of checks become changes of servers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.health.checks import Check, Watch
from lvs_engine.health.judge import Failed, Judge, Passed, rules
from lvs_engine.health.roster import Change, Roster, Told
from lvs_engine.values import (
    HealthState,
    HealthView,
    ReasonCode,
    ServerHealth,
    ServerKey,
)

A, B = ServerKey("web", "a"), ServerKey("shop", "a")
CHECK = Check("connect", "10.0.0.1", 80, interval_s=6.0, timeout_s=6.0)
OK = Passed(ReasonCode.CONNECTED, "connected")
BAD = Failed(ReasonCode.REFUSED, "connection refused")
NOBODY = HealthView()


def roster(*watches: Watch, known: HealthView = NOBODY) -> Roster:
    made = Roster()
    made.replace(watches, known, at=1000.0)
    return made


def result(made: Roster, event: Passed | Failed, at: float = 1001.0) -> list[Told]:
    return made.audiences[CHECK].hear(event, 0.25, now=1.0, at=at)


def state(made: Roster, key: ServerKey) -> HealthState:
    return made.view().of(key).state


def test_a_change_carries_state_reason_time_and_duration() -> None:
    made = roster(Watch(A, CHECK))
    (told,) = result(made, BAD, at=1234.5)
    assert told.change is Change.DOWN
    assert told.health == ServerHealth(
        HealthState.DOWN, ReasonCode.REFUSED, "connection refused", 1234.5, 0.25
    )
    assert made.view().of(A) == told.health


def test_one_check_serves_all_who_listen_each_with_its_own_reentry() -> None:
    made = roster(Watch(A, CHECK, reentry_s=12), Watch(B, CHECK))
    assert list(made.audiences) == [CHECK]
    assert [t.watch.server for t in result(made, BAD)] == [A, B]
    result(made, OK)
    assert (state(made, A), state(made, B)) == (HealthState.DOWN, HealthState.UP)
    result(made, OK)
    assert state(made, A) is HealthState.UP


def test_a_note_keeps_the_time_of_the_change() -> None:
    made = roster(Watch(A, CHECK))
    result(made, BAD, at=1001.0)
    silent = Failed(ReasonCode.CONNECT_TIMEOUT, "connect timed out after 6.0 s")
    (told,) = result(made, silent, at=1007.0)
    assert (told.change, told.health.since) == (Change.NOTED, 1001.0)


@given(st.text("+-", max_size=30), st.integers(0, 20), st.integers(0, 20))
def test_results_passed_over_as_known_change_nothing(
    signs: str, first_s: int, second_s: int
) -> None:
    made = roster(Watch(A, CHECK, first_s), Watch(B, CHECK, second_s))
    alone = {A: Judge(rules(first_s, 6.0)), B: Judge(rules(second_s, 6.0))}
    for sign in signs:
        event = OK if sign == "+" else BAD
        result(made, event)
        for key, judge in alone.items():
            judge.step(event, 1.0)
            health = made.view().of(key)
            assert (health.state, health.reason) == (judge.state, judge.reason)


def test_a_server_stays_in_its_state_when_it_is_checked_in_another_way() -> None:
    made = roster(Watch(A, CHECK, reentry_s=60))
    result(made, OK)
    edited = Watch(A, replace(CHECK, timeout_s=3.0, expect="HTTP"), 60)
    assert made.replace([edited], NOBODY, at=1002.0) == []
    assert state(made, A) is HealthState.UP
    assert made.view().of(A).since == 1001.0


def test_an_unchanged_server_keeps_the_successes_it_has_earned() -> None:
    made = roster(Watch(A, CHECK, reentry_s=12))
    result(made, BAD)
    result(made, OK)
    made.replace([Watch(A, CHECK, reentry_s=12), Watch(B, CHECK)], NOBODY, at=1002.0)
    result(made, OK)
    assert state(made, A) is HealthState.UP


def test_a_shorter_reentry_counts_from_the_next_result_on() -> None:
    made = roster(Watch(A, CHECK, reentry_s=600))
    result(made, BAD)
    made.replace([Watch(A, CHECK, reentry_s=6)], NOBODY, at=1002.0)
    result(made, OK)
    assert state(made, A) is HealthState.UP


def test_another_machine_under_the_same_name_is_unchecked_and_that_is_told() -> None:
    made = roster(Watch(A, CHECK))
    result(made, OK)
    moved = Watch(A, replace(CHECK, address="10.0.0.2"))
    (told,) = made.replace([moved], made.view(), at=1002.0)
    assert told.change is Change.RESET
    assert state(made, A) is HealthState.UNCHECKED


def test_a_removed_server_is_forgotten() -> None:
    made = roster(Watch(A, CHECK), Watch(B, CHECK))
    made.replace([Watch(B, CHECK)], NOBODY, at=1002.0)
    assert list(made.view().servers) == [B]


def test_after_a_restart_of_ours_known_states_go_on() -> None:
    """KF-4: a new nanny changes nobody's state."""
    down = ServerHealth(HealthState.DOWN, ReasonCode.REFUSED, "refused", 900.0)
    up = ServerHealth(HealthState.UP, ReasonCode.CONNECTED, "connected", 800.0)
    known = HealthView({A: down, B: up})
    made = roster(Watch(A, CHECK, reentry_s=12), Watch(B, CHECK), known=known)
    assert dict(made.view().servers) == {A: down, B: up}
    told = result(made, OK)
    assert [t.change for t in told] == [Change.NOTED]
    assert (state(made, A), state(made, B)) == (HealthState.DOWN, HealthState.UP)


def test_known_states_are_looked_at_only_once() -> None:
    up = ServerHealth(HealthState.UP, ReasonCode.CONNECTED, "connected", 800.0)
    made = roster()
    made.replace([Watch(A, CHECK)], HealthView({A: up}), at=1002.0)
    assert state(made, A) is HealthState.UNCHECKED
