"""A plane in a namespace with the hands of a person beside it, and tables to load."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any, TypeVar

from lvs_engine.adapters.nftables import nft, observed, transaction
from lvs_engine.adapters.nftables.plane import NftablesPlane
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import diff
from lvs_engine.values import Forwarding
from tests.netns.inside import inside

T = TypeVar("T")

OURS = ("inet", "piranha")
CHOOSER = "tcp-192.0.2.10-80"
TO = f"{CHOOSER}-to-10.0.0.1-8080"

VIP = "192.0.2.10"
WEB = ServiceKey(4, "tcp", VIP, 80)
MAIL = ServiceKey(4, "tcp", VIP, 25)


def nat(weight: int = 1, upper: int = 0, lower: int = 0) -> Destination:
    return Destination(Forwarding.NAT, weight, upper, lower)


def at(number: int, port: int = 8080) -> DestinationKey:
    return DestinationKey(f"10.0.0.{number}", port)


def at6(number: int) -> DestinationKey:
    return DestinationKey(f"2001:db8:1::{number}", 80)


EVERYTHING: Table = {
    WEB: Pool(Service("wrr"), {at(1): nat(2), at(2): nat(1), at(3): nat(0)}),
    ServiceKey(4, "udp", VIP, 53): Pool(Service("rr")),
    ServiceKey(6, "tcp", "2001:db8::10", 443): Pool(
        Service("sh", ("sh-fallback", "sh-port"), 300, 64),
        {at6(1): nat(), at6(2): nat()},
    ),
    ServiceKey(6, "udp", "::ffff:c000:20a", 9): Pool(
        Service("fo", netmask=128), {at6(1): nat(65535)}
    ),
    ServiceKey(4, "", "", 0, 21): Pool(
        Service("wlc", (), 60, 24), {at(1, 0): nat(3), at(2, 0): nat(3, 100, 50)}
    ),
    # A real server of two marks is counted once, and both stay readable.
    ServiceKey(4, "", "", 0, 22): Pool(
        Service("lc"), {at(1, 80): nat(), at(2, 0): nat()}
    ),
    ServiceKey(6, "", "", 0, 4294967295): Pool(Service("nq", netmask=128)),
    ServiceKey(4, "tcp", "192.0.2.11", 0): Pool(
        Service("mh", ("mh-port",), 60, 0), {at(1, 0): nat(3), at(2, 0): nat(0)}
    ),
    ServiceKey(4, "sctp", "192.0.2.11", 77): Pool(Service("dh"), {at(1, 0): nat(1)}),
    ServiceKey(4, "tcp", "192.0.2.11", 78): Pool(Service("sed"), {at(1): nat(9)}),
}

SMALL: Table = {
    WEB: Pool(Service("wlc", (), 300), {at(1): nat(2), at(2): nat(1)}),
    MAIL: Pool(Service("rr"), {at(3, 25): nat(0)}),
}


class Router:
    """A plane in a namespace, and the hands of a person beside it."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.plane = self.run(NftablesPlane)

    def run(self, function: Callable[[], T]) -> T:
        return inside(self.namespace, function)

    def nft(self, *words: str, text: str = "") -> str:
        command = ["ip", "netns", "exec", self.namespace, "nft", *words]
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stderr
        return done.stdout

    def dump(self) -> Table:
        return self.run(self.plane.dump)

    def reconcile(self, wanted: Table) -> int:
        """One pass of lvsd; how many changes it took."""
        changes = diff(self.dump(), wanted)
        assert not self.run(lambda: self.plane.apply(changes))
        return len(changes)

    def listing(self) -> list[dict[str, dict[str, Any]]]:
        found: dict[str, Any] = json.loads(self.nft("-j", "list", "ruleset"))
        items: list[dict[str, dict[str, Any]]] = found["nftables"]
        return items


def rules_of(router: Router, chain: str) -> list[dict[str, Any]]:
    rules = (item["rule"] for item in router.listing() if "rule" in item)
    return [rule for rule in rules if rule["chain"] == chain]


def seen() -> observed.Observed:
    return observed.observe(nft.listing("table", *OURS))


def ours(router: Router) -> observed.Observed:
    """What the table holds, without counts."""
    held = inside(router.namespace, seen)
    held.counters = dict.fromkeys(held.counters, (0, 0))
    return held


def fresh(table: Table) -> observed.Observed:
    """The same, of a table that was made in one go."""
    nft.commit(["delete table inet piranha", *script(table, {})])
    return seen()


def script(table: Table, counts: dict[str, tuple[int, int]]) -> list[str]:
    blank = observed.Observed(counters=counts)
    return transaction.transaction(blank, table, list(table), {})
