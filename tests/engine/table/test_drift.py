"""What others did to our services, in sentences."""

from __future__ import annotations

from lvs_engine.table.drift import drift
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.values import Forwarding

WEB = ServiceKey(4, "tcp", "192.0.2.10", 80)
ONE, TWO = DestinationKey("10.0.0.1", 80), DestinationKey("10.0.0.2", 80)
NAT = Destination(Forwarding.NAT, 5)
LEFT: Table = {WEB: Pool(Service("wlc"), {ONE: NAT, TWO: NAT})}


def found(service: Service, **destinations: Destination) -> Table:
    places = {"one": ONE, "two": TWO, "three": DestinationKey("10.0.0.3", 80)}
    return {WEB: Pool(service, {places[k]: d for k, d in destinations.items()})}


def test_an_untouched_table_has_no_drift() -> None:
    assert drift(LEFT, found(Service("wlc"), one=NAT, two=NAT)) == []


def test_services_beside_ours_are_no_drift() -> None:
    theirs = {ServiceKey(4, "tcp", "192.0.2.99", 80): Pool(Service("rr"))}
    assert drift(LEFT, {**LEFT, **theirs}) == []


def test_each_difference_is_a_sentence() -> None:
    table = found(
        Service("rr", ("sh-port",)), one=NAT._replace(weight=1, upper=9), three=NAT
    )
    assert drift(LEFT, table) == [
        "192.0.2.10:80 tcp was changed: scheduler rr instead of wlc, "
        "flags sh-port instead of none",
        "10.0.0.1:80 in 192.0.2.10:80 tcp was changed: weight 1 instead of 5, "
        "upper 9 instead of 0",
        "10.0.0.2:80 was removed from 192.0.2.10:80 tcp",
        "10.0.0.3:80 was added to 192.0.2.10:80 tcp",
    ]


def test_a_service_that_is_gone_is_one_sentence() -> None:
    assert drift(LEFT, {}) == ["192.0.2.10:80 tcp was removed"]
