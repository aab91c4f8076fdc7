"""Reading lvs.cf again: only what differs is touched, and a bad file changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lvs_engine.control.status import ServerState
from lvs_engine.errors import ControlError
from lvs_engine.table.model import Destination, Service
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from lvs_engine.values import Forwarding
from tests.engine.daemons.lvsd_bed import (
    MAIL,
    PREAMBLE,
    WEB,
    Backend,
    Bed,
    backends,
    virtual,
)
from tests.engine.daemons.waiting import until

ONE, TWO = Backend("127.0.0.1"), Backend("127.0.0.2")


@asynccontextmanager
async def two_services(folder: Path) -> AsyncIterator[Bed]:
    """`web` and `mail`, each with the servers ONE and TWO, all up and settled."""
    bed = Bed(folder)
    bed.write(_web(), _mail())
    async with backends(ONE, TWO), bed.running():
        await bed.until_serving(ONE, TWO)
        await bed.until_serving(ONE, TWO, key=MAIL)
        await bed.ask("wait-settled", wait_s=5)
        yield bed


def _web(*servers: str, **more: object) -> str:
    return virtual(
        "web", WEB, *(servers or (ONE.block("one"), TWO.block("two"))), **more
    )


def _mail(*servers: str, **more: object) -> str:
    blocks = servers or (ONE.block("one"), TWO.block("two"))
    return virtual("mail", MAIL, *blocks, **more)


async def changes_of(bed: Bed, *virtuals: str) -> list[Change]:
    """What a reload of this file asks of the kernel."""
    before = bed.plane.messages_sent
    bed.write(*virtuals)
    await bed.ask("reload")
    await bed.ask("wait-settled", wait_s=5)
    return bed.changes_since(before)


def nat(weight: int) -> Destination:
    return Destination(Forwarding.NAT, weight)


def test_a_removed_server_leaves_and_nothing_else_is_touched(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            made = await changes_of(bed, _web(ONE.block("one")), _mail())
            assert made == [RemoveDestination(WEB, TWO.key)]

    asyncio.run(run())


def test_the_order_of_services_and_servers_means_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            turned = (TWO.block("two"), ONE.block("one"))
            assert await changes_of(bed, _mail(*turned), _web(*turned)) == []

    asyncio.run(run())


def test_an_added_server_arrives_with_its_first_success(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            three = Backend("127.0.0.3")
            before = bed.plane.messages_sent
            bed.write(
                _web(ONE.block("one"), TWO.block("two"), three.block("three")), _mail()
            )
            await bed.ask("reload")
            await until(lambda: bool(bed.lvsd and _state(bed, "three")))
            assert bed.changes_since(before) == []
            async with backends(three):
                await bed.until_serving(ONE, TWO, three)
                assert bed.changes_since(before) == [
                    AddDestination(WEB, three.key, nat(1))
                ]

    asyncio.run(run())


def _state(bed: Bed, name: str) -> bool:
    assert bed.lvsd is not None
    servers = {s.name: s for s in bed.lvsd.status().services[0].servers}
    return servers[name].state is ServerState.DOWN


def test_a_changed_weight_is_one_change(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            heavier = (ONE.block("one", weight=7), TWO.block("two"))
            made = await changes_of(bed, _web(*heavier), _mail())
            assert made == [SetDestination(WEB, ONE.key, nat(7))]

    asyncio.run(run())


def test_scheduler_and_persistence_of_a_service_are_applied(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            made = await changes_of(
                bed,
                _web(scheduler="wrr", persistent=60, pmask="255.255.255.0"),
                _mail(),
            )
            assert made == [SetService(WEB, Service("wrr", (), 60, 24))]

    asyncio.run(run())


def test_services_come_and_go_by_themselves(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            assert await changes_of(bed, _web()) == [RemoveService(MAIL)]
            made = await changes_of(bed, _web(active=0), _mail())
            assert made[0] == AddService(MAIL, Service("wlc"))
            assert RemoveService(WEB) in made
            assert {c.service for c in made if isinstance(c, AddDestination)} == {MAIL}

    asyncio.run(run())


def test_a_service_named_by_a_mark_is_another_one(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            made = await changes_of(bed, _web(fwmark=7), _mail())
            assert [type(c) for c in made if not isinstance(c, AddDestination)] == [
                AddService,
                RemoveService,
            ]

    asyncio.run(run())


def test_a_new_check_keeps_the_server_until_its_result(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            assert await changes_of(bed, _web(timeout=2), _mail()) == []
            # They accept and hang up without a word: the new check fails them.
            bed.write(_web(expect='"hello"', timeout=1), _mail())
            await bed.ask("reload")
            await bed.until_serving()
            assert set(bed.destinations(MAIL)) == {ONE.key, TWO.key}

    asyncio.run(run())


def test_the_sorry_server_works_after_a_reload(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            assert await changes_of(bed, _web(sorry_server="127.0.0.9"), _mail()) == []
            await ONE.stop()
            await TWO.stop()
            await until(
                lambda: [k.address for k in bed.destinations()] == ["127.0.0.9"], 8
            )
            await ONE.start()
            await bed.until_serving(ONE)

    asyncio.run(run())


BAD = "virtual web {\n port = many\n scheduler = fastest\n}\n"


def test_a_bad_file_keeps_what_runs_and_says_so_everywhere(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            running = (await bed.status()).configuration
            before = bed.plane.messages_sent
            bed.write(BAD)
            with pytest.raises(ControlError) as refused:
                await bed.ask("reload")
            lines = str(refused.value).splitlines()
            assert lines[0] == ("the file was refused, the running configuration stays")
            assert [line.partition(": error:")[0] for line in lines[1:]] == [
                f"{bed.file}:5:9",
                f"{bed.file}:6:14",
            ]
            status = await bed.status()
            assert status.configuration.revision == running.revision
            assert status.configuration.rejected == tuple(lines[1:])
            assert status.configuration.rejected_revision not in {"", running.revision}
            event = status.events[0]
            assert (event.severity, event.subject) == ("bad", "configuration")
            assert set(bed.destinations()) == {ONE.key, TWO.key}
            assert bed.changes_since(before) == []

            bed.write(_web(), _mail())
            await bed.ask("reload")
            assert (await bed.status()).configuration.rejected == ()

    asyncio.run(run())


def test_a_file_that_vanished_is_a_bad_file(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            bed.file.unlink()
            with pytest.raises(ControlError, match="there is no such file"):
                await bed.ask("reload")
            assert set(bed.destinations()) == {ONE.key, TWO.key}

    asyncio.run(run())


def test_a_signal_reloads_as_a_request_does(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            assert bed.lvsd is not None
            bed.write(BAD)
            bed.lvsd.reload()
            await until(lambda: bool(_rejected(bed)))
            bed.write(_web(ONE.block("one", weight=3)))
            bed.lvsd.reload()
            await until(lambda: bed.destinations() == {ONE.key: 3})
            assert _rejected(bed) == ()

    asyncio.run(run())


def _rejected(bed: Bed) -> tuple[str, ...]:
    assert bed.lvsd is not None
    return bed.lvsd.status().configuration.rejected


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_fifty_reloads_of_a_bad_file_leave_no_descriptor_open(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(_web())
        async with bed.running(checks=False):
            bed.write(BAD)
            with pytest.raises(ControlError):
                await bed.ask("reload")
            before = _open_descriptors()
            for _ in range(50):
                with pytest.raises(ControlError):
                    await bed.ask("reload")
            await asyncio.sleep(0.05)
            assert _open_descriptors() <= before

    asyncio.run(run())


def test_reloads_in_quick_succession_end_in_the_last_file(tmp_path: Path) -> None:
    async def run() -> None:
        async with two_services(tmp_path) as bed:
            assert bed.lvsd is not None
            for weight in range(2, 12):
                bed.write(_web(ONE.block("one", weight=weight)))
                bed.lvsd.reload()
                await asyncio.sleep(0.005)
            await until(lambda: bed.destinations() == {ONE.key: 11})

    asyncio.run(run())


def test_timeouts_that_changed_are_set_again(tmp_path: Path) -> None:
    async def run() -> None:
        bed = Bed(tmp_path)
        bed.write(preamble=PREAMBLE + "tcp_timeout = 700\n")
        async with bed.running(checks=False):
            bed.write(preamble=PREAMBLE + "tcp_timeout = 800\n")
            await bed.ask("reload")
            assert bed.plane.timeouts().tcp == 800

    asyncio.run(run())
