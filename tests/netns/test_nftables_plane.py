"""The nftables plane and the kernel's table: read back, drift, repair, and no more."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from lvs_engine.adapters.nftables import nft, observed, transaction
from lvs_engine.adapters.nftables.observed import DAMAGED
from lvs_engine.adapters.nftables.plane import NftablesPlane
from lvs_engine.errors import KernelUnavailableError
from lvs_engine.ports import Timeouts
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import RemoveService, SetService, diff
from lvs_engine.values import Forwarding
from tests.engine.adapters import test_nftables_rules
from tests.netns.inside import inside

pytestmark = pytest.mark.netns

T = TypeVar("T")

OURS = ("inet", "piranha")

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


@pytest.fixture
def router(namespace: str) -> Router:
    return Router(namespace)


def test_a_table_with_everything_reads_back_as_it_was_loaded(router: Router) -> None:
    assert router.dump() == {}
    router.reconcile(EVERYTHING)
    assert router.dump() == EVERYTHING
    statistics = router.run(router.plane.statistics)
    assert {k: set(s.destinations) for k, s in statistics.items()} == {
        k: set(pool.destinations) for k, pool in EVERYTHING.items()
    }


def test_nft_takes_the_golden_file_of_the_rules(router: Router) -> None:
    router.nft("-f", "-", text=test_nftables_rules.GOLDEN.read_text())
    assert router.dump() == test_nftables_rules.EXAMPLE


def test_a_second_pass_changes_nothing(router: Router) -> None:
    router.reconcile(EVERYTHING)
    before = router.nft("-a", "list", "ruleset")
    assert router.reconcile(EVERYTHING) == 0
    assert router.nft("-a", "list", "ruleset") == before


def test_a_restarted_daemon_writes_nothing_while_the_load_is_the_same(
    router: Router,
) -> None:
    router.reconcile(EVERYTHING)
    before = router.nft("-a", "list", "ruleset")

    def restarted() -> None:
        plane = NftablesPlane()
        assert diff(plane.dump(), EVERYTHING) == []
        plane.rebalance()
        plane.rebalance()

    router.run(restarted)
    assert router.nft("-a", "list", "ruleset") == before


def test_another_process_reads_the_same_table(router: Router) -> None:
    router.reconcile(EVERYTHING)
    assert router.run(lambda: NftablesPlane().dump()) == EVERYTHING


def test_every_way_from_one_table_to_another_arrives(router: Router) -> None:
    tables = [EVERYTHING, SMALL, {WEB: EVERYTHING[WEB]}, {}, SMALL, {WEB: SMALL[WEB]}]
    for wanted in tables:
        router.reconcile(wanted)
        assert router.dump() == wanted


def test_the_last_service_leaves_no_trace(router: Router) -> None:
    router.reconcile(SMALL)
    router.reconcile({})
    assert router.nft("list", "ruleset") == ""


def test_tables_of_others_stay_as_they_are(router: Router) -> None:
    router.nft(
        "-f", "-",
        text="""
        table ip piranha {
            chain tcp-192.0.2.10-80 { counter; }
        }
        table inet admin {
            map services4 {
                type ipv4_addr : verdict
                elements = { 192.0.2.1 : drop }
            }
            chain prerouting { type nat hook prerouting priority dstnat; }
            chain forward { type filter hook forward priority 0; ct state new accept; }
        }
        """,
    )  # fmt: skip

    def others() -> list[str]:
        return [router.nft("-a", "list", "table", *t) for t in (
            ("ip", "piranha"), ("inet", "admin"))]  # fmt: skip

    before = others()
    assert router.dump() == {}
    router.reconcile(EVERYTHING)
    router.nft("flush", "chain", "inet", "piranha", "select")
    router.reconcile(EVERYTHING)
    router.run(router.plane.rebalance)
    router.run(lambda: router.plane.set_timeouts(Timeouts(10, 11, 12)))
    router.reconcile({})
    assert others() == before


def test_each_rule_that_somebody_deletes_is_missed_and_put_back(router: Router) -> None:
    router.reconcile(SMALL)
    rules = [item["rule"] for item in router.listing() if "rule" in item]
    assert len(rules) > 40
    places = Counter(rule["chain"] for rule in rules)
    for chain, count in places.items():
        for position in range(count):
            handle = _rules_of(router, chain)[position]["handle"]
            router.nft("delete", "rule", *OURS, chain, "handle", str(handle))
            assert router.dump() != SMALL, (chain, position)
            router.reconcile(SMALL)
            assert router.dump() == SMALL, (chain, position)
            assert len(_rules_of(router, chain)) == count


def test_each_element_that_somebody_deletes_is_missed_and_put_back(
    router: Router,
) -> None:
    router.reconcile(EVERYTHING)
    elements = list(router.run(_seen).elements)
    assert len(elements) > 20
    for container, key in elements:
        router.nft("delete", "element", *OURS, container, f"{{ {key} }}")
        assert router.dump() != EVERYTHING, key
        router.reconcile(EVERYTHING)
        assert router.dump() == EVERYTHING, key


CHOOSER = "tcp-192.0.2.10-80"
TO = f"{CHOOSER}-to-10.0.0.1-8080"


@pytest.mark.parametrize(
    "by_hand",
    [
        "flush ruleset",
        "delete table inet piranha",
        "flush table inet piranha",
        f"flush chain inet piranha {CHOOSER}",
        f"flush chain inet piranha {TO}",
        "flush map inet piranha services4",
        f"add rule inet piranha {CHOOSER} drop",
        f"insert rule inet piranha {TO} accept",
        "insert rule inet piranha prerouting drop",
        "chain inet piranha input { policy drop; }",
        f"flush chain inet piranha {CHOOSER}; flush map inet piranha services4; "
        f"delete chain inet piranha {CHOOSER}",
        f"flush chain inet piranha {CHOOSER}; flush chain inet piranha {TO}; "
        f"delete chain inet piranha {TO}",
        f"flush chain inet piranha {CHOOSER}; flush chain inet piranha {TO}; "
        f"delete set inet piranha {TO}-clients",
        f"flush chain inet piranha {TO}; flush chain inet piranha {TO}-traffic; "
        f"delete counter inet piranha {TO}-in",
        f"add chain inet piranha {CHOOSER}-to-10.0.0.9-1",
        f"add counter inet piranha {CHOOSER}-to-10.0.0.9-1-in",
        "delete chain inet piranha output",
        "delete element inet piranha services4 { 192.0.2.10 . tcp . 80 }; "
        "add element inet piranha services4 { 192.0.2.10 . tcp . 80 : drop }",
        "add element inet piranha refused4 { 192.0.2.10 . tcp . 80 }",
        "add element inet piranha services4 "
        f"{{ 192.0.2.99 . tcp . 80 : goto {CHOOSER} }}",
        "flush chain inet piranha refuse",
    ],
)
def test_what_somebody_changes_by_hand_is_seen_and_repaired(
    router: Router, by_hand: str
) -> None:
    router.reconcile(SMALL)
    router.nft(by_hand)
    assert router.dump() != SMALL
    router.reconcile(SMALL)
    assert router.dump() == SMALL
    assert router.run(lambda: _ours(router)) == router.run(lambda: _fresh(SMALL))


def test_a_damaged_service_says_so_and_can_be_removed(router: Router) -> None:
    router.reconcile(SMALL)
    router.nft("flush", "chain", *OURS, CHOOSER)
    found = router.dump()
    assert found[WEB].service.scheduler == DAMAGED
    assert found[MAIL] == SMALL[MAIL]
    assert diff(found, SMALL) == [SetService(WEB, SMALL[WEB].service)]
    router.reconcile({MAIL: SMALL[MAIL]})
    assert router.dump() == {MAIL: SMALL[MAIL]}
    assert CHOOSER not in router.nft("list", "ruleset")


def test_counts_go_on_after_a_repair(router: Router) -> None:
    router.reconcile(SMALL)
    router.nft("-f", "-", text=(
        "delete table inet piranha\n" + "\n".join(_script(SMALL, {f"{TO}-in": (7, 700)}))
    ))  # fmt: skip
    assert router.dump() == SMALL
    router.nft("flush", "chain", *OURS, "count")
    router.reconcile(SMALL)
    counters = router.run(router.plane.statistics)[WEB].destinations[at(1)].counters
    assert (counters.packets_in, counters.bytes_in) == (7, 700)


def test_one_bad_service_does_not_hold_up_the_others(router: Router) -> None:
    # Somebody left a set of another kind where a service needs one of its own.
    router.reconcile({MAIL: SMALL[MAIL]})
    router.nft("add", "set", *OURS, f"{TO}-clients", "{ type mark; }")
    wanted = {
        **SMALL,
        ServiceKey(4, "tcp", VIP, 81): Pool(Service("rr"), {at(1): nat()}),
    }
    changes = diff(router.dump(), wanted)
    refusals = router.run(lambda: router.plane.apply(changes))
    assert refusals
    assert all(str(WEB) in refusal.message for refusal in refusals)
    held = router.dump()
    assert {k: held[k] for k in wanted if k != WEB} == {
        k: wanted[k] for k in wanted if k != WEB
    }
    assert not router.run(lambda: router.plane.apply([RemoveService(WEB)]))


def test_a_killed_nft_leaves_the_old_table_or_the_new_one(router: Router) -> None:
    tables = [_large(1), _large(2)]
    router.reconcile(tables[0])
    outcomes = Counter[str]()
    for attempt in range(12):
        seen = router.run(_seen)
        held = observed.table(seen)
        wanted = tables[1] if held == tables[0] else tables[0]
        script = "\n".join(transaction.transaction(seen, wanted, list(wanted), {}))
        began = time.monotonic()
        process = subprocess.Popen(
            ["ip", "netns", "exec", router.namespace, "nft", "-f", "-"],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(script + "\n")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        time.sleep(max(0.0, attempt * 0.008 - (time.monotonic() - began)))
        process.kill()
        process.wait()
        after = router.dump()
        assert after in (held, wanted), f"half a change after kill {attempt}"
        outcomes["new" if after == wanted else "old"] += 1
    assert outcomes["old"] and outcomes["new"], outcomes


def test_a_missing_nft_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(KernelUnavailableError, match="install the package nftables"):
        NftablesPlane()


def test_timeouts_wait_for_the_table_and_outlive_a_repair(router: Router) -> None:
    plane = router.plane
    router.run(lambda: plane.set_timeouts(Timeouts(tcp=900)))
    assert router.nft("list", "ruleset") == ""
    router.reconcile(SMALL)
    router.run(lambda: plane.set_timeouts(Timeouts(udp=300)))
    assert router.run(plane.timeouts) == Timeouts(900, 0, 300)
    router.nft("delete", "table", *OURS)
    router.reconcile(SMALL)
    assert router.run(plane.timeouts) == Timeouts(900, 0, 300)


def _rules_of(router: Router, chain: str) -> list[dict[str, Any]]:
    rules = (item["rule"] for item in router.listing() if "rule" in item)
    return [rule for rule in rules if rule["chain"] == chain]


def _seen() -> observed.Observed:
    return observed.observe(nft.listing("table", *OURS))


def _ours(router: Router) -> observed.Observed:
    """What the table holds, without counts."""
    seen = inside(router.namespace, _seen)
    seen.counters = dict.fromkeys(seen.counters, (0, 0))
    return seen


def _fresh(table: Table) -> observed.Observed:
    """The same, of a table that was made in one go."""
    nft.commit(["delete table inet piranha", *_script(table, {})])
    return _seen()


def _script(table: Table, counts: dict[str, tuple[int, int]]) -> list[str]:
    blank = observed.Observed(counters=counts)
    return transaction.transaction(blank, table, list(table), {})


def _large(weight: int) -> Table:
    return {
        ServiceKey(4, "tcp", f"192.0.2.{n}", 80): Pool(
            Service("wrr", (), 60), {at(m): nat(weight * m) for m in range(1, 11)}
        )
        for n in range(1, 21)
    }
