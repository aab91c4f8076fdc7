"""Every scheduler of the kernel spreads connections as its name promises."""

from __future__ import annotations

from collections import Counter

import pytest

from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
)
from lvs_engine.table.plan import SetDestination
from lvs_engine.values import Forwarding
from tests.kernel.network import SOURCES, VIP, Network, S
from tests.kernel.sockets import names

pytestmark = pytest.mark.ipvs


def pool(scheduler: str, *weights: int, flags: tuple[str, ...] = ()) -> Pool:
    """A pool of s1, s2, ... with these weights."""
    return Pool(
        Service(scheduler, flags),
        {
            DestinationKey(S[n], 8080): Destination(Forwarding.NAT, weight)
            for n, weight in enumerate(weights, 1)
        },
    )


def test_rr_takes_turns(network: Network) -> None:
    web = network.fresh_web()
    with network.balancing({web: pool("rr", 1, 5, 1)}):
        assert Counter(network.ask(VIP, web.port) for _ in range(6)) == {
            "s1": 2,
            "s2": 2,
            "s3": 2,
        }


def test_wrr_takes_turns_by_weight(network: Network) -> None:
    web = network.fresh_web()
    with network.balancing({web: pool("wrr", 3, 1, 2)}):
        assert Counter(network.ask(VIP, web.port) for _ in range(12)) == {
            "s1": 6,
            "s2": 2,
            "s3": 4,
        }


@pytest.mark.parametrize(
    ("scheduler", "weights", "expected"),
    [
        ("lc", (1, 1, 1), {"s1": 2, "s2": 2, "s3": 2}),
        ("wlc", (4, 1, 1), {"s1": 4, "s2": 1, "s3": 1}),
        ("sed", (4, 1, 1), {"s1": 4, "s2": 1, "s3": 1}),
        ("nq", (100, 1, 1), {"s1": 4, "s2": 1, "s3": 1}),
        ("fo", (1, 3, 2), {"s2": 6}),
        ("ovf", (1, 3, 2), {"s2": 4, "s3": 2}),  # over the weight, not at it
    ],
)
def test_open_connections_are_shared_out(
    network: Network,
    scheduler: str,
    weights: tuple[int, ...],
    expected: dict[str, int],
) -> None:
    web = network.fresh_web()
    with (
        network.balancing({web: pool(scheduler, *weights)}),
        network.hold_many(6, web.port) as connections,
    ):
        assert names(connections) == expected


def test_lc_gives_the_next_to_the_server_that_lost_one(network: Network) -> None:
    web = network.fresh_web()
    with (
        network.balancing({web: pool("lc", 1, 1, 1)}),
        network.hold_many(3, web.port) as connections,
    ):
        connections[1].close()
        assert network.ask(VIP, web.port) == connections[1].server


def test_fo_fails_over_to_the_next_weight(network: Network) -> None:
    web = network.fresh_web()
    with network.balancing({web: pool("fo", 1, 3, 2)}):
        best = DestinationKey(S[2], 8080)
        drained = Destination(Forwarding.NAT, 0)
        network.plane.apply([SetDestination(web, best, drained)])
        assert {network.ask(VIP, web.port) for _ in range(3)} == {"s3"}


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_a_source_hash_keeps_a_client_and_spreads_clients(
    network: Network, scheduler: str
) -> None:
    web = network.fresh_web()
    with network.balancing({web: pool(scheduler, 1, 1, 1)}):
        found = {s: [network.ask(VIP, web.port, s) for _ in "12"] for s in SOURCES}
    assert all(one == two for one, two in found.values())
    assert len({one for one, _ in found.values()}) > 1


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_with_the_port_flag_one_client_is_spread(
    network: Network, scheduler: str
) -> None:
    web = network.fresh_web()
    with network.balancing(
        {web: pool(scheduler, 1, 1, 1, flags=(f"{scheduler}-port",))}
    ):
        assert len({network.ask(VIP, web.port) for _ in range(12)}) > 1


@pytest.mark.parametrize("scheduler", ["dh", "lblc", "lblcr"])
def test_a_destination_hash_sends_all_clients_of_an_address_to_one_server(
    network: Network, scheduler: str
) -> None:
    web = network.fresh_web()
    with network.balancing({web: pool(scheduler, 100, 100, 100)}):
        assert len({network.ask(VIP, web.port, source) for source in SOURCES}) == 1


def test_sh_with_fallback_passes_a_server_of_weight_0_by(network: Network) -> None:
    web = network.fresh_web()
    with network.balancing({web: pool("sh", 1, 1, 1, flags=("sh-fallback",))}):
        own = network.ask(VIP, web.port)
        key = DestinationKey(S[int(own[1])], 8080)
        drained = Destination(Forwarding.NAT, 0)
        network.plane.apply([SetDestination(web, key, drained)])
        assert network.ask(VIP, web.port) != own


def test_two_services_keep_their_own_count(network: Network) -> None:
    keys = (network.fresh_web(), network.fresh_web())
    with network.balancing({key: pool("rr", 1, 1) for key in keys}):
        first = [network.ask(VIP, key.port) for key in keys]
        second = [network.ask(VIP, key.port) for key in keys]
    assert [set(pair) for pair in zip(first, second, strict=True)] == [{"s1", "s2"}] * 2
