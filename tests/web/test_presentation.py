"""The words of the pages, from values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_engine.control.status import (
    DaemonStatus,
    NodeState,
    NodeStatus,
    ServerState,
    ServerStatus,
    ServiceStatus,
    Traffic,
)
from piranha_web import presentation
from piranha_web.presentation import Mark

UP = ServerStatus("app1", "10.20.0.21", 8080, ServerState.UP, effective_weight=1)
DOWN = replace(UP, name="app3", state=ServerState.DOWN, effective_weight=-1)
DRAINING = replace(UP, name="app2", state=ServerState.DRAINING, effective_weight=0)
SHOP = ServiceStatus("shop", ("192.0.2.80:80 tcp",), active=True)


def test_a_node_without_pulse_is_not_called_active() -> None:
    assert presentation.node_mark(NodeStatus()) == Mark("warn", "without pulse")


@pytest.mark.parametrize("state", NodeState)
def test_every_node_state_has_a_mark(state: NodeState) -> None:
    assert presentation.node_mark(NodeStatus(state=state)).word


@pytest.mark.parametrize("state", ServerState)
def test_every_server_state_has_a_mark(state: ServerState) -> None:
    assert presentation.server_mark(replace(UP, state=state)).word


@pytest.mark.parametrize("plane", ["ipvs", "nftables", "memory"])
def test_every_plane_is_told_in_words(plane: str) -> None:
    assert presentation.plane_in_words(plane) not in {"", plane}


def test_a_restarting_daemon_is_neither_well_nor_broken() -> None:
    assert presentation.daemon_mark(DaemonStatus("nanny", state="restarting")) == Mark(
        "warn", "restarting"
    )


@pytest.mark.parametrize(
    ("servers", "mark"),
    [
        ((UP, UP), Mark("ok", "2 of 2")),
        ((UP, DOWN), Mark("warn", "1 of 2")),
        ((DOWN,), Mark("bad", "0 of 1")),
        ((), Mark("warn", "no server")),
        ((DRAINING,), Mark("warn", "no server")),
        ((DOWN, replace(UP, state=ServerState.SORRY)), Mark("bad", "sorry server")),
    ],
)
def test_a_virtual_server_is_as_well_as_its_real_servers(
    servers: tuple[ServerStatus, ...], mark: Mark
) -> None:
    assert presentation.service_mark(replace(SHOP, servers=servers)) == mark


def test_a_server_that_drains_on_purpose_does_not_degrade_its_virtual_server() -> None:
    shop = replace(SHOP, servers=(UP, DRAINING))
    assert presentation.service_mark(shop) == Mark("ok", "1 of 1")


def test_a_server_not_checked_yet_is_no_failure_and_no_help() -> None:
    fresh = replace(UP, state=ServerState.UNCHECKED, effective_weight=-1)
    assert presentation.service_mark(replace(SHOP, servers=(fresh,))) == Mark(
        "warn", "0 of 1"
    )


def test_a_server_that_keeps_its_weight_over_a_restart_counts() -> None:
    kept = replace(UP, state=ServerState.UNCHECKED, effective_weight=1)
    assert presentation.service_mark(replace(SHOP, servers=(kept,))) == Mark(
        "ok", "1 of 1"
    )


def test_an_inactive_virtual_server_is_off_whatever_its_servers_are() -> None:
    shop = replace(SHOP, active=False, servers=(DOWN,))
    assert presentation.service_mark(shop) == Mark("off", "inactive")


def test_the_headline_counts_virtual_servers_by_how_they_are() -> None:
    services = (
        replace(SHOP, servers=(UP,)),
        replace(SHOP, servers=(UP,)),
        replace(SHOP, servers=(UP, DOWN)),
        replace(SHOP, servers=(DOWN,)),
    )
    assert presentation.services_in_words(services) == "2 up, 1 degraded, 1 down"


def test_a_server_that_is_down_says_why_and_for_how_long() -> None:
    server = replace(DOWN, reason="connection refused", since=1000.0)
    assert presentation.health_note(server, now=1250.0) == "connection refused, 4 min"


def test_a_draining_server_says_how_many_connections_are_left() -> None:
    server = replace(DRAINING, traffic=Traffic(active_connections=1))
    assert presentation.health_note(server, now=0.0) == "1 connection left"


def test_a_server_that_is_up_says_how_fast_it_answered() -> None:
    server = replace(UP, duration_s=0.0021)
    assert presentation.health_note(server, now=0.0) == "2.1 ms"


@pytest.mark.parametrize(
    ("weight", "effective", "words"),
    [(40, 40, "40"), (80, 40, "40 of 80"), (40, -1, "0 of 40"), (0, 0, "0")],
)
def test_configured_and_effective_weight_are_told_apart(
    weight: int, effective: int, words: str
) -> None:
    server = replace(UP, weight=weight, effective_weight=effective)
    assert presentation.weight_in_words(server) == words


def test_an_inactive_server_shows_the_weight_of_the_file() -> None:
    server = replace(UP, state=ServerState.INACTIVE, weight=5, effective_weight=-1)
    assert presentation.weight_in_words(server) == "5"


def test_the_share_is_of_the_weights_that_the_kernel_has() -> None:
    shop = replace(SHOP, servers=(UP, replace(UP, effective_weight=3), DOWN))
    assert [presentation.share(s, shop) for s in shop.servers] == [0.25, 0.75, 0.0]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (999, "999"), (18412, "18\N{NARROW NO-BREAK SPACE}412")],
)
def test_numbers_stand_in_groups_of_three(value: int, words: str) -> None:
    assert presentation.number(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (0.04, "<0.1"),
        (0.06, "0.1"),
        (9.94, "9.9"),
        (9.96, "10"),
        (401.2, "401"),
    ],
)
def test_a_small_rate_does_not_vanish(value: float, words: str) -> None:
    assert presentation.rate(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0 bit/s"),
        (1, "8 bit/s"),
        (51_500_000, "412 Mbit/s"),
        (387_500_000, "3.1 Gbit/s"),
        (1e15, "8000 Tbit/s"),
    ],
)
def test_traffic_is_told_in_bits(value: float, words: str) -> None:
    assert presentation.bits_per_second(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0 B"), (1500, "1.5 kB"), (999_999, "1.0 MB")]
)
def test_amounts_are_told_in_bytes(value: int, words: str) -> None:
    assert presentation.amount(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (12.9, "12 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (43_260, "12 h"),
        (86_400, "1 day"),
        (500_000, "5 days"),
    ],
)
def test_a_duration_is_told_in_words(seconds: float, words: str) -> None:
    assert presentation.span(seconds) == words


def test_a_moment_of_today_is_a_time_and_an_old_one_a_date() -> None:
    now = 1_700_000_000.0
    assert presentation.moment(now - 1, now).count(":") == 2
    assert presentation.moment(now - 3 * 86400, now).count(":") == 1
    assert presentation.moment(now - 900 * 86400, now).count(":") == 0
    assert presentation.moment(0.0, now) == "never"


def test_a_sparkline_spans_its_box_and_is_scaled_to_its_highest_sample() -> None:
    spark = presentation.sparkline([0.0, 5.0, 10.0])
    assert spark is not None
    assert spark.line == "M0.0 19.0L48.0 10.5L96.0 2.0"
    assert spark.words == "from 0 to 10 a second, at most 10"


@pytest.mark.parametrize("history", [[], [3.0]])
def test_there_is_no_line_through_less_than_two_samples(history: list[float]) -> None:
    assert presentation.sparkline(history) is None
