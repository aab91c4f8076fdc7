"""Two nodes: what must hold whatever happens to them and to the wire.

Each property has a twin in which the thing really dies.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvs_engine.heartbeat.beat import Path
from lvs_engine.heartbeat.events import (
    Announce,
    ChildFailed,
    ChildRecovered,
    Deactivate,
    GiveUp,
    Hold,
    Incident,
    LinkDown,
    LinkUp,
    Refused,
    Release,
    Stop,
    TakeOver,
)
from lvs_engine.heartbeat.failover import State
from lvs_engine.heartbeat.settings import Timing
from tests.engine.heartbeat.two_nodes import DELAY_S, LEAVE_S, PROBE_S, Network, Pair

TIMING = Timing(2.0, 6.0)
CLASSIC = Timing(6.0, 18.0)
BOTH = (Path.PUBLIC, Path.PRIVATE)
OVERLAP_S = TIMING.keepalive + DELAY_S + LEAVE_S
"""Both nodes active on a whole network: the loser hears the winner's next heartbeat."""
GAP_S = TIMING.deadtime + TIMING.keepalive + PROBE_S + LEAVE_S
"""No node active while one could be."""

NODE = st.integers(0, 1)
BREAK = st.tuples(
    st.sampled_from(
        [
            "kill",
            "power",
            "boot",
            "link-down",
            "link-up",
            "child-down",
            "child-up",
            "give-up",
            "take-over",
            "hold",
            "release",
            "stop",
            "partition",
            "heal",
            "lose",
        ]
    ),
    NODE,
)
STORY = st.lists(
    st.tuples(st.sampled_from([0.03, 0.5, 1.9, 2.1, 5.9, 7.0, 30.0]), BREAK),
    max_size=12,
)


def settled(
    timing: Timing = TIMING, network: Network | None = None, **options: bool
) -> Pair:
    """A pair on a sound network, the primary active."""
    pair = Pair(timing, network, **options)
    pair.boot(0)
    pair.boot(1)
    pair.run(2 * timing.deadtime)
    assert pair.owners == [0]
    return pair


def befall(pair: Pair, what: str, index: int) -> None:
    """Let one thing happen."""
    network = pair.network
    match what:
        case "kill":
            pair.kill(index)
        case "power":
            pair.power_off(index)
        case "boot":
            pair.boot(index)
        case "link-down":
            network.cut |= {(0, Path.PUBLIC), (1, Path.PUBLIC)}
            pair.feed(index, LinkDown())
        case "link-up":
            network.heal()
            pair.feed(index, LinkUp())
        case "child-down":
            pair.feed(index, ChildFailed("lvsd died"))
        case "child-up":
            pair.feed(index, ChildRecovered())
        case "give-up":
            pair.feed(index, GiveUp())
        case "take-over":
            pair.feed(index, TakeOver())
        case "hold":
            pair.feed(index, Hold())
        case "release":
            pair.feed(index, Release())
        case "stop":
            pair.feed(index, Stop())
        case "partition":
            network.cut.add((index, Path.PUBLIC))
        case "heal":
            network.heal()
        case "lose":
            network.loss, network.duplication = 0.4, 0.2
        case _:
            raise AssertionError(what)


def mend(pair: Pair) -> None:
    """All is well again: network, links, lvsd; whoever is dead is started."""
    pair.network.heal()
    pair.run(2 * LEAVE_S)  # who is stopping has stopped
    for index, node in enumerate(pair.nodes):
        if node.machine is None or node.machine.state is State.STOPPED:
            pair.boot(index)
        for event in (LinkUp(), ChildRecovered(), Release()):
            pair.feed(index, event)


def shaken(story: list[tuple[float, tuple[str, int]]], pair: Pair) -> Pair:
    pair.boot(0)
    pair.boot(1)
    for seconds, (what, index) in story:
        pair.run(seconds)
        befall(pair, what, index)
    return pair


OPTIONS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 99),
        "signed": st.booleans(),
        "failback": st.booleans(),
        "probing": st.booleans(),
    }
)


@settings(max_examples=300, deadline=None)
@given(STORY, OPTIONS)
def test_a_whole_network_has_one_owner_soon_and_two_only_for_a_moment(
    story: list[tuple[float, tuple[str, int]]], options: dict[str, int]
) -> None:
    pair = shaken(story, Pair(TIMING, **options))  # type: ignore[arg-type]
    mend(pair)
    healed = pair.now
    pair.run(60)
    assert pair.longest_overlap(healed) <= OVERLAP_S
    assert pair.longest_gap(healed) <= GAP_S
    assert len(pair.owners) == 1


@settings(max_examples=200, deadline=None)
@given(STORY, OPTIONS, NODE)
def test_whoever_remains_takes_over(
    story: list[tuple[float, tuple[str, int]]], options: dict[str, int], dead: int
) -> None:
    pair = shaken(story, Pair(TIMING, **options))  # type: ignore[arg-type]
    mend(pair)
    pair.power_off(dead)
    died = pair.now
    pair.run(60)
    assert pair.owners == [1 - dead]
    assert pair.longest_gap(died) <= GAP_S


@pytest.mark.parametrize("signed", [True, False])
def test_a_dead_node_is_replaced_after_deadtime_and_not_before(signed: bool) -> None:
    pair = settled(signed=signed)
    pair.power_off(0)
    pair.run(TIMING.deadtime - TIMING.keepalive - DELAY_S)
    assert pair.owners == []
    pair.run(TIMING.keepalive + 2 * DELAY_S)
    assert pair.owners == [1]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("first", [0, 1])
def test_the_primary_becomes_active_whoever_starts_first(
    first: int, signed: bool
) -> None:
    """KF-38."""
    pair = Pair(TIMING, signed=signed)
    pair.boot(first)
    pair.run(1.0)
    pair.boot(1 - first)
    pair.run(TIMING.keepalive + DELAY_S)
    assert pair.owners == [0]
    pair.run(60)
    assert pair.owners == [0]
    assert pair.overlaps == []


@pytest.mark.parametrize("signed", [True, False])
def test_a_primary_that_returns_stays_standby(signed: bool) -> None:
    pair = settled(signed=signed)
    pair.power_off(0)
    pair.run(10)
    pair.boot(0)
    pair.run(60)
    assert pair.owners == [1]


def test_with_failback_it_takes_the_addresses_home_without_a_gap() -> None:
    pair = settled(failback=True)
    pair.power_off(0)
    pair.run(10)
    pair.boot(0)
    returned = pair.now
    pair.run(TIMING.deadtime - 0.1)
    assert pair.owners == [1]
    pair.run(2)
    assert pair.owners == [0]
    assert pair.longest_gap(returned) == 0.0
    assert pair.longest_overlap(returned) <= DELAY_S + LEAVE_S
    assert pair.nodes[1].did(Incident) == []


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("fault", [LinkDown(), ChildFailed("lvsd died")])
def test_the_partner_of_a_broken_node_does_not_wait_for_deadtime(
    fault: LinkDown | ChildFailed, signed: bool
) -> None:
    pair = settled(network=Network(BOTH), signed=signed)
    if isinstance(fault, LinkDown):
        pair.network.cut |= {(0, Path.PUBLIC), (1, Path.PUBLIC)}
    pair.run(0.1)
    pair.feed(0, fault)
    pair.run(LEAVE_S + DELAY_S)
    assert pair.owners == [1]
    assert pair.overlaps == []


@pytest.mark.parametrize("signed", [True, False])
def test_a_stopping_node_says_farewell(signed: bool) -> None:
    """KF-37."""
    pair = settled(signed=signed)
    pair.run(0.1)  # old nodes cannot tell that datagrams changed places
    pair.feed(0, Stop())
    pair.run(LEAVE_S + DELAY_S)
    assert pair.owners == [1]
    assert pair.overlaps == []


def test_a_farewell_gets_through_half_the_datagrams_lost() -> None:
    late = 0
    for seed in range(100):
        pair = Pair(TIMING, Network(BOTH), seed=seed)
        pair.boot(0)
        pair.boot(1)
        pair.run(15)
        pair.network.loss = 0.5
        pair.feed(0, Stop())
        pair.run(LEAVE_S + DELAY_S)
        late += pair.owners != [1]
    assert late <= 5  # 0.5 ** 6 is 1.6 %


def test_a_daemon_that_is_killed_and_started_again_moves_nothing() -> None:
    pair = settled()
    began = pair.now
    pair.kill(0)
    pair.run(1.5)
    pair.boot(0)
    pair.run(60)
    assert pair.owners == [0]
    assert pair.longest_gap(began) == pair.longest_overlap(began) == 0.0
    assert pair.state(1) is State.STANDBY


@pytest.mark.parametrize("signed", [True, False])
def test_a_daemon_started_again_too_late_gives_its_stale_addresses_up(
    signed: bool,
) -> None:
    """KF-3."""
    pair = settled(signed=signed)
    pair.kill(0)
    pair.run(10)
    assert pair.owners == [0, 1]
    pair.boot(0)
    returned = pair.now
    pair.run(60)
    assert pair.owners == [1]
    assert pair.longest_overlap(returned) <= OVERLAP_S


def test_stale_addresses_that_answer_are_left_alone() -> None:
    """The kernel of a node without daemon still serves: nothing is gained by a fight."""
    pair = settled(probing=True)
    pair.kill(0)
    pair.run(60)
    assert pair.owners == [0]
    assert len(pair.nodes[1].did(Incident)) == 1
    pair.power_off(0)
    pair.run(TIMING.keepalive + PROBE_S)
    assert pair.owners == [1]


def test_after_a_partition_the_later_activation_wins_and_announces_again() -> None:
    pair = settled()
    pair.network.cut |= {(0, Path.PUBLIC), (1, Path.PUBLIC)}
    pair.run(20)
    assert pair.owners == [0, 1]
    pair.network.heal()
    healed = pair.now
    pair.run(30)
    assert pair.owners == [1]
    assert 0 < pair.longest_overlap(healed) <= OVERLAP_S
    assert "both nodes were active" in pair.nodes[0].did(Incident)[0].text
    assert pair.nodes[1].did(Announce)[-1].reason == (
        "the partner has left the addresses"
    )


def test_old_nodes_part_after_a_partition_by_role() -> None:
    pair = settled(signed=False)
    pair.network.cut |= {(0, Path.PUBLIC), (1, Path.PUBLIC)}
    pair.run(20)
    assert pair.owners == [0, 1]
    pair.network.heal()
    pair.run(TIMING.keepalive + DELAY_S + LEAVE_S)
    assert pair.owners == [0]


@pytest.mark.parametrize("silent", [0, 1])
def test_a_one_way_link_ends_with_one_owner(silent: int) -> None:
    pair = settled()
    pair.network.cut.add((silent, Path.PUBLIC))
    pair.run(60)
    assert len(pair.owners) == 1


def test_who_is_not_heard_yields_though_his_term_is_higher() -> None:
    """Only he can know that both are active."""
    pair = settled()
    pair.network.cut |= {(0, Path.PUBLIC), (1, Path.PUBLIC)}
    pair.run(20)
    pair.network.cut = {(1, Path.PUBLIC)}  # node 1 took over later; nobody hears it
    pair.run(20)
    assert pair.owners == [0]


def test_one_path_is_enough() -> None:
    pair = settled(network=Network(BOTH))
    pair.network.cut |= {(0, Path.PUBLIC), (1, Path.PUBLIC)}
    pair.run(600)
    assert pair.owners == [0]
    assert pair.nodes[1].did(Incident) == []


def test_a_planned_move_takes_the_time_of_the_addresses() -> None:
    pair = settled()
    began = pair.now
    pair.feed(0, GiveUp())
    pair.run(0.1)
    assert pair.owners == [1]
    assert pair.longest_gap(began) <= DELAY_S
    pair.run(60)
    assert pair.owners == [1]


def test_a_planned_move_survives_loss() -> None:
    """Hand-over heartbeats are hurried, so a lost one does not cost a keepalive."""
    for seed in range(30):
        pair = Pair(CLASSIC, seed=seed)
        pair.boot(0)
        pair.boot(1)
        pair.run(40)
        pair.network.loss = 0.3
        pair.feed(0, GiveUp())
        pair.run(4)
        assert pair.owners == [1]


def test_a_takeover_has_no_gap_and_no_incident() -> None:
    pair = settled()
    began = pair.now
    pair.feed(1, TakeOver())
    pair.run(30)
    assert pair.owners == [1]
    assert pair.longest_gap(began) == 0.0
    assert 0 < pair.longest_overlap(began) <= DELAY_S + LEAVE_S
    assert [i for n in pair.nodes for i in n.did(Incident)] == []


def test_an_old_primary_cannot_be_asked_to_go() -> None:
    pair = settled(signed=False)
    pair.feed(1, TakeOver())
    assert len(pair.nodes[1].did(Refused)) == 1
    assert pair.owners == [0]


def test_a_held_node_stays_standby_until_released() -> None:
    pair = settled()
    pair.feed(0, Hold())
    pair.run(20)
    assert pair.owners == [1]
    pair.power_off(1)
    pair.run(100)
    assert pair.owners == []
    pair.feed(0, Release())
    pair.run(0.1)
    assert pair.owners == [0]


def test_nobody_gives_up_to_a_dead_partner() -> None:
    pair = settled()
    pair.power_off(1)
    pair.run(10)
    pair.feed(0, GiveUp())
    pair.run(10)
    assert pair.owners == [0]
    assert "silent" in pair.nodes[0].did(Refused)[0].reason


def test_a_link_that_returns_is_no_reason_to_move_back() -> None:
    """A deaf node has heard no partner for long; that says nothing of the partner."""
    pair = settled()
    befall(pair, "link-down", 0)
    pair.run(30)
    assert pair.owners == [1]
    befall(pair, "link-up", 0)
    pair.run(60)
    assert pair.owners == [1]


def test_a_broken_node_without_partner_tries_again_ever_more_slowly() -> None:
    """KF-14."""
    pair = settled()
    pair.power_off(1)
    for _ in range(40):
        pair.feed(0, ChildFailed("lvsd died"))
        pair.run(1.0)
        while pair.owners != [0]:
            pair.run(1.0)
    assert pair.now > 40 * TIMING.longest_retry / 2


LOSS = 0.3
HOURS = 5


def false_failovers(network: Network, *, signed: bool) -> int:
    moved = 0
    for seed in range(HOURS):
        pair = Pair(CLASSIC, network, seed=seed, signed=signed)
        network.loss = 0.0
        pair.boot(0)
        pair.boot(1)
        pair.run(40)
        network.loss = LOSS
        pair.run(3600)
        moved += len(pair.nodes[0].did(Deactivate))
        moved += pair.nodes[1].did(Deactivate) != []
    return moved


def test_thirty_percent_loss_is_no_failover_at_the_default_timing() -> None:
    """Seeded, one path.

    A false failover needs two regular heartbeats in a row to be lost (0.09), and then
    about sixteen questions unanswered, each with 1 - 0.7 ** 2: about 1e-3 in an hour.
    """
    assert false_failovers(Network(), signed=True) == 0


def test_without_questions_the_same_loss_does_move_the_addresses() -> None:
    """The twin: three lost in a row are enough, which old nodes see many times an hour."""
    assert false_failovers(Network(), signed=False) > 0


def test_a_node_that_dies_amid_loss_is_replaced_all_the_same() -> None:
    for seed in range(10):
        pair = Pair(CLASSIC, Network(BOTH), seed=seed)
        pair.boot(0)
        pair.boot(1)
        pair.run(40)
        pair.network.loss = LOSS
        pair.power_off(0)
        pair.run(CLASSIC.deadtime + DELAY_S)
        assert pair.owners == [1]
