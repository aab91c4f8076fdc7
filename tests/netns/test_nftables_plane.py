"""The nftables plane and the kernel's table: loaded, read back, and nothing more."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections import Counter

import pytest

from lvs_engine.adapters.nftables import observed, transaction
from lvs_engine.adapters.nftables.plane import NftablesPlane
from lvs_engine.errors import KernelUnavailableError
from lvs_engine.ports import Timeouts
from lvs_engine.table.model import (
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import RemoveService, diff
from tests.engine.adapters import test_nftables_rules
from tests.netns.nft_router import (
    EVERYTHING,
    MAIL,
    OURS,
    SMALL,
    TO,
    VIP,
    WEB,
    Router,
    at,
    nat,
    seen,
)

pytestmark = pytest.mark.netns


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


def test_statistics_do_not_name_what_somebody_took_away(router: Router) -> None:
    router.reconcile(SMALL)
    assert router.run(router.plane.statistics).keys() == SMALL.keys()
    router.nft("delete", "table", *OURS)
    assert router.run(router.plane.statistics) == {}


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
        found = router.run(seen)
        held = observed.table(found)
        wanted = tables[1] if held == tables[0] else tables[0]
        script = "\n".join(transaction.transaction(found, wanted, list(wanted), {}))
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


def _large(weight: int) -> Table:
    return {
        ServiceKey(4, "tcp", f"192.0.2.{n}", 80): Pool(
            Service("wrr", (), 60), {at(m): nat(weight * m) for m in range(1, 11)}
        )
        for n in range(1, 21)
    }
