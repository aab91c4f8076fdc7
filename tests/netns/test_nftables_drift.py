"""What is changed by hand in our table: missed, named and repaired."""

from __future__ import annotations

from collections import Counter

import pytest

from lvs_engine.adapters.nftables.observed import DAMAGED
from lvs_engine.table.plan import SetService, diff
from tests.netns.nft_router import (
    CHOOSER,
    EVERYTHING,
    MAIL,
    OURS,
    SMALL,
    TO,
    WEB,
    Router,
    at,
    fresh,
    ours,
    rules_of,
    script,
    seen,
)

pytestmark = pytest.mark.netns


@pytest.fixture
def router(namespace: str) -> Router:
    return Router(namespace)


def test_each_rule_that_somebody_deletes_is_missed_and_put_back(router: Router) -> None:
    router.reconcile(SMALL)
    rules = [item["rule"] for item in router.listing() if "rule" in item]
    assert len(rules) > 40
    places = Counter(rule["chain"] for rule in rules)
    for chain, count in places.items():
        for position in range(count):
            handle = rules_of(router, chain)[position]["handle"]
            router.nft("delete", "rule", *OURS, chain, "handle", str(handle))
            assert router.dump() != SMALL, (chain, position)
            router.reconcile(SMALL)
            assert router.dump() == SMALL, (chain, position)
            assert len(rules_of(router, chain)) == count


def test_each_element_that_somebody_deletes_is_missed_and_put_back(
    router: Router,
) -> None:
    router.reconcile(EVERYTHING)
    elements = list(router.run(seen).elements)
    assert len(elements) > 20
    for container, key in elements:
        router.nft("delete", "element", *OURS, container, f"{{ {key} }}")
        assert router.dump() != EVERYTHING, key
        router.reconcile(EVERYTHING)
        assert router.dump() == EVERYTHING, key


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
    assert router.run(lambda: ours(router)) == router.run(lambda: fresh(SMALL))


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
        "delete table inet piranha\n" + "\n".join(script(SMALL, {f"{TO}-in": (7, 700)}))
    ))  # fmt: skip
    assert router.dump() == SMALL
    router.nft("flush", "chain", *OURS, "count")
    router.reconcile(SMALL)
    counters = router.run(router.plane.statistics)[WEB].destinations[at(1)].counters
    assert (counters.packets_in, counters.bytes_in) == (7, 700)
