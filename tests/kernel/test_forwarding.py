"""Each way of forwarding, with real connections through the kernel's IPVS."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from lvs_engine.ports import Counters, ServiceStatistics
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import RemoveDestination, SetDestination
from lvs_engine.values import Forwarding
from tests.kernel.network import CLIENT, S6, SOURCES, VIP, VIP2, VIP6, D, Network, S

pytestmark = pytest.mark.ipvs

WEB = ServiceKey(4, "tcp", VIP, 80)
MARK = ServiceKey(4, "", "", 0, 21)
RR = Service("rr")
NAT = Destination(Forwarding.NAT, 1)


def servers(
    addresses: dict[int, str], port: int, method: Forwarding = Forwarding.NAT
) -> dict[DestinationKey, Destination]:
    entry = Destination(method, 1)
    return {DestinationKey(address, port): entry for address in addresses.values()}


def asked(network: Network, times: int, *where: object) -> Counter[str]:
    return Counter(network.ask(*where) for _ in range(times))  # type: ignore[arg-type]


def test_nat_reaches_every_server_on_a_port_of_its_own(network: Network) -> None:
    with network.balancing({WEB: Pool(RR, servers(S, 8080))}):
        assert asked(network, 6) == {"s1": 2, "s2": 2, "s3": 2}


@pytest.mark.parametrize("method", [Forwarding.DIRECT, Forwarding.TUNNEL])
def test_direct_routing_and_tunnelling_reach_servers_that_answer_by_themselves(
    network: Network, method: Forwarding
) -> None:
    with network.balancing({WEB: Pool(RR, servers(D, 80, method))}):
        assert asked(network, 4) == {"d1": 2, "d2": 2}


def test_direct_routing_with_another_real_port_is_changed_and_removed_as_named(
    network: Network,
) -> None:
    """KF-30: removal used to name a port that the kernel did not have."""
    key = DestinationKey(D[1], 8080)
    with network.balancing({WEB: Pool(RR, {key: Destination(Forwarding.DIRECT, 1)})}):
        assert network.ask() == "d1"  # on port 80: direct routing rewrites nothing
        drained = Destination(Forwarding.DIRECT, 0)
        assert network.plane.apply([SetDestination(WEB, key, drained)]) == []
        assert network.plane.apply([RemoveDestination(WEB, key)]) == []
        assert network.plane.dump() == {WEB: Pool(RR)}


def test_ipv6_is_balanced(network: Network) -> None:
    key = ServiceKey(6, "tcp", VIP6, 80)
    with network.balancing({key: Pool(RR._replace(netmask=128), servers(S6, 8080))}):
        assert asked(network, 6, VIP6) == {"s1": 2, "s2": 2, "s3": 2}


def test_udp_is_balanced_by_socket(network: Network) -> None:
    key = ServiceKey(4, "udp", VIP, 80)
    with network.balancing({key: Pool(RR, servers(S, 8080))}):
        found = [network.ask_by_datagram(VIP, 80, 2) for _ in range(3)]
    assert sorted(found) == [["s1", "s1"], ["s2", "s2"], ["s3", "s3"]]


def test_one_packet_scheduling_balances_every_datagram(network: Network) -> None:
    key = ServiceKey(4, "udp", VIP, 80)
    service = RR._replace(one_packet=True)
    with network.balancing({key: Pool(service, servers(D, 80, Forwarding.DIRECT))}):
        assert Counter(network.ask_by_datagram(VIP, 80, 4)) == {"d1": 2, "d2": 2}


def test_a_mark_bundles_80_and_443_for_a_persistent_client(network: Network) -> None:
    rules = f"""
        add table ip piranha_test
        add chain ip piranha_test marks {{ type filter hook prerouting priority mangle; }}
        add rule ip piranha_test marks ip daddr {VIP} tcp dport {{ 80, 443 }} meta mark set 21
    """
    network.run("router", "nft", "-f", "-", text=rules)
    table: Table = {MARK: Pool(RR._replace(persistent=300), servers(S, 0))}
    try:
        with network.balancing(table):
            by_client = {
                source: {network.ask(VIP, port, source) for port in (80, 443, 80)}
                for source in SOURCES[:3]
            }
    finally:
        network.run("router", "nft", "delete table ip piranha_test")
    assert all(len(found) == 1 for found in by_client.values())
    assert len({name for found in by_client.values() for name in found}) == 3


def test_persistence_with_a_netmask_keeps_neighbours_together(network: Network) -> None:
    service = RR._replace(persistent=300, netmask=24)
    with network.balancing({WEB: Pool(service, servers(S, 8080))}):
        first, neighbour, other = (network.ask(VIP, 80, s) for s in SOURCES[:3])
        again = [network.ask(VIP, 80, s) for s in SOURCES[:3]]
    assert first == neighbour != other
    assert again == [first, neighbour, other]


def test_without_persistence_one_client_meets_all_servers(network: Network) -> None:
    """The twin of persistence."""
    with network.balancing({WEB: Pool(RR, servers(S, 8080))}):
        assert len(asked(network, 3, VIP, 80, SOURCES[0])) == 3


def test_a_full_server_gets_no_more_until_it_has_room(network: Network) -> None:
    # The kernel remembers a removed server while it has connections: an address that
    # no other test uses has none.
    key = ServiceKey(4, "tcp", VIP2, 8080)
    full, spare = DestinationKey(S[1], 443), DestinationKey(S[2], 443)
    table = {key: Pool(RR, {full: NAT._replace(upper=1)})}
    with network.balancing(table):
        with network.hold(VIP2, 8080) as held:
            assert held.server == "s1"
            with pytest.raises(ConnectionRefusedError):
                network.ask(VIP2, 8080)
        table = {key: Pool(RR, {**table[key].destinations, spare: NAT})}
        assert network.change(table) == []
        assert asked(network, 3, VIP2, 8080) == {"s2": 3}


def test_a_server_of_weight_0_keeps_its_connections_and_gets_no_new_ones(
    network: Network,
) -> None:
    key = network.fresh_web()
    quiet = DestinationKey(S[1], 8080)
    with (
        network.balancing({key: Pool(RR, servers(S, 8080))}),
        network.hold_many(3, key.port),
    ):
        network.plane.apply([SetDestination(key, quiet, NAT._replace(weight=0))])
        assert asked(network, 4, VIP, key.port) == {"s2": 2, "s3": 2}
        found = network.plane.statistics()[key].destinations[quiet]
    assert found.active_connections == 1


def test_statistics_count_what_went_through(network: Network) -> None:
    # Servers that no other test has in this service: the kernel gives one that comes
    # back its old counters.
    busy, idle = ServiceKey(4, "tcp", VIP2, 443), ServiceKey(4, "tcp", VIP2, 81)
    table = {busy: Pool(RR, servers(S, 443)), idle: Pool(RR, servers(S, 443))}
    with network.balancing(table):
        assert network.ask(VIP2, 443, CLIENT)
        found = wait_for_counters(network, busy)
        printed = network.run("router", "ipvsadm", "-Ln", "--stats", "--exact")
    counters = found[busy].counters
    assert counters.connections == 1
    assert sum(d.counters.connections for d in found[busy].destinations.values()) == 1
    assert found[idle].counters == Counters()
    assert printed_counters(printed, f"{VIP2}:443") == counters


def wait_for_counters(
    network: Network, key: ServiceKey
) -> dict[ServiceKey, ServiceStatistics]:
    """The kernel adds up every two seconds; the last packet is the client's FIN."""
    until = time.monotonic() + 20
    before = None
    while time.monotonic() < until:
        found = network.plane.statistics()
        if found[key].counters.connections and found == before:
            return found
        before = found
        time.sleep(2.5)
    raise AssertionError(f"no steady counters: {before}")


def printed_counters(printed: str, service: str) -> Counters:
    line = next(line for line in printed.splitlines() if f" {service} " in line)
    return Counters._make(map(int, line.split()[2:]))
