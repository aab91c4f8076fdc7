"""Changes between two tables; drawn from alphabets so small that collisions are common."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.adapters.memory import MemoryPlane
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
    diff,
)
from lvs_engine.values import Forwarding

WEB = ServiceKey(4, "tcp", "192.0.2.10", 80)
MARK = ServiceKey(4, "", "", 0, 21)
A = DestinationKey("10.0.0.1", 80)
B = DestinationKey("10.0.0.2", 80)
C = DestinationKey("10.0.0.3", 80)

keys = st.sampled_from([WEB, WEB._replace(port=443), MARK, MARK._replace(fwmark=22)])
services = st.builds(
    Service,
    st.sampled_from(["rr", "wlc"]),
    st.just(()),
    persistent=st.sampled_from([0, 300]),
    netmask=st.sampled_from([24, 32]),
    persistence_engine=st.just(""),
    one_packet=st.booleans(),
)
destinations = st.sampled_from(
    [Destination(f, w) for f in (Forwarding.NAT, Forwarding.DIRECT) for w in (0, 1)]
)
pools = st.builds(
    Pool,
    services,
    st.dictionaries(st.sampled_from([A, B, C]), destinations, max_size=3),
)
tables = st.dictionaries(keys, pools, max_size=3)


def nat(weight: int) -> Destination:
    return Destination(Forwarding.NAT, weight)


def web(**weights: int) -> Table:
    """The web service with destinations a, b, c by their weights."""
    names = {"a": A, "b": B, "c": C}
    held = {names[name]: nat(weight) for name, weight in weights.items()}
    return {WEB: Pool(Service("wlc"), held)}


def live(table: Table, key: ServiceKey) -> int:
    pool = table.get(key)
    return sum(d.weight > 0 for d in pool.destinations.values()) if pool else 0


def tables_on_the_way(current: Table, changes: Sequence[Change]) -> list[Table]:
    plane = MemoryPlane(current)
    found = []
    for change in changes:
        assert plane.apply([change]) == []
        found.append(plane.dump())
    return found


@given(tables, tables)
def test_the_changes_lead_from_the_one_table_to_the_other(
    current: Table, desired: Table
) -> None:
    plane = MemoryPlane(current)
    assert plane.apply(diff(current, desired)) == []
    assert plane.dump() == desired


@given(tables, tables)
def test_without_one_of_its_changes_the_plan_falls_short(
    current: Table, desired: Table
) -> None:
    """The twin: no change is there for show."""
    changes = diff(current, desired)
    for left_out in range(len(changes)):
        plane = MemoryPlane(current)
        plane.apply(changes[:left_out] + changes[left_out + 1 :])
        assert plane.dump() != desired


@given(tables)
def test_equal_tables_need_no_change(table: Table) -> None:
    copy = {key: Pool(p.service, dict(p.destinations)) for key, p in table.items()}
    assert diff(table, copy) == []


@given(tables, tables)
def test_no_table_on_the_way_has_fewer_live_destinations_than_both_ends(
    current: Table, desired: Table
) -> None:
    for table in tables_on_the_way(current, diff(current, desired)):
        for key in current.keys() & desired.keys():
            least = min(live(current, key), live(desired, key))
            assert live(table, key) >= least


def test_the_other_server_is_raised_before_one_is_drained() -> None:
    assert diff(web(a=1, b=0), web(a=0, b=1)) == [
        SetDestination(WEB, B, nat(1)),
        SetDestination(WEB, A, nat(0)),
    ]


def test_the_new_server_is_there_before_the_old_one_goes() -> None:
    assert diff(web(a=1), web(b=1)) == [
        AddDestination(WEB, B, nat(1)),
        RemoveDestination(WEB, A),
    ]


@given(tables, tables, st.sets(keys))
def test_a_foreign_service_is_never_touched(
    current: Table, desired: Table, owned: set[ServiceKey]
) -> None:
    """KF-53: lvsd used to flush the table with everything that others had in it."""
    plane = MemoryPlane(current)
    plane.apply(diff(current, desired, owned))
    foreign = current.keys() - desired.keys() - owned
    assert all(plane.dump()[key] == current[key] for key in foreign)
    assert plane.dump().keys() == desired.keys() | foreign


def test_an_owned_service_that_is_no_longer_wanted_goes() -> None:
    assert diff(web(a=1), {}, owned={WEB}) == [RemoveService(WEB)]
    assert diff(web(a=1), {}, owned=()) == []


def test_removing_one_server_touches_nothing_else() -> None:
    """KF-1: it used to delete the whole virtual service."""
    assert diff(web(a=1, b=2, c=3), web(a=1, c=3)) == [RemoveDestination(WEB, B)]


def test_another_order_of_the_same_servers_is_no_change() -> None:
    """KF-1: pairs were compared by their place in the list."""
    both = {**web(a=1, b=2), MARK: Pool(Service("rr"))}
    turned = {MARK: Pool(Service("rr")), **web(b=2, a=1)}
    assert diff(both, turned) == []


def test_changed_scheduler_persistence_and_weight_are_applied() -> None:
    """KF-54: a reload used to overlook them."""
    wanted = {WEB: Pool(Service("rr", (), 300, 24), {A: nat(5)})}
    assert diff(web(a=1), wanted) == [
        SetService(WEB, Service("rr", (), 300, 24)),
        SetDestination(WEB, A, nat(5)),
    ]


def test_another_mark_is_another_service() -> None:
    """KF-55: the mark was no part of what tells services apart."""
    other = MARK._replace(fwmark=22)
    pool = Pool(Service("wlc"))
    assert diff({MARK: pool}, {other: pool}) == [
        AddService(other, Service("wlc")),
        RemoveService(MARK),
    ]


def test_what_a_killed_lvsd_left_is_adopted_without_a_change() -> None:
    """KF-59: services outlived a killed lvsd and were flushed by the next."""
    assert diff(web(a=1, b=1), web(a=1, b=1), owned=()) == []
    assert diff(web(a=1, b=1), web(a=1), owned=()) == [RemoveDestination(WEB, B)]
