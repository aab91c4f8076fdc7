"""The whole lvsd: real nanny, real servers on loopback, the kernel in memory."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from lvs_engine.adapters import state_file
from lvs_engine.adapters.memory import MemoryPlane
from lvs_engine.control.status import ServerState
from lvs_engine.daemons.configuration import UnusableError
from lvs_engine.daemons.lvsd import Lvsd
from lvs_engine.daemons.lvsd_options import Options
from lvs_engine.ports import Timeouts
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
)
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    RemoveDestination,
    RemoveService,
    SetDestination,
)
from lvs_engine.values import Forwarding
from tests.engine.daemons.lvsd_bed import PREAMBLE, WEB, Backend, Bed, backends, virtual
from tests.engine.daemons.waiting import until

FOREIGN = ServiceKey(4, "tcp", "198.51.100.7", 443)
THEIRS = Pool(
    Service("rr"), {DestinationKey("10.9.9.9", 443): Destination(Forwarding.NAT, 1)}
)


def test_servers_that_answer_take_traffic_and_others_do_not(tmp_path: Path) -> None:
    async def run() -> None:
        bed, good, dead = Bed(tmp_path), Backend("127.0.0.1"), Backend("127.0.0.2")
        bed.write(virtual("web", WEB, good.block("good", weight=4), dead.block("dead")))
        async with backends(good), bed.running():
            await bed.until_serving(good)
            assert bed.destinations() == {good.key: 4}
            reply = await bed.ask("wait-settled", wait_s=5)
            assert reply == {"ready": True, "waiting": [], "outcome": "settled"}
            up = await bed.server("web", "good")
            assert (up.state, up.effective_weight, up.port) == (
                ServerState.UP,
                4,
                good.port,
            )
            down = await bed.server("web", "dead")
            assert (down.state, down.effective_weight) == (ServerState.DOWN, -1)
            assert (down.code, down.reason) == ("L4CON", "connection refused")
            status = await bed.status()
            assert [d.name for d in status.daemons] == ["lvsd", "nanny"]
            assert any(
                (e.severity, e.subject) == ("bad", "web/dead") for e in status.events
            )
        assert bed.plane.dump() == {}

    asyncio.run(run())


def test_a_second_start_on_an_unchanged_file_changes_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        bed, good = Bed(tmp_path), Backend()
        bed.write(virtual("web", WEB, good.block("good")))
        async with backends(good):
            async with bed.running() as lvsd:
                await bed.until_serving(good)
                lvsd.stop("a restart", leave=True)
            before = bed.plane.messages_sent
            async with bed.running() as lvsd:
                await bed.ask("wait-settled", wait_s=5)
                await until(lambda: lvsd.last_pass.outcome == "settled")
                assert bed.changes_since(before) == []
                lvsd.stop("the end", leave=True)
        assert bed.changes_since(before) == []

    asyncio.run(run())


def test_services_of_others_are_left_alone_and_shown(tmp_path: Path) -> None:
    async def run() -> None:
        bed, good = Bed(tmp_path, MemoryPlane({FOREIGN: THEIRS})), Backend()
        bed.write(virtual("web", WEB, good.block("good")))
        async with backends(good), bed.running():
            await bed.until_serving(good)
            assert (await bed.status()).foreign == ("198.51.100.7:443 tcp",)
        assert bed.plane.dump() == {FOREIGN: THEIRS}

    asyncio.run(run())


def test_drift_by_hand_is_reported_and_repaired_within_the_period(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed, one, two = Bed(tmp_path), Backend("127.0.0.1"), Backend("127.0.0.2")
        bed.write(virtual("web", WEB, one.block("one"), two.block("two")))
        async with backends(one, two), bed.running(period_s=0.3):
            await bed.until_serving(one, two)
            await bed.ask("wait-settled", wait_s=5)
            bed.plane.apply(
                [
                    RemoveDestination(WEB, one.key),
                    SetDestination(WEB, two.key, Destination(Forwarding.NAT, 9)),
                ]
            )
            await until(lambda: bed.destinations() == {one.key: 1, two.key: 1}, 1.0)
            await until(lambda: bool(bed.lvsd and bed.lvsd.last_pass.drift))
            status = await bed.status()
            assert set(status.last_pass.drift) == {
                f"{one.key} was removed from 192.0.2.10:80 tcp",
                f"{two.key} in 192.0.2.10:80 tcp was changed: weight 9 instead of 1",
            }
            assert "changed by somebody else" in status.events[0].text

    asyncio.run(run())


def test_a_service_that_somebody_removed_comes_back_whole(tmp_path: Path) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path), Backend()
        bed.write(virtual("web", WEB, one.block("one")))
        async with backends(one), bed.running(period_s=0.2):
            await bed.until_serving(one)
            await bed.ask("wait-settled", wait_s=5)
            bed.plane.apply([RemoveService(WEB)])
            await bed.until_serving(one, limit_s=1.0)

    asyncio.run(run())


def test_a_service_that_somebody_removed_is_missed_long_before_the_period(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path), Backend()
        bed.write(virtual("web", WEB, one.block("one")))
        async with backends(one), bed.running(period_s=300.0):
            await bed.until_serving(one)
            await bed.ask("wait-settled", wait_s=5)
            await asyncio.sleep(2.5)  # the sampler has counted the service
            bed.plane.apply([RemoveService(WEB)])
            await bed.until_serving(one, limit_s=5.0)

    asyncio.run(run())


def test_what_the_kernel_refuses_is_shown_and_the_rest_is_done(tmp_path: Path) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path), Backend()
        other = ServiceKey(4, "tcp", "192.0.2.11", 80)
        bed.plane.schedulers = frozenset({"wlc"})
        bed.write(
            virtual("odd", other, one.block("one"), scheduler="mh"),
            virtual("web", WEB, one.block("one")),
        )
        async with backends(one), bed.running():
            await bed.until_serving(one)
            reply = await bed.ask("wait-settled", wait_s=0.5)
            assert reply["outcome"] == "refused"
            (refusal,) = (await bed.status()).last_pass.refusals
            assert "192.0.2.11:80" in refusal
            assert other not in bed.plane.dump()

    asyncio.run(run())


def test_a_file_with_errors_starts_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path, MemoryPlane({FOREIGN: THEIRS}))
        bed.write("virtual web {\n port = many\n keepalive\n}\n")
        lvsd = Lvsd(Options(bed.file, bed.folder), bed.plane)
        with pytest.raises(UnusableError) as refused:
            await lvsd.run()
        assert all(f"{bed.file}:" in problem for problem in refused.value.problems)
        assert bed.plane.messages_sent == 0
        assert not (tmp_path / "lvsd.sock").exists()

    asyncio.run(run())


def test_nanny_killed_is_started_again_and_no_server_loses_traffic(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed, one, dead = Bed(tmp_path), Backend("127.0.0.1"), Backend("127.0.0.2")
        bed.write(virtual("web", WEB, one.block("one"), dead.block("dead")))
        async with backends(one), bed.running(period_s=0.05):
            await bed.until_serving(one)
            await bed.ask("wait-settled", wait_s=5)
            before = bed.plane.messages_sent
            nanny = (await bed.status()).daemons[1]
            os.kill(nanny.pid, signal.SIGKILL)
            await until(lambda: _nanny_pid(bed) not in {0, nanny.pid})
            await asyncio.sleep(0.3)
            again = (await bed.status()).daemons[1]
            assert (again.restarts, again.state) == (1, "running")
            assert "SIGKILL" in again.message
            assert bed.changes_since(before) == []
            assert (await bed.server("web", "dead")).state is ServerState.DOWN
            await one.stop()
            await bed.until_serving()  # the new nanny checks as the old one did

    asyncio.run(run())


def _nanny_pid(bed: Bed) -> int:
    assert bed.lvsd is not None
    return bed.lvsd.status().daemons[1].pid


def test_a_killed_lvsd_leaves_the_table_and_its_successor_changes_nothing(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path), Backend()
        bed.write(virtual("web", WEB, one.block("one")))
        async with backends(one):
            async with bed.killed_at_the_end():
                await bed.until_serving(one)
            (tmp_path / "health.json").unlink(missing_ok=True)
            before = bed.plane.messages_sent
            assert bed.destinations() == {one.key: 1}
            async with bed.running(period_s=0.05):
                await until(lambda: _reason(bed).startswith("connected"), 5)
                assert bed.changes_since(before) == []

    asyncio.run(run())


def _reason(bed: Bed) -> str:
    assert bed.lvsd is not None
    return bed.lvsd.status().services[0].servers[0].reason


def test_what_a_killed_lvsd_left_goes_when_the_file_wants_it_no_more(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path, MemoryPlane({FOREIGN: THEIRS})), Backend()
        bed.write(virtual("web", WEB, one.block("one")))
        async with backends(one):
            async with bed.killed_at_the_end():
                await bed.until_serving(one)
            other = ServiceKey(4, "tcp", "192.0.2.11", 80)
            bed.write(virtual("web", other, one.block("one")))
            async with bed.running():
                await bed.until_serving(one, key=other)
                assert set(bed.plane.dump()) == {FOREIGN, other}

    asyncio.run(run())


def test_a_server_that_died_while_lvsd_was_away_leaves_after_its_first_check(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path), Backend()
        bed.write(virtual("web", WEB, one.block("one")))
        async with backends(one), bed.killed_at_the_end():
            await bed.until_serving(one)
        async with bed.running():
            await bed.until_serving()
            assert (await bed.server("web", "one")).state is ServerState.DOWN

    asyncio.run(run())


def test_what_nobody_checks_goes_when_the_time_for_it_is_over(tmp_path: Path) -> None:
    async def run() -> None:
        one = Backend()
        held = Pool(Service("wlc"), {one.key: Destination(Forwarding.NAT, 1)})
        bed = Bed(tmp_path, MemoryPlane({WEB: held}))
        bed.write(virtual("web", WEB, one.block("one")))
        async with bed.running(checks=False):
            assert bed.destinations() == {one.key: 1}
            assert "not checked yet" in (await bed.server("web", "one")).reason
            await until(lambda: bed.destinations() == {}, 4.0)

    asyncio.run(run())


def test_health_outlives_lvsd_for_servers_that_did_not_move(tmp_path: Path) -> None:
    async def run() -> None:
        bed, one, two = Bed(tmp_path), Backend("127.0.0.1"), Backend("127.0.0.2")
        bed.write(virtual("web", WEB, one.block("one"), two.block("two")))
        async with backends(one, two), bed.running() as lvsd:
            await bed.until_serving(one, two)
            lvsd.stop("a restart", leave=False)
        assert bed.destinations() == {}
        bed.write(virtual("web", WEB, one.block("one"), one.block("two", port=9)))
        async with bed.running(checks=False):
            await until(lambda: bed.destinations() == {one.key: 1})
            assert (await bed.server("web", "two")).state is ServerState.UNCHECKED

    asyncio.run(run())


def test_an_address_is_waited_for_while_nobody_serves_it(tmp_path: Path) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path), Backend()
        bed.write(virtual("web", WEB, one.block("one")))
        async with bed.running(checks=False):
            reply = await bed.ask("wait-settled", wait_s=0.05)
            assert reply == {
                "ready": False,
                "waiting": ["virtual web: 1 servers not checked yet"],
                "outcome": "settled",
            }

    asyncio.run(run())


def test_a_request_may_stop_lvsd_and_leave_the_table(tmp_path: Path) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path), Backend()
        bed.write(virtual("web", WEB, one.block("one")))
        async with backends(one), bed.running():
            await bed.until_serving(one)
            assert await bed.ask("stop", leave=True) == {}
            await until(lambda: not (tmp_path / "lvsd.sock").exists())
        assert bed.destinations() == {one.key: 1}

    asyncio.run(run())


def test_the_connection_timeouts_of_the_file_are_set(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(preamble=PREAMBLE + "tcp_timeout = 700\nudp_timeout = 30\n")
        async with bed.running(checks=False):
            assert bed.plane.timeouts() == Timeouts(tcp=700, tcpfin=120, udp=30)

    asyncio.run(run())


class _Rebalanced(MemoryPlane):
    rebalance_interval_s = 0.02
    rebalanced = 0

    def rebalance(self) -> None:
        self.rebalanced += 1


def test_a_plane_that_approximates_is_asked_to_rebalance(tmp_path: Path) -> None:
    async def run() -> None:
        plane = _Rebalanced()
        bed = Bed(tmp_path, plane)
        bed.write()
        async with bed.running(checks=False):
            await until(lambda: plane.rebalanced >= 3)

    asyncio.run(run())


def test_what_is_ours_is_written_before_the_kernel_is_told(tmp_path: Path) -> None:
    class Watching(MemoryPlane):
        seen: object = None

        def apply(self, changes):  # type: ignore[no-untyped-def]
            self.seen = self.seen or state_file.read(tmp_path / "owned.json")
            return super().apply(changes)

    async def run() -> None:
        plane = Watching()
        bed = Bed(tmp_path, plane)
        bed.write(virtual("web", WEB))
        async with bed.running(checks=False):
            assert plane.applied == [AddService(WEB, Service("wlc"))]
            assert plane.seen == {"plane": "memory", "services": [list(WEB)]}

    asyncio.run(run())


def test_the_sorry_server_stands_in_until_a_server_is_up(tmp_path: Path) -> None:
    async def run() -> None:
        bed, one = Bed(tmp_path), Backend()
        sorry = DestinationKey("127.0.0.9", 80)
        bed.write(virtual("web", WEB, one.block("one"), sorry_server="127.0.0.9"))
        async with bed.running():
            await until(lambda: set(bed.destinations()) == {sorry})
            shown = await bed.server("web", "sorry_server")
            assert (shown.state, shown.effective_weight) == (ServerState.SORRY, 1)
            before = bed.plane.messages_sent
            async with backends(one):
                await bed.until_serving(one)
                assert bed.changes_since(before) == [
                    AddDestination(WEB, one.key, Destination(Forwarding.NAT, 1)),
                    RemoveDestination(WEB, sorry),
                ]

    asyncio.run(run())
