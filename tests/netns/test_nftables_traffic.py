"""The nftables plane with real clients and real servers: who gets which connection."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvs_engine.ports import Timeouts
from lvs_engine.table.model import Pool, Service, ServiceKey
from tests.netns.lab import (
    CLIENTS,
    VIP,
    VIP6,
    Lab,
    ask_udp,
    echo,
    greeting,
    nat,
    pool,
    running_lab,
    server,
    server6,
)

pytestmark = pytest.mark.netns

WEB = ServiceKey(4, "tcp", VIP, 80)
DNS = ServiceKey(4, "udp", VIP, 53)
WEB6 = ServiceKey(6, "tcp", VIP6, 80)
MARKED = ServiceKey(4, "", "", 0, 21)


@pytest.fixture(scope="module")
def network() -> Iterator[Lab]:
    with running_lab() as lab:
        yield lab


@pytest.fixture
def lab(network: Lab) -> Iterator[Lab]:
    yield network
    network.reset()


def test_round_robin_takes_turns_whatever_the_weights(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr"), {1: 1, 2: 5, 3: 1})})
    first = [lab.ask() for _ in range(3)]
    assert sorted(first) == ["s1", "s2", "s3"]
    assert [lab.ask() for _ in range(6)] == first + first


def test_weighted_round_robin_meets_the_weights_exactly(lab: Lab) -> None:
    lab.load({WEB: pool(Service("wrr"), {1: 3, 2: 2, 3: 1})})
    assert lab.spread(24) == {"s1": 12, "s2": 8, "s3": 4}


def test_another_weight_counts_from_the_next_connection_on(lab: Lab) -> None:
    lab.load({WEB: pool(Service("wrr"), {1: 1, 2: 1})})
    assert lab.spread(8) == {"s1": 4, "s2": 4}
    lab.load({WEB: pool(Service("wrr"), {1: 3, 2: 1})})
    assert lab.spread(8) == {"s1": 6, "s2": 2}


def test_failover_scheduling_uses_the_heaviest_alone(lab: Lab) -> None:
    lab.load({WEB: pool(Service("fo"), {1: 1, 2: 9, 3: 5})})
    assert lab.spread(5) == {"s2": 5}
    lab.load({WEB: pool(Service("fo"), {1: 1, 3: 5})})
    assert lab.spread(5) == {"s3": 5}


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_source_hashing_keeps_a_client_on_its_server(lab: Lab, scheduler: str) -> None:
    lab.load({WEB: pool(Service(scheduler), {1: 1, 2: 1, 3: 1})})
    home = {client: lab.ask(source=client) for client in CLIENTS}
    assert set(home.values()) == {"s1", "s2", "s3"}
    assert {client: lab.ask(source=client) for client in CLIENTS} == home
    lab.load({WEB: pool(Service(scheduler), {1: 1, 2: 1})})
    after = {client: lab.ask(source=client) for client in CLIENTS}
    assert set(after.values()) == {"s1", "s2"}
    staying = [client for client in CLIENTS if home[client] != "s3"]
    kept = sum(after[client] == home[client] for client in staying)
    assert kept >= 0.8 * len(staying)


def test_source_hashing_with_ports_spreads_one_client(lab: Lab) -> None:
    lab.load({WEB: pool(Service("sh", ("sh-port",)), {1: 1, 2: 1, 3: 1})})
    assert len(lab.spread(20)) > 1


def test_destination_hashing_sends_all_clients_of_an_address_to_one(lab: Lab) -> None:
    lab.load({WEB: pool(Service("dh"), {1: 1, 2: 1, 3: 1})})
    assert len({lab.ask(source=client) for client in CLIENTS[:8]}) == 1


def test_least_connections_turns_away_from_a_busy_server(lab: Lab) -> None:
    lab.load({WEB: pool(Service("wlc"), {1: 1})})
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            greeting(stack.enter_context(lab.connect()))
        lab.load({WEB: pool(Service("wlc"), {1: 1, 2: 1})})
        lab.rebalance()
        assert lab.spread(20)["s1"] <= 2
        # The new shares are no change of the table that was asked for.
        assert lab.dump() == {WEB: pool(Service("wlc"), {1: 1, 2: 1})}


def test_a_server_at_its_upper_threshold_gets_no_more(lab: Lab) -> None:
    limited = Pool(Service("rr"), {server(1): nat(1, upper=2), server(2): nat()})
    lab.load({WEB: limited})
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            greeting(stack.enter_context(lab.connect()))
        lab.rebalance()
        assert lab.spread(6) == {"s2": 6}


def test_persistence_groups_clients_by_netmask_and_expires(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr", (), 2, 24), {1: 1, 2: 1, 3: 1})})
    first = lab.ask(source="198.51.100.1")
    assert {lab.ask(source=client) for client in CLIENTS[:6]} == {first}
    assert lab.ask(source="203.0.113.1") != first
    time.sleep(2.6)
    assert lab.ask(source="198.51.100.1") != first


def test_a_persistent_client_leaves_a_drained_server_and_does_not_return(
    lab: Lab,
) -> None:
    persistent = Service("rr", (), 300)
    lab.load({WEB: pool(persistent, {1: 1, 2: 1})})
    first = lab.ask()
    number = int(first[1])
    lab.load({WEB: pool(persistent, {1: 1, 2: 1, number: 0})})
    second = lab.ask()
    assert second != first
    lab.load({WEB: pool(persistent, {1: 1, 2: 1})})
    assert {lab.ask() for _ in range(4)} == {second}


def test_a_mark_bundles_ports_that_persist_together(lab: Lab) -> None:
    lab.nft(
        "add table ip admin; add chain ip admin marks "
        "{ type filter hook prerouting priority mangle; }; "
        f"add rule ip admin marks ip daddr {VIP} tcp dport {{ 80, 443 }} meta mark set 21"
    )
    lab.load({MARKED: pool(Service("rr", (), 300), {1: 1, 2: 1, 3: 1}, port=80)})
    home = {client: lab.ask(80, source=client) for client in CLIENTS[:6]}
    assert set(home.values()) == {"s1", "s2", "s3"}
    assert {client: lab.ask(443, source=client) for client in CLIENTS[:6]} == home
    statistics = lab.on_router(lab.plane.statistics)[MARKED]
    assert statistics.counters.connections == 12
    assert statistics.counters.packets_out >= 12
    with pytest.raises(ConnectionRefusedError):
        lab.ask(8080)


def test_a_service_for_all_ports_keeps_the_port(lab: Lab) -> None:
    anything = ServiceKey(4, "tcp", VIP, 0)
    lab.load({anything: pool(Service("rr", (), 300), {1: 1, 2: 1}, port=0)})
    assert len({lab.ask(80), lab.ask(443), lab.ask(8080)}) == 1
    with pytest.raises(ConnectionRefusedError):  # by the real server
        lab.ask(8081)


def test_a_quiesced_server_keeps_its_connections_and_gets_no_new_ones(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr"), {1: 1, 2: 0})})
    with lab.connect() as old:
        assert greeting(old)[0] == "s1"
        lab.load({WEB: pool(Service("rr"), {1: 0, 2: 1})})
        assert lab.spread(6) == {"s2": 6}
        assert echo(old) == b"still here"


def test_a_removed_server_gets_nothing_and_its_clients_learn_it(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr"), {1: 1})})
    with lab.connect() as old:
        assert greeting(old)[0] == "s1"
        lab.load({WEB: pool(Service("rr"), {2: 1})})
        assert lab.spread(4) == {"s2": 4}
        old.sendall(b"hello?")
        with pytest.raises(ConnectionResetError):
            old.recv(100)


def test_connections_of_other_servers_survive_a_removal(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr"), {1: 1})})
    with lab.connect() as old:
        assert greeting(old)[0] == "s1"
        lab.load({WEB: pool(Service("rr"), {1: 1, 2: 1})})
        lab.load({WEB: pool(Service("wrr"), {1: 4})})
        assert echo(old) == b"still here"


def test_a_udp_client_with_a_constant_port_leaves_a_removed_server(lab: Lab) -> None:
    lab.load({DNS: pool(Service("rr"), {1: 1}, port=53)})
    with lab.udp_client() as client:
        assert ask_udp(client) == "s1"
        lab.load({DNS: pool(Service("rr"), {2: 1}, port=53)})
        assert ask_udp(client) == "s2"


def test_a_udp_client_that_was_too_early_is_served_later(lab: Lab) -> None:
    with lab.udp_client() as client:
        client.send(b"nobody there yet")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
        lab.load({DNS: pool(Service("rr"), {}, port=53)})
        client.send(b"no server yet")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
        lab.load({DNS: pool(Service("rr"), {3: 1}, port=53)})
        assert ask_udp(client) == "s3"


def test_ipv6_is_balanced_too(lab: Lab) -> None:
    servers = {server6(1): nat(2), server6(2): nat(1)}
    lab.load({WEB6: Pool(Service("wrr", (), 0, 128), servers)})
    assert lab.spread(6, vip=VIP6) == {"s1": 4, "s2": 2}
    assert lab.ask(vip=VIP6, node="router") in ("s1", "s2")
    assert lab.on_router(lab.plane.statistics)[WEB6].counters.connections == 7
    lab.load({WEB6: Pool(Service("wrr", (), 0, 128))})
    with pytest.raises(ConnectionRefusedError):
        lab.ask(vip=VIP6)


def test_ipv6_persistence_groups_by_prefix(lab: Lab) -> None:
    servers = {server6(1): nat(), server6(2): nat()}
    lab.load({WEB6: Pool(Service("rr", (), 300, 64), servers)})
    assert len(lab.spread(6, vip=VIP6)) == 1


def test_the_router_is_a_client_too(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr"), {1: 1, 2: 1})})
    assert {lab.ask(node="router") for _ in range(4)} == {"s1", "s2"}


def test_a_real_server_sees_the_address_of_the_client(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr"), {1: 1})})
    with lab.connect(source="198.51.100.7") as connection:
        assert greeting(connection) == ("s1", "198.51.100.7")


def test_a_service_without_servers_refuses_at_once(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr"), {1: 0}), DNS: pool(Service("rr"), {})})

    def daemon() -> socket.socket:
        return socket.create_server(("0.0.0.0", 80))

    # Not even a daemon of the router answers in its place.
    with lab.on_router(daemon):
        began = time.monotonic()
        with pytest.raises(ConnectionRefusedError):
            lab.ask()
        with pytest.raises(ConnectionRefusedError):
            lab.ask(node="router")
        with lab.udp_client() as client, pytest.raises(ConnectionRefusedError):
            ask_udp(client)
        assert time.monotonic() - began < 1.0


def test_counters_and_live_connections_are_those_that_were_made(lab: Lab) -> None:
    lab.load({WEB: pool(Service("wrr"), {1: 2, 2: 1})})
    lab.spread(6)
    with lab.connect() as held:
        greeting(held)
        statistics = lab.on_router(lab.plane.statistics)[WEB]
        one, two = (statistics.destinations[server(n)] for n in (1, 2))
        assert (one.counters.connections, two.counters.connections) == (5, 2)
        assert (one.active_connections, two.active_connections) == (1, 0)
        assert (one.inactive_connections, two.inactive_connections) == (4, 2)
        total = statistics.counters
        assert total.connections == 7
        sums = [a + b for a, b in zip(one.counters, two.counters, strict=True)]
        assert list(total) == sums
        # SYN, ACK, FIN and more each way; the greeting is in bytes_out.
        assert total.packets_in >= 3 * 7 - 1 and total.packets_out >= 3 * 7 - 1
        assert total.bytes_out > total.packets_out * 40


def test_totals_of_a_service_outlive_a_removed_server(lab: Lab) -> None:
    lab.load({WEB: pool(Service("rr"), {1: 1, 2: 1})})
    lab.spread(4)
    before = lab.on_router(lab.plane.statistics)[WEB].counters
    lab.load({WEB: pool(Service("rr"), {2: 1})})
    after = lab.on_router(lab.plane.statistics)[WEB]
    assert after.counters.connections == before.connections == 4
    assert list(after.destinations) == [server(2)]
    assert after.destinations[server(2)].counters.connections == 2


def test_timeouts_are_given_to_our_connections_only(lab: Lab) -> None:
    lab.on_router(lambda: lab.plane.set_timeouts(Timeouts(tcp=77, udp=33)))
    lab.load({WEB: pool(Service("rr"), {1: 1}), DNS: pool(Service("rr"), {1: 1}, 53)})
    with lab.connect() as ours, lab.udp_client() as client:
        greeting(ours)
        ask_udp(client)
        seconds = {
            line.split()[2]: int(line.split()[4])
            for line in lab.on_router(
                Path("/proc/thread-self/net/nf_conntrack").read_text
            ).splitlines()
            if f"dst={VIP}" in line
        }
    assert 70 <= seconds["tcp"] <= 77 and 28 <= seconds["udp"] <= 33
    lab.on_router(lambda: lab.plane.set_timeouts(Timeouts(tcpfin=5)))
    assert lab.on_router(lab.plane.timeouts) == Timeouts(77, 5, 33)
