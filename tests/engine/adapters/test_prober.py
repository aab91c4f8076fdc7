"""When checks run: intervals, time limits, changes of the set, the loop under them."""

from __future__ import annotations

import select
import socket
import time
from dataclasses import replace

import pytest

from lvs_engine.adapters.prober import Loop
from lvs_engine.adapters.prober.kinds import KINDS
from lvs_engine.adapters.prober.lanes import Lanes
from lvs_engine.adapters.prober.probe import Run
from lvs_engine.health.checks import Check
from lvs_engine.health.judge import Failed, Passed
from lvs_engine.values import ReasonCode
from tests.engine.adapters.loopback import (
    bench,
    closed_port,
    connect,
    deaf_server,
    tcp_server,
)


def test_a_check_is_repeated_at_its_interval() -> None:
    with tcp_server() as port, bench() as made:
        made.check(connect(port, every=0.05))
        made.run(0.5)
    assert 7 <= len(made.reports) <= 12
    assert made.prober.results == len(made.reports)


def test_a_server_that_never_answers_is_checked_as_often_as_any_other() -> None:
    with deaf_server() as port, bench() as made:
        made.check(connect(port, every=0.05))
        made.run(1.5)
    # 30 on an idle machine; every other one was missed once, which made 15.
    assert 18 <= len(made.reports) <= 31
    assert {type(event) for _, event, _ in made.reports} == {Failed}


def test_a_time_limit_shorter_than_the_interval_is_kept() -> None:
    with deaf_server() as port, bench() as made:
        made.check(Check("connect", "127.0.0.1", port, interval_s=1.0, timeout_s=0.1))
        made.run(0.25)
        assert [type(event) for _, event, _ in made.reports] == [Failed]
        assert made.reports[0][2] < 0.2


def test_a_time_limit_longer_than_the_interval_leaves_starts_out() -> None:
    with deaf_server() as port, bench() as made:
        made.check(Check("connect", "127.0.0.1", port, interval_s=0.05, timeout_s=0.17))
        made.run(0.5)
    assert len(made.reports) == 2


def test_an_interval_of_zero_does_not_spin() -> None:
    """KF-19: refused when the file is read; here the second line of defence."""
    with bench() as made:
        made.check(
            Check("connect", "127.0.0.1", closed_port(), interval_s=0, timeout_s=0)
        )
        made.run(0.2)
    assert 1 <= len(made.reports) <= 25


def test_hundreds_of_checks_are_spread_and_in_time() -> None:
    with tcp_server() as port, bench() as made:
        checks = [connect(port, host=f"127.0.1.{n}") for n in range(1, 251)]
        checks += [connect(port, host=f"127.0.2.{n}") for n in range(1, 251)]
        made.check(*checks)
        made.run(0.55)
        assert len({check for check, _, _ in made.reports}) == 500
        assert made.prober.late_s < 0.1


def test_unchanged_checks_keep_their_time_when_the_set_changes() -> None:
    with tcp_server() as port, bench() as made:
        kept = connect(port, every=0.4)
        made.check(kept)
        made.run(0.1)
        for timeout in (1.0, 2.0, 3.0):
            made.check(kept, replace(kept, timeout_s=timeout))
            made.run(0.02)
        assert len(made.outcomes(kept)) == 1
        assert len(made.reports) == 4
        assert len(made.prober) == 2


def test_a_removed_check_reports_nothing_any_more() -> None:
    with tcp_server() as port, deaf_server() as deaf, bench() as made:
        made.check(connect(port, every=0.05), connect(deaf, every=0.1))
        made.run(0.02)
        made.check()
        reported = len(made.reports)
        made.run(0.15)
        assert len(made.reports) == reported
        assert len(made.prober) == 0


def test_an_answer_that_has_arrived_beats_the_time_limit_however_late_we_are() -> None:
    with tcp_server() as port, bench() as made:
        check = connect(port, every=0.05)
        made.check(check)
        made.run(0.02, until=lambda: made.prober.late_s > 0)
        for _ in range(5):
            time.sleep(0.07)  # the machine is busy with other things
            made.loop.turn(0.0)
        assert {type(event) for event in made.outcomes(check)} == {Passed}


def test_events_are_handed_over_before_timers_fire() -> None:
    loop = Loop()
    ours, theirs = socket.socketpair()
    order: list[str] = []
    with ours, theirs:
        loop.watch(ours.fileno(), select.EPOLLIN, lambda *_: order.append("event"))
        loop.at(time.monotonic() - 1, lambda _: order.append("timer"))
        theirs.send(b"x")
        loop.turn()
        loop.forget(ours.fileno())
    loop.close()
    assert order == ["event", "timer"]


def test_a_timer_fires_within_a_tick_and_never_early() -> None:
    loop = Loop()
    fired: list[float] = []
    due = time.monotonic() + 0.055
    loop.at(due, lambda _: fired.append(time.monotonic()))
    while not fired:
        loop.turn()
    loop.close()
    assert -1e-6 < fired[0] - due < 0.03


def test_more_timers_than_fit_a_turn_wait_for_the_next_one() -> None:
    loop = Loop()
    fired: list[int] = []
    for number in range(600):
        loop.at(1.0, lambda _, n=number: fired.append(n))  # type: ignore[misc]
    loop.turn()
    assert len(fired) == 256
    loop.turn()
    loop.turn()
    loop.close()
    assert fired == list(range(600))


class TwoSteps:
    """A kind of check of our own: two steps, each as long as `port` milliseconds."""

    def __init__(self, check: Check, loop: Loop, lanes: Lanes, run: Run) -> None:
        del lanes
        self._loop = loop
        self._run = run
        self._step_s = check.port / 1000

    def start(self, now: float) -> None:
        self._loop.at(now + self._step_s, self._half)

    def expire(self, now: float) -> None:
        self._run.finish(Failed(ReasonCode.ANSWER_TIMEOUT, "too slow"), now)

    def close(self) -> None:
        pass

    def _half(self, now: float) -> None:
        self._run.next_step(now)
        self._loop.at(now + self._step_s, self._end)

    def _end(self, now: float) -> None:
        self._run.finish(Passed(ReasonCode.PASSED, "done"), now)


def test_a_new_kind_of_check_is_one_more_row_and_each_step_has_the_whole_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KINDS, "steps", TwoSteps)
    fast = Check("steps", "", 120, interval_s=9.0, timeout_s=0.2)
    slow = Check("steps", "", 260, interval_s=9.0, timeout_s=0.2)
    with bench() as made:
        made.check(fast, slow)
        made.run(1.0, until=lambda: len(made.reports) == 2)
        assert made.outcomes(fast) == [Passed(ReasonCode.PASSED, "done")]
        assert made.outcomes(slow) == [Failed(ReasonCode.ANSWER_TIMEOUT, "too slow")]
