"""One suite for all data planes: what one of them promises, each of them keeps.

`memory` runs everywhere, nftables in a namespace of this host, ipvs where the kernel
has it (`python -m tests.guest` where it has not). The tables here stay within what all
can do: NAT, and schedulers that no plane approximates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from lvs_engine.adapters.memory import MemoryPlane
from lvs_engine.daemons.planes import choose
from lvs_engine.errors import KernelUnavailableError
from lvs_engine.ports import DataPlane, Timeouts
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
    Refusal,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
    diff,
)
from lvs_engine.values import Forwarding
from tests.fix_net import no_namespaces, resident

T = TypeVar("T")

WEB = ServiceKey(4, "tcp", "192.0.2.10", 80)
TLS = WEB._replace(port=443)
DNS = ServiceKey(4, "udp", "192.0.2.10", 53)
WEB6 = ServiceKey(6, "tcp", "2001:db8::10", 80)
MARK = ServiceKey(4, "", "", 0, 21)
A = DestinationKey("10.0.0.1", 8080)
B = DestinationKey("10.0.0.2", 8080)
A6 = DestinationKey("2001:db8:1::1", 8080)
RR = Service("rr")
ONE = Destination(Forwarding.NAT, 1)

EVERYTHING: Table = {
    WEB: Pool(RR, {A: ONE, B: Destination(Forwarding.NAT, 0)}),
    TLS: Pool(Service("wrr", (), 300, 24), {A: Destination(Forwarding.NAT, 65535)}),
    DNS: Pool(Service("sh"), {A._replace(port=53): ONE}),
    WEB6: Pool(Service("wrr", (), 60, 64), {A6: ONE}),
    MARK: Pool(Service("rr", (), 86400, 32), {A: ONE, B: ONE}),
}


class Plane:
    """A data plane whose calls are all made in one thread, inside a namespace."""

    def __init__(self, plane: DataPlane, worker: ThreadPoolExecutor | None) -> None:
        self.plane = plane
        self._worker = worker

    @property
    def name(self) -> str:
        return self.plane.name

    def dump(self) -> Table:
        return self.call(self.plane.dump)

    def apply(self, *changes: Change) -> list[Refusal]:
        return self.call(lambda: self.plane.apply(changes))

    def refusals(self, *changes: Change) -> list[tuple[Change, str]]:
        """Each refused change with the kernel's name for the reason."""
        found = self.apply(*changes)
        assert all(len(refusal.message) > 10 for refusal in found)
        return [(refusal.change, refusal.errno) for refusal in found]

    def call(self, function: Callable[[], T]) -> T:
        if self._worker is None:
            return function()
        return self._worker.submit(function).result()


@pytest.fixture(
    params=[
        "memory",
        pytest.param("nftables", marks=pytest.mark.netns),
        pytest.param("ipvs", marks=pytest.mark.ipvs),
    ]
)
def plane(request: pytest.FixtureRequest) -> Iterator[Plane]:
    if request.param == "memory":
        yield Plane(MemoryPlane(), None)
        return
    if reason := no_namespaces():
        pytest.skip(reason)
    namespace = request.getfixturevalue("namespace")
    with resident(namespace) as worker:
        try:
            made = worker.submit(choose, request.param).result()
        except KernelUnavailableError as error:
            pytest.skip(str(error))
        yield Plane(made, worker)
        made.close()


def test_a_fresh_plane_is_empty(plane: Plane) -> None:
    assert plane.dump() == {}


def test_a_table_comes_back_as_it_was_loaded(plane: Plane) -> None:
    assert plane.apply(*diff({}, EVERYTHING)) == []
    assert plane.dump() == EVERYTHING


def test_a_table_of_everything_is_supported(plane: Plane) -> None:
    assert plane.call(lambda: plane.plane.unsupported(EVERYTHING)) == []


def test_a_second_start_on_the_same_table_changes_nothing(plane: Plane) -> None:
    """KF-59: what a killed lvsd left is taken over. KF-53: it is not flushed."""
    plane.apply(*diff({}, EVERYTHING))
    assert diff(plane.dump(), EVERYTHING, owned=()) == []


def test_removing_one_server_leaves_the_others(plane: Plane) -> None:
    """KF-1: the whole service used to go."""
    plane.apply(*diff({}, EVERYTHING))
    assert plane.apply(RemoveDestination(WEB, B)) == []
    assert plane.dump() == {**EVERYTHING, WEB: Pool(RR, {A: ONE})}


def test_scheduler_persistence_and_weight_change_in_place(plane: Plane) -> None:
    """KF-54: a reload used to overlook them."""
    plane.apply(*diff({}, EVERYTHING))
    service = Service("wrr", (), 120, 16)
    heavy = Destination(Forwarding.NAT, 7)
    assert plane.apply(SetService(WEB, service), SetDestination(WEB, A, heavy)) == []
    drained = Destination(Forwarding.NAT, 0)
    assert plane.dump()[WEB] == Pool(service, {A: heavy, B: drained})


def test_a_mark_tells_services_apart(plane: Plane) -> None:
    """KF-55: it was no part of what a service is known by."""
    other = MARK._replace(fwmark=4_294_967_295)
    plane.apply(*diff({}, {MARK: Pool(RR, {A: ONE}), other: Pool(RR, {B: ONE})}))
    assert plane.apply(RemoveService(MARK)) == []
    assert plane.dump() == {other: Pool(RR, {B: ONE})}


def test_a_long_persistence_is_kept_to_the_second(plane: Plane) -> None:
    """KF-57: it was printed into ten bytes."""
    month = Service("rr", (), 2_678_400)
    assert plane.apply(AddService(WEB, month), AddDestination(WEB, A, ONE)) == []
    assert plane.dump()[WEB].service == month


def test_a_persistence_that_the_kernel_would_shorten_is_refused(plane: Plane) -> None:
    """KF-57: in the kernel 20,000,000 s silently become 2,820,130."""
    change = AddService(WEB, Service("rr", (), 20_000_000))
    assert plane.refusals(change) == [(change, "ERANGE")]
    assert plane.dump() == {}


def test_what_is_there_is_not_added_again(plane: Plane) -> None:
    plane.apply(*diff({}, EVERYTHING))
    again: list[Change] = [AddService(WEB, RR), AddDestination(WEB, A, ONE)]
    assert plane.refusals(*again) == [(again[0], "EEXIST"), (again[1], "EEXIST")]
    assert plane.dump() == EVERYTHING


def test_what_is_not_there_is_neither_changed_nor_removed(plane: Plane) -> None:
    plane.apply(AddService(WEB, RR), AddDestination(WEB, A, ONE))
    asked: list[tuple[Change, str]] = [
        (SetService(TLS, RR), "ESRCH"),
        (RemoveService(TLS), "ESRCH"),
        (AddDestination(TLS, A, ONE), "ESRCH"),
        (SetDestination(TLS, A, ONE), "ESRCH"),
        (RemoveDestination(TLS, A), "ESRCH"),
        (SetDestination(WEB, B, ONE), "ENOENT"),
        (RemoveDestination(WEB, B), "ENOENT"),
    ]
    assert plane.refusals(*(change for change, _ in asked)) == asked
    assert plane.dump() == {WEB: Pool(RR, {A: ONE})}


def test_a_refused_service_is_told_and_the_rest_is_done(plane: Plane) -> None:
    """KF-58: a service whose creation failed was passed over in silence."""
    bad = AddService(WEB, Service("nosuch"))
    orphan = AddDestination(WEB, A, ONE)
    good: list[Change] = [AddService(TLS, RR), AddDestination(TLS, A, ONE)]
    refused = plane.refusals(bad, orphan, *good)
    assert [change for change, _ in refused] == [bad, orphan]
    assert plane.dump() == {TLS: Pool(RR, {A: ONE})}


def test_a_refused_change_of_the_scheduler_leaves_the_old_one(plane: Plane) -> None:
    plane.apply(AddService(WEB, RR), AddDestination(WEB, A, ONE))
    change = SetService(WEB, Service("nosuch"))
    assert [refused for refused, _ in plane.refusals(change)] == [change]
    assert plane.dump() == {WEB: Pool(RR, {A: ONE})}


@pytest.mark.parametrize(
    "destination",
    [
        Destination(Forwarding.NAT, 65536),
        Destination(Forwarding.NAT, -1),
        Destination(Forwarding.NAT, 1, upper=5, lower=6),
    ],
)
def test_a_weight_or_threshold_out_of_range_is_refused(
    plane: Plane, destination: Destination
) -> None:
    plane.apply(AddService(WEB, RR))
    change = AddDestination(WEB, A, destination)
    assert plane.refusals(change) == [(change, "ERANGE")]
    assert plane.dump()[WEB].destinations == {}


def test_a_server_of_the_other_family_is_refused(plane: Plane) -> None:
    plane.apply(AddService(WEB, RR))
    change = AddDestination(WEB, A6, ONE)
    assert [refused for refused, _ in plane.refusals(change)] == [change]
    assert plane.dump()[WEB].destinations == {}


def test_removing_a_service_takes_its_servers_with_it(plane: Plane) -> None:
    plane.apply(*diff({}, EVERYTHING))
    assert plane.apply(RemoveService(WEB), AddService(WEB, RR)) == []
    assert plane.dump()[WEB] == Pool(RR)


def test_statistics_name_every_service_and_server(plane: Plane) -> None:
    plane.apply(*diff({}, EVERYTHING))
    found = plane.call(plane.plane.statistics)
    assert {key: set(s.destinations) for key, s in found.items()} == {
        key: set(pool.destinations) for key, pool in EVERYTHING.items()
    }
    assert all(
        d == type(d)(type(d.counters)())
        for s in found.values()
        for d in s.destinations.values()
    )


def test_a_timeout_of_zero_stays_as_it_was(plane: Plane) -> None:
    plane.apply(*diff({}, EVERYTHING))
    plane.call(lambda: plane.plane.set_timeouts(Timeouts(100, 30, 40)))
    plane.call(lambda: plane.plane.set_timeouts(Timeouts(0, 0, 50)))
    read = plane.plane.timeouts  # type: ignore[attr-defined]
    assert plane.call(read) == Timeouts(100, 30, 50)


def test_a_table_of_many_batches_is_loaded_and_each_refusal_is_found(
    plane: Plane,
) -> None:
    """More changes than go into one send; every 97th is there already."""
    many = {
        DestinationKey(f"10.1.{n // 250}.{n % 250 + 1}", 80): ONE for n in range(600)
    }
    changes: list[Change] = [AddService(WEB, RR)]
    expected: list[tuple[Change, str]] = []
    for number, (key, destination) in enumerate(many.items()):
        changes.append(AddDestination(WEB, key, destination))
        if number % 97 == 0:
            changes.append(AddDestination(WEB, key, destination))
            expected.append((changes[-1], "EEXIST"))
    assert plane.refusals(*changes) == expected
    assert plane.dump() == {WEB: Pool(RR, many)}
