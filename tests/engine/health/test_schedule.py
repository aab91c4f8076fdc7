"""When checks are due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.health.schedule import first_due, next_due, second_due

times = st.floats(0, 1e6)
intervals = st.sampled_from([0.01, 1.0, 6.0, 10.0])
numbers = st.integers(0, 40_000)


def test_a_few_servers_are_checked_at_once_after_start() -> None:
    dues = [first_due(100.0, position, 10.0) for position in range(10)]
    assert dues[0] == 100.0
    assert max(dues) < 100.01


def test_thousands_of_servers_are_checked_within_one_interval() -> None:
    dues = [first_due(0.0, position, 6.0) for position in range(37_205)]
    assert max(dues) <= 6.0
    assert sum(due < 1.0 for due in dues) < 10_000


@given(times, numbers, intervals)
def test_the_second_run_comes_after_half_to_one_and_a_half_intervals(
    first: float, number: int, interval: float
) -> None:
    gap = second_due(first, number, interval) - first
    assert 0.5 * interval - 1e-6 <= gap < 1.5 * interval + 1e-6


def test_checks_are_spread_evenly_over_the_interval_whatever_their_number() -> None:
    for count in (3, 10, 100, 1000):
        places = sorted(second_due(0.0, n, 10.0) % 10.0 for n in range(count))
        ends = [*places[1:], places[0] + 10.0]
        gaps = [b - a for a, b in zip(places, ends, strict=True)]
        assert max(gaps) < 3 * 10.0 / count


@given(times, times, intervals)
def test_the_next_run_is_later_than_now_and_keeps_its_place(
    due: float, late: float, interval: float
) -> None:
    now = due + late
    following = next_due(due, now, interval)
    assert following > now - 1e-6
    steps = (following - due) / interval
    assert steps > 0.99
    assert abs(steps - round(steps)) < 1e-3


def test_missed_runs_are_left_out_and_not_made_up_for() -> None:
    assert next_due(10.0, 10.2, 1.0) == 11.0
    assert next_due(10.0, 14.2, 1.0) == 15.0
    assert next_due(10.0, 14.0, 1.0) == 15.0
