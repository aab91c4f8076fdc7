"""The table that a configuration and the health of its servers ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.config.model import Cluster, FloatingAddress, RealServer, VirtualServer
from lvs_engine.table.desired import (
    desired,
    destination_key,
    host_names,
    is_address,
    service_keys,
    want,
)
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import diff
from lvs_engine.values import (
    Forwarding,
    HealthState,
    HealthView,
    Protocol,
    Scheduler,
    ServerHealth,
    ServerKey,
    TunnelType,
)

VIP = FloatingAddress("192.0.2.10", "eth0:1")
KEY = ServiceKey(4, "tcp", "192.0.2.10", 80)
UP = ServerHealth(HealthState.UP)
DOWN = ServerHealth(HealthState.DOWN)
A = RealServer("a", "10.0.0.1", active=True)
B = RealServer("b", "10.0.0.2", active=True, weight=3)
WEB = VirtualServer("web", active=True, address=VIP, servers=(A, B))


def health(**states: ServerHealth) -> HealthView:
    """Health of the servers of `web`."""
    return HealthView({ServerKey("web", k): s for k, s in states.items()})


def table(virtual: VirtualServer, view: HealthView, **of_cluster: object) -> Table:
    cluster = replace(Cluster(virtuals=(virtual,)), **of_cluster)  # type: ignore[arg-type]
    return desired(cluster, view, {})


def nat(weight: int) -> Destination:
    return Destination(Forwarding.NAT, weight)


def test_servers_that_are_up_take_traffic_with_their_weight() -> None:
    pool = table(WEB, health(a=UP, b=UP))[KEY]
    assert pool.service == Service("wlc")
    assert pool.destinations == {
        DestinationKey("10.0.0.1", 80): nat(1),
        DestinationKey("10.0.0.2", 80): nat(3),
    }


def test_an_unchecked_server_takes_none_until_its_first_success() -> None:
    assert list(table(WEB, health(b=UP))[KEY].destinations) == [("10.0.0.2", 80)]


def test_a_failed_server_leaves_and_its_service_stays() -> None:
    assert table(WEB, health(a=DOWN, b=DOWN))[KEY].destinations == {}


def test_a_failed_server_of_a_quiesced_service_stays_with_weight_0() -> None:
    quiesced = replace(WEB, quiesce_server=True)
    assert table(quiesced, health(a=DOWN, b=UP))[KEY].destinations == {
        DestinationKey("10.0.0.1", 80): nat(0),
        DestinationKey("10.0.0.2", 80): nat(3),
    }


def test_a_server_that_never_was_up_is_not_quiesced() -> None:
    quiesced = replace(WEB, quiesce_server=True)
    assert list(table(quiesced, health(b=UP))[KEY].destinations) == [("10.0.0.2", 80)]


def test_what_is_not_active_is_not_in_the_table() -> None:
    assert table(replace(WEB, active=False), health(a=UP)) == {}
    resting = replace(WEB, servers=(replace(A, active=False), B))
    assert list(table(resting, health(a=UP, b=UP))[KEY].destinations) == [
        ("10.0.0.2", 80)
    ]


def test_weight_0_stays_0() -> None:
    drained = replace(WEB, servers=(replace(A, weight=0),))
    assert table(drained, health(a=UP))[KEY].destinations == {("10.0.0.1", 80): nat(0)}


@pytest.mark.parametrize(
    ("view", "weight", "stands_in"),
    [
        (health(a=UP), 1, False),
        (health(a=DOWN), 1, True),
        (health(), 1, True),
        (health(a=UP), 0, True),
    ],
)
def test_the_sorry_server_stands_in_when_nobody_can(
    view: HealthView, weight: int, stands_in: bool
) -> None:
    virtual = replace(
        WEB, sorry_server="10.0.0.9", servers=(replace(A, weight=weight),)
    )
    found = table(virtual, view)[KEY].destinations.get(DestinationKey("10.0.0.9", 80))
    assert found == (nat(1) if stands_in else None)


def test_the_sorry_server_is_reached_by_the_method_of_the_file() -> None:
    virtual = replace(WEB, sorry_server="10.0.0.9", servers=())
    assert table(virtual, health(), network=Forwarding.DIRECT)[KEY].destinations == {
        DestinationKey("10.0.0.9", 80): Destination(Forwarding.DIRECT, 1)
    }


def test_only_nat_changes_the_port() -> None:
    other = replace(WEB, servers=(replace(A, port=8080),))
    for network, port in (
        (Forwarding.NAT, 8080),
        (Forwarding.DIRECT, 80),
        (Forwarding.TUNNEL, 80),
    ):
        (key,) = table(other, health(a=UP), network=network)[KEY].destinations
        assert key == ("10.0.0.1", port)


def test_a_server_may_have_its_own_method_and_tunnel() -> None:
    tunnelled = replace(
        A,
        forwarding=Forwarding.TUNNEL,
        tunnel_type=TunnelType.GUE,
        tunnel_port=6080,
        tunnel_checksum="csum",
        upper_threshold=50,
        lower_threshold=10,
    )
    pool = table(replace(WEB, servers=(tunnelled, B)), health(a=UP, b=UP))[KEY]
    assert pool.destinations[DestinationKey("10.0.0.1", 80)] == Destination(
        Forwarding.TUNNEL, 1, 50, 10, TunnelType.GUE, 6080, "csum"
    )
    assert pool.destinations[DestinationKey("10.0.0.2", 80)] == nat(3)


def test_tunnel_words_mean_nothing_without_a_tunnel() -> None:
    plain = replace(
        A, tunnel_type=TunnelType.GRE, tunnel_port=9, tunnel_checksum="csum"
    )
    pool = table(replace(WEB, servers=(plain,)), health(a=UP))[KEY]
    assert pool.destinations == {("10.0.0.1", 80): nat(1)}


def test_every_address_is_served_on_every_port() -> None:
    wide = replace(
        WEB,
        extra_addresses=(
            FloatingAddress("2001:db8::10"),
            FloatingAddress("192.0.2.10"),
        ),
        extra_ports=(443, 80),
        servers=(replace(A, address="10.0.0.1"),),
    )
    got = table(wide, health(a=UP))
    assert list(got) == [
        KEY,
        (4, "tcp", "192.0.2.10", 443, 0),
        (6, "tcp", "2001:db8::10", 80, 0),
        (6, "tcp", "2001:db8::10", 443, 0),
    ]
    for key, pool in got.items():
        assert list(pool.destinations) == [("10.0.0.1", key.port)]


def test_a_mark_takes_its_family_from_the_address() -> None:
    marked = replace(WEB, fwmark=21)
    assert service_keys(marked, {}) == ((4, "", "", 0, 21),)
    six = replace(marked, address=FloatingAddress("2001:db8::10"))
    assert service_keys(six, {}) == ((6, "", "", 0, 21),)
    both = replace(marked, extra_addresses=(FloatingAddress("2001:db8::10"),))
    assert service_keys(both, {}) == ((4, "", "", 0, 21), (6, "", "", 0, 21))
    assert service_keys(replace(marked, address=None), {}) == ((4, "", "", 0, 21),)


def test_a_mark_keeps_the_port_of_the_packet_unless_the_file_says_one() -> None:
    bundle = replace(WEB, fwmark=21, servers=(A, replace(B, port=8080)))
    (pool,) = table(bundle, health(a=UP, b=UP)).values()
    assert list(pool.destinations) == [("10.0.0.1", 0), ("10.0.0.2", 8080)]


def test_persistence_brings_mask_and_engine() -> None:
    sticky = replace(
        WEB,
        persistent=300,
        pmask=24,
        persistence_engine="sip",
        protocol=Protocol.UDP,
        one_packet=True,
    )
    (pool,) = table(sticky, health()).values()
    assert pool.service == Service("wlc", (), 300, 24, "sip", True)
    (pool,) = table(replace(sticky, persistent=0), health()).values()
    assert pool.service == Service("wlc", (), 0, 32, "", True)


def test_an_ipv6_service_groups_by_128_bits_unless_told() -> None:
    six = replace(WEB, address=FloatingAddress("2001:db8::10"), persistent=60)
    (pool,) = table(six, health()).values()
    assert pool.service.netmask == 128
    (pool,) = table(replace(six, pmask=64), health()).values()
    assert pool.service.netmask == 64


def test_flags_of_another_scheduler_are_left_out() -> None:
    hashed = replace(
        WEB,
        scheduler=Scheduler.SH,
        scheduler_flags=("sh-port", "mh-port", "sh-fallback"),
    )
    (pool,) = table(hashed, health()).values()
    assert pool.service == Service("sh", ("sh-fallback", "sh-port"))


def test_the_first_of_two_virtual_servers_with_one_address_wins() -> None:
    twin = VirtualServer("twin", active=True, address=VIP, scheduler=Scheduler.RR)
    wanted = want(Cluster(virtuals=(WEB, twin)), health(a=UP), {})
    assert wanted.table == table(WEB, health(a=UP))
    assert wanted.problems == (
        "virtual twin: 192.0.2.10:80 tcp belongs to virtual web already; left out",
    )


def test_the_first_of_two_servers_in_one_place_wins_whatever_its_health() -> None:
    twins = replace(WEB, servers=(A, replace(A, weight=9)))
    view = HealthView({ServerKey("web", "a#2"): UP, ServerKey("web", "a"): DOWN})
    wanted = want(Cluster(virtuals=(twins,)), view, {})
    assert wanted.table[KEY].destinations == {}
    assert wanted.problems == (
        "virtual web, server a#2: 10.0.0.1:80 belongs to server a already; left out",
    )


def test_names_are_resolved_and_one_without_address_is_reported() -> None:
    named = replace(
        WEB,
        address=FloatingAddress("www.example", "eth0:1"),
        sorry_server="sorry.example",
        servers=(replace(A, address="app1"), replace(B, address="app2")),
    )
    cluster = Cluster(virtuals=(named,))
    assert host_names(cluster) == {"www.example", "app1", "app2", "sorry.example"}
    names = {"www.example": "192.0.2.10", "app1": "10.0.0.1"}
    wanted = want(cluster, health(b=UP), names)
    assert wanted.table == {KEY: table(replace(WEB, servers=()), health())[KEY]}
    assert wanted.problems == (
        "virtual web, server b: app2 has no address now; left out",
        "virtual web: sorry server sorry.example has no address now; left out",
    )
    assert want(cluster, health(), {}).problems == (
        "virtual web: www.example has no address now; left out",
    )


@pytest.mark.parametrize("address", [None, FloatingAddress("0.0.0.0")])
def test_a_virtual_server_without_address_is_left_out(
    address: FloatingAddress | None,
) -> None:
    wanted = want(Cluster(virtuals=(replace(WEB, address=address),)), health(), {})
    assert wanted.table == {}
    assert wanted.problems == ("virtual web: it has no address; left out",)


def test_a_name_is_told_from_an_address() -> None:
    assert all(map(is_address, ("192.0.2.1", "2001:db8::1", "::")))
    assert not any(map(is_address, ("app1", "10.example", "localhost")))


def test_the_place_of_a_server_is_where_the_table_has_it() -> None:
    cluster = Cluster(virtuals=(WEB,))
    assert destination_key(cluster, B, KEY, {}) == ("10.0.0.2", 80)
    assert destination_key(cluster, replace(B, address="app"), KEY, {}) is None


_SERVERS = st.builds(
    RealServer,
    name=st.sampled_from("ab"),
    address=st.sampled_from(["10.0.0.1", "10.0.0.2", "app", "2001:db8::1"]),
    active=st.booleans(),
    port=st.sampled_from([None, 80, 81]),
    weight=st.sampled_from([0, 1, 5]),
    forwarding=st.sampled_from([None, *Forwarding]),
)
_VIRTUALS = st.builds(
    VirtualServer,
    name=st.sampled_from("vw"),
    active=st.booleans(),
    address=st.sampled_from([None, VIP, FloatingAddress("2001:db8::10")]),
    port=st.sampled_from([0, 80]),
    fwmark=st.sampled_from([0, 0, 1]),
    persistent=st.sampled_from([0, 60]),
    pmask=st.sampled_from([None, 24, 64]),
    quiesce_server=st.booleans(),
    sorry_server=st.sampled_from([None, "10.0.0.1", "10.0.0.9", "app"]),
    extra_ports=st.sampled_from([(), (80, 443)]),
    servers=st.lists(_SERVERS, max_size=3).map(tuple),
)
_CLUSTERS = st.builds(
    Cluster,
    network=st.sampled_from(Forwarding),
    virtuals=st.lists(_VIRTUALS, max_size=3).map(tuple),
)
_VIEWS = st.dictionaries(
    st.builds(
        ServerKey,
        st.sampled_from(["v", "w", "v#2"]),
        st.sampled_from(["a", "b", "a#2"]),
    ),
    st.sampled_from([UP, DOWN]),
).map(HealthView)


@given(_CLUSTERS, _VIEWS)
def test_the_same_question_has_the_same_answer(
    cluster: Cluster, view: HealthView
) -> None:
    assert diff(desired(cluster, view, {}), desired(cluster, view, {})) == []


@given(_CLUSTERS, _VIEWS)
def test_weight_comes_only_from_servers_that_are_up(
    cluster: Cluster, view: HealthView
) -> None:
    nobody = HealthView(dict.fromkeys(view.servers, DOWN))
    sorry = {v.sorry_server for v in cluster.virtuals}
    for pool in desired(cluster, nobody, {}).values():
        for key, destination in pool.destinations.items():
            assert destination.weight == 0 or key.address in sorry


@given(_CLUSTERS, _VIEWS)
def test_a_server_that_comes_up_changes_no_service_and_removes_no_server(
    cluster: Cluster, view: HealthView
) -> None:
    quiet = replace(
        cluster, virtuals=tuple(replace(v, sorry_server=None) for v in cluster.virtuals)
    )
    before = desired(quiet, view, {})
    after = desired(quiet, HealthView(dict.fromkeys(view.servers, UP)), {})
    assert {k: p.service for k, p in before.items()} == {
        k: p.service for k, p in after.items()
    }
    for key, pool in before.items():
        assert set(pool.destinations) <= set(after[key].destinations)
