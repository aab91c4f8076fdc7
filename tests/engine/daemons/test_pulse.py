"""The whole pulse on a node in memory: what it does, and above all in which order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lvs_engine.control.status import NodeState
from lvs_engine.daemons.configuration import UnusableError
from lvs_engine.errors import ControlError
from lvs_engine.network.addresses import PresentAddress
from lvs_engine.network.arp import announcement
from tests.engine.daemons.pulse_bed import (
    HEAD,
    INSIDE,
    MAC,
    OTHER,
    OWN,
    PAUSE_S,
    VIP,
    Bed,
    virtual,
)
from tests.engine.daemons.waiting import until

COMMANDS = 'active_cmd = "/bin/begin now"\ninactive_cmd = "/bin/end now"\n'


def test_up_goes_command_table_addresses_and_down_the_reverse(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        nat = (
            "network = nat\nnat_router = 10.20.0.1 eth1:1\nnat_nmask = 255.255.255.0\n"
        )
        bed.write(virtual("web"), head=HEAD + COMMANDS + nat)
        async with bed.running():
            await until(lambda: VIP in bed.kernel.held)
            assert bed.journal == [
                "/bin/begin now",
                "settled",
                "+10.20.0.1",
                "+192.0.2.80",
            ]
            assert bed.kernel.held[INSIDE].label == "eth1:1"
            bed.journal.clear()
        assert bed.journal == [
            "-10.20.0.1",
            "-192.0.2.80",
            "lvsd down",
            "/bin/end now",
        ]
        assert set(bed.kernel.held) == {OWN}

    asyncio.run(run())


def test_each_address_is_announced_five_times_and_then_no_more(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running():
            await until(lambda: len(bed.wire.frames) == 5)
            await asyncio.sleep(3 * PAUSE_S)
            assert bed.wire.frames == 5 * [("eth0", announcement(MAC, VIP.address))]
            (address,) = (await bed.status()).addresses
            assert address.announced_at > 0

    asyncio.run(run())


def test_nothing_is_announced_after_the_stop_began(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running() as pulse:
            bed.lvsd.leaving_s = 6 * PAUSE_S
            await until(lambda: bool(bed.wire.frames))
            pulse.stop("signal 15")
            await until(lambda: VIP not in bed.kernel.held)
            sent = len(bed.wire.frames)
            assert sent < 5
            await until(lambda: "lvsd down" in bed.journal)
            assert len(bed.wire.frames) == sent

    asyncio.run(run())


def test_addresses_wait_for_a_table_that_does_not_settle(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"), head=HEAD + COMMANDS)
        async with bed.running():
            bed.lvsd.trouble = "the table is not settled: no IPVS here"
            await until(
                lambda: any(e.severity == "bad" for e in bed.timeline.newest_first())
            )
            status = await bed.status()
            assert status.node.state is NodeState.STARTING
            assert "no IPVS here" in status.node.reason
            assert set(bed.kernel.held) == {OWN}
            bed.lvsd.trouble = ""
            await until(lambda: VIP in bed.kernel.held, limit_s=5)
            assert bed.journal.count("/bin/begin now") == 1

    asyncio.run(run())


def test_a_killed_pulse_leaves_its_addresses_and_the_next_one_keeps_them(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running(killed=True):
            await until(lambda: VIP in bed.kernel.held)
        assert VIP in bed.kernel.held
        bed.journal.clear()
        bed.wire.frames.clear()
        async with bed.running():
            await until(lambda: bool(bed.wire.frames))
            assert bed.journal == ["settled"]
            events = (await bed.status()).events
            assert any("was there already: kept" in e.text for e in events)
        assert set(bed.kernel.held) == {OWN}

    asyncio.run(run())


def test_an_unlabelled_leftover_is_known_by_the_record(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web", device="eth0"))
        async with bed.running(killed=True):
            await until(lambda: VIP in bed.kernel.held)
        bed.write(virtual("web", OTHER.address))
        async with bed.running():
            await until(lambda: OTHER in bed.kernel.held)
            assert VIP not in bed.kernel.held

    asyncio.run(run())


def test_an_address_of_the_administrator_is_never_removed(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        bed.kernel.held[VIP] = PresentAddress(VIP, "eth0")
        async with bed.running() as pulse:
            await until(lambda: bool(bed.wire.frames))
            bed.write(virtual("web", OTHER.address))
            pulse.reload()
            await until(lambda: OTHER in bed.kernel.held)
        assert set(bed.kernel.held) == {OWN, VIP}

    asyncio.run(run())


def test_an_address_put_back_for_somebody_else_does_not_become_ours(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        theirs = OWN._replace(address="192.0.2.99")
        bed.kernel.held[VIP] = PresentAddress(VIP, "eth0:1")
        bed.kernel.held[theirs] = PresentAddress(theirs, "eth0", secondary=True)
        bed.write(virtual("web"))
        async with bed.running() as pulse:
            await until(lambda: bool(bed.wire.frames))
            bed.write(virtual("web", OTHER.address))
            pulse.reload()
            await until(lambda: "+192.0.2.99" in bed.journal)
        assert set(bed.kernel.held) == {OWN, theirs}

    asyncio.run(run())


def test_a_reload_brings_new_addresses_and_takes_old_ones_away(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running():
            await until(lambda: VIP in bed.kernel.held)
            bed.write(virtual("web", active=False), virtual("shop", OTHER.address))
            assert (await bed.ask("reload"))["warnings"] == []
            await until(lambda: OTHER in bed.kernel.held and VIP not in bed.kernel.held)
            assert [a.purpose for a in (await bed.status()).addresses] == [
                "virtual shop"
            ]

    asyncio.run(run())


def test_a_refused_file_changes_no_address(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running():
            await until(lambda: VIP in bed.kernel.held)
            bed.write(virtual("web", OTHER.address), "nonsense\n")
            with pytest.raises(ControlError, match="nonsense"):
                await bed.ask("reload")
            bed.lvsd.verdict = "lvsd says no"
            bed.write(virtual("web", OTHER.address))
            with pytest.raises(ControlError, match="lvsd says no"):
                await bed.ask("reload")
            assert set(bed.kernel.held) == {OWN, VIP}

    asyncio.run(run())


def test_after_a_crash_what_ran_runs_on_beside_a_broken_file(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running(killed=True):
            await until(lambda: VIP in bed.kernel.held)
        assert bed.kept.stat().st_mode & 0o777 == 0o600
        bed.write("nonsense\n")
        async with bed.running():
            bed.lvsd.silent = True
            await until(lambda: bool(bed.wire.frames))
            status = await bed.status()
            assert "nonsense" in status.configuration.rejected[0]
            assert status.configuration.rejected_revision
            assert any("what ran before runs on" in e.text for e in status.events)
            assert set(bed.kernel.held) == {OWN, VIP}

            bed.write(virtual("web", OTHER.address))
            await bed.ask("reload")
            await until(lambda: OTHER in bed.kernel.held)
            assert (await bed.status()).configuration.rejected == ()
            assert OTHER.address in bed.kept.read_text("ascii")

    asyncio.run(run())


def test_after_an_orderly_stop_a_broken_file_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running():
            await until(bed.kept.exists)
        assert not bed.kept.exists()
        bed.write("nonsense\n")
        with pytest.raises(UnusableError, match="nonsense"):
            async with bed.running():
                pass

    asyncio.run(run())


def test_a_record_that_cannot_be_written_keeps_no_address_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        (tmp_path / "addresses.json.new").mkdir()
        async with bed.running():
            await until(lambda: VIP in bed.kernel.held)
            bed.write(virtual("web", OTHER.address))
            await bed.ask("reload")
            await until(lambda: OTHER in bed.kernel.held and VIP not in bed.kernel.held)
        assert set(bed.kernel.held) == {OWN}

    asyncio.run(run())
    assert "addresses.json cannot be written" in caplog.text


def test_an_address_that_somebody_takes_away_comes_back(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running() as pulse:
            await until(lambda: len(bed.wire.frames) == 5)
            del bed.kernel.held[VIP]
            pulse.wake()
            await until(lambda: VIP in bed.kernel.held)
            await until(lambda: len(bed.wire.frames) == 10)
            assert any(
                "taken away by somebody else: restored" in e.text
                for e in (await bed.status()).events
            )

    asyncio.run(run())


def test_a_refused_address_is_told_once_and_tried_again(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"), virtual("shop", OTHER.address, "eth0:2"))
        bed.kernel.refuse = {VIP}
        async with bed.running() as pulse:
            await until(lambda: OTHER in bed.kernel.held)
            pulse.wake()
            await asyncio.sleep(0.5)
            status = await bed.status()
            first, second = status.addresses
            assert (first.present, first.message) == (False, "no such device")
            assert second.present
            assert [e.text for e in status.events].count("no such device") == 1
            bed.kernel.refuse = set()
            pulse.wake()
            await until(lambda: VIP in bed.kernel.held)

    asyncio.run(run())


def test_status_joins_what_pulse_and_lvsd_know(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running():
            await until(lambda: VIP in bed.kernel.held)
            status = await bed.status()
            assert [(d.name, d.pid) for d in status.daemons][1:] == [
                ("lvsd", 4711),
                ("nanny", 4712),
            ]
            assert (status.plane, status.services[0].name) == ("memory", "web")
            assert status.node.state is NodeState.ACTIVE
            bed.lvsd.silent = True
            alone = await bed.status()
            assert [d.name for d in alone.daemons] == ["pulse", "lvsd"]
            assert alone.addresses == status.addresses
            assert alone.configuration.path == str(bed.file)

    asyncio.run(run())


def test_a_brief_status_tells_how_the_whole_is(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running():
            await until(lambda: VIP in bed.kernel.held)
            brief = await bed.status(brief=True)
            assert bed.lvsd.asked_briefly
            assert (brief.services, brief.events, brief.addresses) == ((), (), ())
            assert (brief.plane, brief.node.state) == ("memory", NodeState.ACTIVE)

    asyncio.run(run())


def test_of_reloads_at_the_same_time_the_last_file_wins(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running():
            await until(lambda: VIP in bed.kernel.held)
            bed.lvsd.judging_s = [0.3, 0.0]
            first = asyncio.create_task(bed.ask("reload"))
            await until(lambda: len(bed.lvsd.judging_s) == 1)
            second = asyncio.create_task(bed.ask("reload"))
            await asyncio.sleep(0.1)
            assert not second.done()
            await asyncio.gather(first, second)

    asyncio.run(run())


def test_no_active_service_after_a_reload_means_no_address(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(virtual("web"))
        async with bed.running() as pulse:
            await until(lambda: VIP in bed.kernel.held)
            bed.write(virtual("web", active=False))
            pulse.reload()
            await until(lambda: VIP not in bed.kernel.held)
            assert any(
                "no address is held" in e.text for e in (await bed.status()).events
            )

    asyncio.run(run())
