"""Two whole pulses in one process, each on a node in memory, with real heartbeats."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from lvs_engine.control.status import NodeState
from lvs_engine.network.addresses import AddressKey, PresentAddress
from tests.engine.daemons.pulse_bed import OTHER, VIP, Bed, virtual
from tests.engine.daemons.waiting import until

PRIMARY = AddressKey("lo", "127.0.0.2", 8)
BACKUP = AddressKey("lo", "127.0.0.3", 8)
DEADTIME_S = 2.0
COMMANDS = 'active_cmd = "/bin/begin now"\ninactive_cmd = "/bin/end now"\n'


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((PRIMARY.address, 0))
        return int(one.getsockname()[1])


class Two:
    """The beds of both routers."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.head = (
            f"primary = {PRIMARY.address}\nbackup = {BACKUP.address}\n"
            f"backup_active = 1\nheartbeat_port = {self.port}\nkeepalive = 1\n"
            f"deadtime = {DEADTIME_S:g}\nnetwork = direct\n{COMMANDS}"
        )
        self.primary = self._bed(directory / "one", PRIMARY)
        self.backup = self._bed(directory / "two", BACKUP)

    def _bed(self, directory: Path, own: AddressKey) -> Bed:
        directory.mkdir()
        bed = Bed(directory)
        bed.kernel.held = {own: PresentAddress(own, "lo")}
        bed.write(virtual("web"), head=self.head)
        return bed

    def write(self, *blocks: str) -> None:
        for bed in (self.primary, self.backup):
            bed.write(*blocks, head=self.head)


def held(bed: Bed) -> Callable[[], bool]:
    return lambda: VIP in bed.kernel.held


def test_the_primary_takes_the_addresses_and_the_backup_runs_its_table(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.backup.running(), two.primary.running():
            await until(held(two.primary), 5)
            assert two.primary.journal[-3:] == [
                "/bin/begin now",
                "settled",
                "+192.0.2.80",
            ]
            await until(lambda: two.backup.journal == ["/bin/end now"])
            assert VIP not in two.backup.kernel.held
            assert two.backup.lvsd.status.state == "running"
            node = (await two.backup.status()).node
            assert (node.role, node.state) == ("backup", NodeState.STANDBY)
            peer = (await two.primary.status(brief=True)).peer
            assert peer is not None
            assert (peer.address, peer.signed) == (BACKUP.address, False)
            assert two.backup.wire.frames == []

    asyncio.run(run())


def test_a_backup_alone_waits_for_the_dead_time(tmp_path: Path) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.backup.running():
            await asyncio.sleep(DEADTIME_S / 2)
            assert VIP not in two.backup.kernel.held
            await until(held(two.backup), 5)
            assert "partner dead" in (await two.backup.status()).node.reason

    asyncio.run(run())


def test_forced_it_is_active_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.backup.running(forced=True):
            await until(held(two.backup), DEADTIME_S / 2)

    asyncio.run(run())


def test_an_orderly_stop_hands_over_without_waiting(tmp_path: Path) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.backup.running():
            async with two.primary.running():
                await until(held(two.primary), 5)
                await until(lambda: "/bin/end now" in two.backup.journal)
            assert VIP not in two.primary.kernel.held
            await until(held(two.backup), DEADTIME_S / 2)

    asyncio.run(run())


def test_a_table_that_cannot_be_had_leaves_the_addresses_to_the_partner(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.primary.running(), two.backup.running():
            two.primary.lvsd.trouble = "no IPVS here"
            await until(held(two.backup), 8)
            assert VIP not in two.primary.kernel.held

    asyncio.run(run())


def test_a_reload_moves_nothing_and_brings_new_addresses(tmp_path: Path) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.primary.running(), two.backup.running():
            await until(held(two.primary), 5)
            two.head = two.head.replace("deadtime = 2", "deadtime = 3")
            two.write(virtual("web"), virtual("shop", OTHER.address, "eth0:2"))
            await two.primary.ask("reload")
            await two.backup.ask("reload")
            await until(lambda: OTHER in two.primary.kernel.held)
            two.head = two.head.replace(f"= {two.port}", f"= {free_port()}")
            two.write(virtual("web"), virtual("shop", OTHER.address, "eth0:2"))
            await two.primary.ask("reload")
            await two.backup.ask("reload")
            await asyncio.sleep(1.5)
            assert "-192.0.2.80" not in two.primary.journal
            assert not any(entry.startswith("+") for entry in two.backup.journal)
            assert (await two.primary.status()).node.state is NodeState.ACTIVE

    asyncio.run(run())


def test_without_its_backup_the_primary_goes_on_alone(tmp_path: Path) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.primary.running():
            await until(held(two.primary), 5)
            two.head = two.head.replace("backup_active = 1", "backup_active = 0")
            two.write(virtual("web"))
            await two.primary.ask("reload")
            await asyncio.sleep(0.5)
            status = await two.primary.status()
            assert (status.node.state, status.peer) == (NodeState.ACTIVE, None)
            assert status.node.reason == "the only router"
            assert "-192.0.2.80" not in two.primary.journal

    asyncio.run(run())


def test_what_an_active_one_left_when_it_was_killed_is_resumed(tmp_path: Path) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.backup.running():
            async with two.primary.running(killed=True):
                await until(held(two.primary), 5)
                await until(lambda: "/bin/end now" in two.backup.journal)
            two.primary.journal.clear()
            async with two.primary.running():
                await until(lambda: "settled" in two.primary.journal, 3)
                assert two.primary.journal == ["/bin/begin now", "settled"]
                assert VIP not in two.backup.kernel.held

    asyncio.run(run())


def test_an_lvsd_that_does_not_answer_for_a_while_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.primary.running():
            two.primary.lvsd.trouble = "no IPVS here"
            await until(
                lambda: any(
                    "no IPVS here" in e.text
                    for e in two.primary.timeline.newest_first()
                ),
                5,
            )
            with_trouble = (await two.primary.status()).node
            assert with_trouble.state is not NodeState.ACTIVE
            two.primary.lvsd.trouble = ""
            await until(held(two.primary), 8)

    asyncio.run(run())


def test_a_key_that_comes_to_both_signs_the_heartbeats_and_moves_nothing(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.primary.running(), two.backup.running():
            await until(held(two.primary), 5)
            for bed in (two.primary, two.backup):
                key = bed.directory / "piranha.key"
                key.write_text("5a" * 32, "ascii")
                key.chmod(0o600)
                await bed.ask("reload")
                await asyncio.sleep(0.5)

            async def signed() -> bool:
                peers = [(await b.status()).peer for b in (two.primary, two.backup)]
                return all(
                    p and p.signed and p.term and p.same_configuration for p in peers
                )

            for _ in range(40):
                if await signed():
                    break
                await asyncio.sleep(0.1)
            assert await signed()
            assert "-192.0.2.80" not in two.primary.journal
            assert VIP not in two.backup.kernel.held

    asyncio.run(run())


def test_a_key_that_others_can_read_is_told_and_not_used(tmp_path: Path) -> None:
    async def run() -> None:
        two = Two(tmp_path)
        async with two.primary.running():
            await until(held(two.primary), 5)
            (two.primary.directory / "piranha.key").write_text("5a" * 32, "ascii")
            (two.primary.directory / "piranha.key").chmod(0o644)
            await two.primary.ask("reload")
            await until(
                lambda: any(
                    "chmod 600" in e.text for e in two.primary.timeline.newest_first()
                )
            )
            status = await two.primary.status()
            assert status.peer is not None
            assert not status.peer.signed
            assert status.node.state is NodeState.ACTIVE

    asyncio.run(run())
