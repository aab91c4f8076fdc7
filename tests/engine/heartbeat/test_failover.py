"""The failover machine by itself: one node, events and the time."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvs_engine.heartbeat import failover as module
from lvs_engine.heartbeat.beat import BeatState, Path, Word
from lvs_engine.heartbeat.events import (
    Action,
    Activate,
    Announce,
    Changed,
    ChildFailed,
    ChildRecovered,
    Deactivate,
    Event,
    GiveUp,
    Heard,
    Hold,
    Incident,
    Left,
    LinkDown,
    LinkUp,
    Probe,
    ProbeResult,
    Refused,
    Release,
    SendBeat,
    Stop,
    TakeOver,
    Tick,
)
from lvs_engine.heartbeat.failover import Failover, State
from lvs_engine.heartbeat.settings import Rules, Timing
from lvs_engine.values import ServiceKind

TIMING = Timing(2.0, 6.0)
PRIMARY = Rules(preferred=True)
BACKUP = Rules(preferred=False)
OLD_PRIMARY = Rules(preferred=True, signed=False)
OLD_BACKUP = Rules(preferred=False, signed=False)
RUNNING = BeatState.RUNNING
STOPPED = BeatState.STOPPED


def until(machine: Failover, end: float) -> list[Action]:
    """Tick at each deadline up to `end`; all actions."""
    actions: list[Action] = []
    while machine.deadline <= end:
        actions += machine.step(Tick(), machine.deadline)
    return actions


def heard(state: BeatState, term: int = 0, **flags: bool) -> Heard:
    return Heard(Word(state, term, **flags))


def words(actions: list[Action]) -> list[BeatState]:
    return [a.word.state for a in actions if isinstance(a, SendBeat)]


def kinds(actions: list[Action]) -> list[type[Action]]:
    return [type(a) for a in actions]


def standby(rules: Rules = BACKUP, term: int = 3) -> Failover:
    """A node that heard an active partner at 0."""
    machine = Failover(TIMING, rules, 0.0)
    machine.step(heard(RUNNING, term if rules.signed else 0), 0.0)
    assert machine.state is State.STANDBY
    return machine


def active(rules: Rules = PRIMARY, partner: Word | None = None) -> Failover:
    """A node that is active in term 1, and hears an idle partner at 6; it is 7 now."""
    machine = Failover(TIMING, rules, 0.0)
    until(machine, 6.0)
    machine.step(Heard(partner or Word(STOPPED)), 6.0)
    until(machine, 6.9)
    assert machine.state is State.ACTIVE
    assert machine.term == 1
    return machine


# Timing


@pytest.mark.parametrize(
    ("keepalive", "deadtime"), [(0, 1), (-1, 5), (30, 18), (6, 6), (1, math.inf)]
)
def test_a_deadtime_that_one_lost_heartbeat_exceeds_is_refused(
    keepalive: float, deadtime: float
) -> None:
    """KF-44."""
    with pytest.raises(ValueError, match="0 < keepalive < deadtime"):
        Timing(keepalive, deadtime)


# Starting


def test_a_single_router_is_active_at_once_and_says_nothing() -> None:
    machine = Failover(TIMING, Rules(preferred=True, partner=False), 5.0)
    assert machine.step(Tick(), 5.0) == [Activate("no partner: activating lvs")]
    assert machine.deadline == math.inf


def test_a_starting_node_speaks_at_once_and_waits_for_deadtime() -> None:
    machine = Failover(TIMING, BACKUP, 0.0)
    assert machine.step(Tick(), 0.0) == [
        SendBeat(Word(STOPPED, hears=False, asks=True))
    ]
    assert Activate not in kinds(until(machine, 5.99))
    assert machine.state is State.STARTING
    last = until(machine, 6.0)
    assert Activate("partner dead: activating lvs (never heard, deadtime 6 s)") in last


def test_an_idle_primary_takes_the_addresses_when_it_hears_an_idle_backup() -> None:
    machine = Failover(TIMING, PRIMARY, 0.0)
    actions = machine.step(heard(STOPPED, 4), 0.1)
    assert actions[0] == Activate("backup inactive: activating lvs")
    # The partner's term was news of the same moment, and must lie below ours.
    assert machine.term == 5


def test_an_idle_backup_gives_an_idle_primary_two_keepalives() -> None:
    machine = Failover(TIMING, BACKUP, 0.0)
    machine.step(heard(STOPPED), 1.0)
    machine.step(heard(STOPPED), 3.0)
    assert Activate not in kinds(until(machine, 4.99))
    assert Activate in kinds(until(machine, 5.0))


def test_a_backup_does_not_wait_for_a_primary_that_is_not_able() -> None:
    machine = Failover(TIMING, BACKUP, 0.0)
    actions = machine.step(heard(STOPPED, able=False), 1.0)
    assert actions[0] == Activate("primary inactive: activating lvs")


def test_a_node_with_its_addresses_resumes_after_a_keepalive_in_the_same_term() -> None:
    machine = Failover(TIMING, PRIMARY, 0.0, term=7, resuming=True)
    assert words(machine.step(Tick(), 0.0)) == [RUNNING]
    assert Activate not in kinds(until(machine, 1.99))
    assert Activate in kinds(until(machine, 2.0))
    assert machine.term == 7


def test_a_resuming_node_that_is_outranked_leaves() -> None:
    machine = Failover(TIMING, PRIMARY, 0.0, term=7, resuming=True)
    actions = machine.step(heard(RUNNING, 8), 0.5)
    assert Deactivate("partner active: deactivating LVS") in actions
    assert Activate not in kinds(actions)


def test_a_resuming_node_beside_an_old_one_listens_before_it_speaks() -> None:
    """An old backup would yield to a primary that crashed and came back."""
    machine = Failover(TIMING, OLD_PRIMARY, 0.0, resuming=True)
    assert until(machine, 1.9) == []
    assert Deactivate in kinds(machine.step(heard(RUNNING), 1.95))


def test_a_node_that_is_held_gives_stale_addresses_up() -> None:
    machine = Failover(TIMING, PRIMARY, 0.0, resuming=True, held=True)
    assert Deactivate in kinds(machine.step(Tick(), 0.0))


# Taking over


@pytest.mark.parametrize("rules", [BACKUP, PRIMARY, OLD_BACKUP, OLD_PRIMARY])
def test_a_silent_partner_is_replaced_after_deadtime(rules: Rules) -> None:
    machine = standby(rules)
    assert Activate not in kinds(until(machine, 5.99))
    assert Activate(
        "partner dead: activating lvs (silent for 6.0 s, deadtime 6 s)"
    ) in until(machine, 6.0)


def test_fos_has_its_own_words() -> None:
    machine = standby(Rules(preferred=False, kind=ServiceKind.FOS))
    activate = next(a for a in until(machine, 6.0) if isinstance(a, Activate))
    assert activate.reason.startswith("partner dead: activating failover services")


def test_an_activation_takes_the_next_term_and_tells_it_at_once() -> None:
    machine = standby(term=3)
    last = [a for a in until(machine, 6.0) if isinstance(a, SendBeat)][-1]
    assert (last.word.state, last.word.term) == (RUNNING, 4)


def test_a_partner_that_speaks_is_not_replaced() -> None:
    machine = standby()
    for second in range(1, 1000):
        assert Activate not in kinds(until(machine, 5.0 * second))
        assert Activate not in kinds(machine.step(heard(RUNNING, 3), 5.0 * second))


def test_a_silent_partner_is_asked_ten_times_as_often() -> None:
    machine = standby()
    asked = [a for a in until(machine, 5.99) if isinstance(a, SendBeat) and a.word.asks]
    assert 16 <= len(asked) <= 19


def test_an_old_partner_is_not_asked() -> None:
    assert len(words(until(standby(OLD_BACKUP), 5.99))) == 2


def test_whoever_is_asked_answers_at_once() -> None:
    machine = active()
    assert machine.step(heard(STOPPED), 7.0) == []
    assert words(machine.step(heard(STOPPED, asks=True), 7.1)) == [RUNNING]
    assert machine.step(heard(STOPPED), 7.2) == []


def test_a_node_that_slept_listens_before_it_judges() -> None:
    machine = standby()
    assert Activate not in kinds(machine.step(Tick(), 500.0))
    machine.step(heard(RUNNING, 3), 500.1)
    assert Activate not in kinds(until(machine, 506.0))


def test_a_node_that_slept_beside_a_dead_one_takes_over_soon() -> None:
    machine = standby()
    machine.step(Tick(), 500.0)
    assert Activate in kinds(until(machine, 502.0))


def test_an_old_partner_that_stops_being_active_is_replaced_at_once() -> None:
    machine = standby(OLD_BACKUP)
    assert machine.step(heard(STOPPED), 1.0)[0] == Activate(
        "primary inactive: activating lvs"
    )


def test_hold_and_held_are_signs_of_life_and_nothing_else() -> None:
    machine = standby()
    for state in (BeatState.HOLD, BeatState.HELD):
        machine.step(heard(state), machine.deadline)
    assert Activate not in kinds(until(machine, 6.0))


# Probing


def probing() -> Failover:
    machine = standby(Rules(preferred=False, probing=True))
    assert Probe not in kinds(until(machine, 5.99))
    assert Probe("partner silent for 6.0 s, deadtime 6 s") in until(machine, 6.0)
    return machine


def test_addresses_that_nobody_answers_for_are_taken() -> None:
    assert Activate in kinds(probing().step(ProbeResult(answered=False), 6.2))


def test_addresses_that_somebody_answers_for_are_left_alone_and_told_once() -> None:
    machine = probing()
    told = machine.step(ProbeResult(answered=True), 6.2)
    assert kinds(told) == [Incident]
    again = until(machine, 8.2)
    assert Probe in kinds(again)
    assert Activate not in kinds(again)
    assert machine.step(ProbeResult(answered=True), 8.3) == []


def test_a_node_that_the_witness_does_not_know_takes_nothing() -> None:
    machine = probing()
    actions = machine.step(ProbeResult(answered=False, cut_off=True), 6.2)
    assert kinds(actions) == [Incident]


def test_a_probe_without_result_does_not_stop_a_takeover() -> None:
    machine = probing()
    assert Activate not in kinds(until(machine, 7.99))
    assert Activate in kinds(until(machine, 8.0))


def test_a_partner_that_speaks_ends_the_probe() -> None:
    machine = probing()
    machine.step(heard(RUNNING, 3), 6.1)
    assert machine.step(ProbeResult(answered=False), 6.2) == []
    assert machine.state is State.STANDBY


# Both active


@pytest.mark.parametrize(
    ("rules", "term", "yields"),
    [
        (PRIMARY, 1, False),
        (PRIMARY, 2, True),
        (BACKUP, 1, True),
        (BACKUP, 2, True),
        (OLD_PRIMARY, 0, False),
        (OLD_BACKUP, 0, True),
    ],
)
def test_the_higher_term_stays_and_on_equal_terms_the_primary(
    rules: Rules, term: int, yields: bool
) -> None:
    actions = active(rules).step(heard(RUNNING, term), 7.0)
    assert (Deactivate in kinds(actions)) is yields
    assert (Announce in kinds(actions)) is not yields
    assert Incident in kinds(actions)


def test_a_backup_in_a_higher_term_stays() -> None:
    machine = standby(term=3)
    until(machine, 6.0)
    actions = machine.step(heard(RUNNING, 3), 6.1)
    assert Announce in kinds(actions)
    assert Deactivate not in kinds(actions)


def test_the_winner_announces_once_in_a_keepalive() -> None:
    machine = active()
    assert Announce in kinds(machine.step(heard(RUNNING, 1), 7.0))
    assert Announce not in kinds(machine.step(heard(RUNNING, 1), 7.1))
    assert Announce in kinds(machine.step(heard(RUNNING, 1), 9.0))


def test_who_yields_says_running_until_the_addresses_are_gone() -> None:
    machine = active(BACKUP)
    assert words(machine.step(heard(RUNNING, 5), 7.0)) == [RUNNING]
    assert words(machine.step(Left(), 7.1)) == [STOPPED]
    assert machine.state is State.STANDBY


def test_a_node_that_is_asked_while_its_addresses_leave_still_says_running() -> None:
    machine = active()
    machine.step(GiveUp(), 7.0)
    assert words(machine.step(heard(STOPPED, asks=True), 7.01)) == [RUNNING]
    assert words(machine.step(Left(), 7.02)) == [STOPPED]


def test_addresses_that_do_not_go_are_an_incident_after_a_keepalive() -> None:
    machine = active(BACKUP)
    machine.step(heard(RUNNING, 5), 7.0)
    assert Incident not in kinds(until(machine, 8.99))
    actions = until(machine, 9.0)
    assert Incident in kinds(actions)
    assert words(actions)[-1] is STOPPED


def test_stop_me_is_ignored_outside_of_fos_mode_and_is_no_sign_of_life() -> None:
    """KF-2."""
    machine = active(OLD_PRIMARY)
    assert machine.step(heard(BeatState.STOPME), 7.0) == []
    assert machine.state is State.ACTIVE
    waiting = standby(OLD_BACKUP)
    waiting.step(heard(BeatState.STOPME), 1.0)
    assert Activate in kinds(until(waiting, 6.0))


@pytest.mark.parametrize("preferred", [True, False])
def test_stop_me_is_obeyed_in_fos_mode(preferred: bool) -> None:
    rules = Rules(preferred=preferred, signed=False, kind=ServiceKind.FOS)
    assert Deactivate in kinds(active(rules).step(heard(BeatState.STOPME), 7.0))


def test_an_old_fos_partner_is_pressed_until_it_stopped() -> None:
    machine = standby(Rules(preferred=False, signed=False, kind=ServiceKind.FOS))
    assert words(machine.step(TakeOver(), 1.0)) == [BeatState.RUNNING]
    assert words(until(machine, 3.0)) == [BeatState.STOPME]
    machine.step(heard(STOPPED), 3.5)
    assert words(until(machine, 5.0)) == [RUNNING]


# Faults


def test_a_node_that_lost_its_link_leaves_and_stays_away() -> None:
    machine = active()
    assert kinds(machine.step(LinkDown(), 7.0)) == [Deactivate]
    machine.step(Left(), 7.1)
    assert machine.state is State.FAILED
    assert Activate not in kinds(until(machine, 300.0))


def test_a_link_that_returns_gives_the_partner_deadtime_to_speak() -> None:
    machine = standby()
    machine.step(LinkDown(), 1.0)
    until(machine, 99.0)
    machine.step(LinkUp(), 100.0)
    assert Activate not in kinds(until(machine, 105.99))
    assert Activate in kinds(until(machine, 106.0))


def test_a_lost_private_link_is_told_and_no_more() -> None:
    """KF-34."""
    machine = active()
    assert kinds(machine.step(LinkDown(Path.PRIVATE), 7.0)) == [Incident]
    assert machine.state is State.ACTIVE


def test_a_broken_node_says_that_it_is_not_able() -> None:
    machine = standby()
    machine.step(ChildFailed("lvsd died"), 1.0)
    told = [a for a in until(machine, 2.0) if isinstance(a, SendBeat)]
    assert [a.word.able for a in told] == [False]


def test_a_failure_of_lvsd_is_forgotten_when_the_partner_is_active() -> None:
    machine = active()
    machine.step(ChildFailed("lvsd died"), 7.0)
    machine.step(Left(), 7.1)
    machine.step(heard(RUNNING, 2), 7.2)
    assert machine.state is State.STANDBY
    assert Activate in kinds(until(machine, 13.2))


def test_a_failure_of_lvsd_without_partner_is_tried_again_ever_later() -> None:
    """KF-14."""
    machine = Failover(TIMING, Rules(preferred=True, partner=False), 0.0)
    machine.step(Tick(), 0.0)
    pauses = []
    now = 1.0
    for _ in range(7):
        machine.step(ChildFailed("lvsd died"), now)
        machine.step(Left(), now)
        assert machine.state is State.FAILED
        pauses.append(machine.deadline - now)
        now = machine.deadline
        assert Activate in kinds(machine.step(Tick(), now))
    assert pauses == [2, 4, 8, 16, 32, 60, 60]


def test_lvsd_that_recovers_brings_the_node_back_at_once() -> None:
    machine = Failover(TIMING, Rules(preferred=True, partner=False), 0.0)
    machine.step(ChildFailed("lvsd died"), 1.0)
    assert Activate in kinds(machine.step(ChildRecovered(), 1.1))


def test_a_mended_lvsd_does_not_mend_a_link() -> None:
    machine = Failover(TIMING, Rules(preferred=True, partner=False), 0.0)
    machine.step(LinkDown(), 0.5)
    machine.step(ChildFailed("lvsd died"), 1.0)
    assert until(machine, 100.0) == []
    assert machine.step(ChildRecovered(), 100.0) == []
    assert machine.state is State.FAILED


# Requests


def test_a_stopping_node_says_farewell_three_times_after_its_addresses_are_gone() -> (
    None
):
    machine = active()
    assert words(machine.step(Stop(), 7.0)) == []
    actions = machine.step(Left(), 7.1)
    assert words(actions) == [STOPPED] * 3
    assert all(a.word.farewell for a in actions if isinstance(a, SendBeat))
    assert machine.deadline == math.inf
    assert machine.step(heard(RUNNING, 9), 8.0) == []


def test_a_node_that_gave_up_does_not_take_the_addresses_back_at_once() -> None:
    machine = active()
    machine.step(GiveUp(), 7.0)
    machine.step(Left(), 7.1)
    assert Activate not in kinds(machine.step(heard(STOPPED), 7.2))


def test_but_it_does_when_the_partner_cannot() -> None:
    machine = active()
    machine.step(GiveUp(), 7.0)
    machine.step(Left(), 7.1)
    assert Activate in kinds(machine.step(heard(STOPPED, able=False), 7.2))


@pytest.mark.parametrize(
    ("partner", "now", "why"),
    [
        (Word(STOPPED, able=False), 7.0, "cannot take"),
        (Word(STOPPED), 12.0, "silent"),
    ],
)
def test_giving_up_to_nobody_is_refused(partner: Word, now: float, why: str) -> None:
    machine = active(partner=partner)
    until(machine, now)
    actions = machine.step(GiveUp(), now)
    assert [why in a.reason for a in actions if isinstance(a, Refused)] == [True]
    assert machine.state is State.ACTIVE


def test_a_takeover_is_refused_when_broken_or_not_heard() -> None:
    machine = standby()
    machine.step(heard(RUNNING, 3, hears=False), 1.0)
    assert Refused in kinds(machine.step(TakeOver(), 1.0))
    machine.step(heard(RUNNING, 3), 1.1)
    machine.step(LinkDown(), 1.2)
    assert Refused in kinds(machine.step(TakeOver(), 1.3))
    assert machine.term == 3


def test_a_takeover_ends_a_hold() -> None:
    machine = standby()
    machine.step(Hold(), 1.0)
    assert Activate in kinds(machine.step(TakeOver(), 1.5))
    assert not machine.held


def test_a_held_node_says_that_it_is_not_able_and_a_released_one_that_it_is() -> None:
    machine = standby()
    machine.step(Hold(), 0.5)
    machine.step(heard(RUNNING, 3, asks=True), 1.0)
    assert Activate not in kinds(until(machine, 50.0))
    assert Activate in kinds(machine.step(Release(), 50.0))


def test_a_primary_sent_away_does_not_fail_back() -> None:
    machine = active(Rules(preferred=True, failback=True))
    machine.step(GiveUp(), 7.0)
    machine.step(Left(), 7.1)
    for second in range(8, 60):
        assert Activate not in kinds(machine.step(heard(RUNNING, 2), float(second)))
        assert Activate not in kinds(until(machine, second + 0.9))


def test_a_primary_that_is_not_heard_does_not_fail_back() -> None:
    machine = Failover(TIMING, Rules(preferred=True, failback=True), 0.0)
    for second in range(60):
        word = heard(RUNNING, 2, hears=False)
        assert Activate not in kinds(machine.step(word, float(second)))
        assert Activate not in kinds(until(machine, second + 0.9))


def test_a_reload_moves_nothing_and_the_new_timing_counts() -> None:
    machine = standby()
    assert Activate not in kinds(machine.step(Changed(Timing(1.0, 10.0), BACKUP), 5.0))
    assert Activate not in kinds(until(machine, 14.99))
    assert Activate in kinds(until(machine, 15.0))


def test_a_node_whose_partner_is_taken_from_the_file_is_active_at_once() -> None:
    machine = standby()
    alone = Rules(preferred=False, partner=False)
    assert Activate in kinds(machine.step(Changed(TIMING, alone), 1.0))


# The machine as such

EVENTS = st.one_of(
    st.builds(
        Heard,
        st.builds(
            Word,
            st.sampled_from(BeatState),
            st.integers(0, 4),
            st.booleans(),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
    ),
    st.sampled_from(
        [
            Tick(),
            LinkDown(),
            LinkUp(),
            ChildFailed("x"),
            ChildRecovered(),
            Left(),
            ProbeResult(answered=True),
            ProbeResult(answered=False),
            TakeOver(),
            GiveUp(),
            Hold(),
            Release(),
            Stop(),
            Changed(Timing(1.0, 2.0), PRIMARY),
            Changed(TIMING, Rules(preferred=True, partner=False)),
        ]
    ),
)


@settings(deadline=None)
@given(
    st.lists(st.tuples(EVENTS, st.sampled_from([0.0, 0.2, 2.0, 6.0, 50.0]))),
    st.builds(
        Rules, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans()
    ),
    st.booleans(),
)
def test_no_story_breaks_a_rule_or_makes_the_driver_spin(
    story: list[tuple[Event, float]], rules: Rules, resuming: bool
) -> None:
    machine = Failover(TIMING, rules, 0.0, resuming=resuming)
    now = 0.0
    holding = resuming
    for event, pause in story:
        now += pause
        term = machine.term
        actions: list[Action] = []
        for each in (event, Tick()):
            actions += machine.step(each, max(now, min(machine.deadline, now)))
            assert machine.deadline > now  # strictly, or the driver spins
        assert machine.term >= term
        for action in actions:
            # Activations and deactivations alternate; the first may be a resumption.
            if isinstance(action, Deactivate):
                assert holding
                holding = False
            elif isinstance(action, Activate):
                assert not holding or resuming
                holding, resuming = True, False


def test_the_diagram_names_every_state() -> None:
    diagram = (module.__doc__ or "").split("Starting\n")[0]
    drawn = set(re.findall(r"\b[A-Z]{6,}\b", diagram))
    assert drawn == {state.name for state in State}
