"""Two drivers on loopback: real sockets, real time, real datagrams."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing

import pytest

from lvs_engine.adapters.heartbeat_udp import Heartbeat, Identity, Way
from lvs_engine.errors import KernelError
from lvs_engine.heartbeat import signed, wire
from lvs_engine.heartbeat.beat import (
    Beat,
    BeatState,
    Envelope,
    Path,
    Reason,
    Word,
)
from lvs_engine.heartbeat.events import Action, Activate, Deactivate, Left, Stop
from lvs_engine.heartbeat.failover import Failover, State
from lvs_engine.heartbeat.settings import Rules, Timing
from lvs_engine.values import Role, ServiceKind

TIMING = Timing(0.1, 0.3)
KEY = bytes(range(32))
ADDRESSES = ("127.0.0.2", "127.0.0.3")
PRIVATE = ("127.0.0.4", "127.0.0.5")
ROLES = (Role.PRIMARY, Role.BACKUP)


class Router:
    """A driver, and what it was told to do; addresses leave at once."""

    def __init__(
        self, index: int, port: int, key: bytes | None, *, paths: int = 1
    ) -> None:
        self.actions: list[Action] = []
        loop = asyncio.get_running_loop()
        rules = Rules(preferred=index == 0, signed=key is not None)
        ways = [Way(Path.PUBLIC, ADDRESSES[index], ADDRESSES[1 - index])]
        if paths == 2:
            ways.append(Way(Path.PRIVATE, PRIVATE[index], PRIVATE[1 - index]))
        self.identity = Identity(ROLES[index], key)
        self.driver = Heartbeat(
            Failover(TIMING, rules, loop.time()),
            self.identity,
            ways,
            port,
            self._perform,
        )

    @property
    def state(self) -> State:
        return self.driver.machine.state

    def start(self) -> Router:
        self.driver.start()
        return self

    def close(self) -> None:
        self.driver.close()

    def _perform(self, action: Action) -> None:
        self.actions.append(action)
        if isinstance(action, Deactivate):
            asyncio.get_running_loop().call_soon(self.driver.feed, Left())


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((ADDRESSES[0], 0))
        return int(one.getsockname()[1])


def run(story: Callable[[int], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(_told(story), 20))


async def _told(story: Callable[[int], Awaitable[None]]) -> None:
    await story(free_port())


async def soon(true: Callable[[], bool], limit_s: float = 3.0) -> None:
    async with asyncio.timeout(limit_s):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def say(data: bytes, source: str, target: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((source, 0))
        one.sendto(data, (target, port))


@pytest.mark.parametrize("key", [None, KEY])
def test_two_routers_elect_the_primary_within_a_second(key: bytes | None) -> None:
    async def story(port: int) -> None:
        with ExitStack() as stack:
            backup = stack.enter_context(closing(Router(1, port, key).start()))
            primary = stack.enter_context(closing(Router(0, port, key).start()))
            await soon(lambda: primary.state is State.ACTIVE, 1.0)
            await soon(lambda: backup.state is State.STANDBY, 1.0)
            await asyncio.sleep(0.5)
            assert (primary.state, backup.state) == (State.ACTIVE, State.STANDBY)
            assert primary.driver.rejected == backup.driver.rejected == {}

    run(story)


def test_a_router_that_vanishes_is_replaced_and_one_that_stops_is_sooner() -> None:
    async def story(port: int) -> None:
        with ExitStack() as stack:
            backup = stack.enter_context(closing(Router(1, port, KEY).start()))
            primary = stack.enter_context(closing(Router(0, port, KEY).start()))
            await soon(lambda: backup.state is State.STANDBY)
            loop = asyncio.get_running_loop()
            gone = loop.time()
            primary.close()
            await soon(lambda: backup.state is State.ACTIVE)
            assert loop.time() - gone > TIMING.deadtime - TIMING.keepalive - 0.05
            again = stack.enter_context(closing(Router(0, port, KEY).start()))
            await soon(lambda: again.state is State.STANDBY)
            gone = loop.time()
            backup.driver.feed(Stop())
            await soon(lambda: again.state is State.ACTIVE)
            assert loop.time() - gone < TIMING.keepalive
            assert again.driver.machine.term == 3

    run(story)


def test_what_is_not_believed_is_counted_and_changes_nothing() -> None:
    async def story(port: int) -> None:
        with ExitStack() as stack:
            backup = stack.enter_context(closing(Router(1, port, KEY).start()))
            primary = stack.enter_context(closing(Router(0, port, KEY).start()))
            await soon(lambda: backup.state is State.STANDBY)
            before = len(primary.actions)
            theirs, own = ADDRESSES[1], ADDRESSES[0]
            beat = Beat(
                Word(BeatState.RUNNING, 99),
                Envelope(Role.BACKUP, Path.PUBLIC, os.urandom(16), 2**63, 1, 1),
            )
            number = wire.encode(BeatState.RUNNING, ServiceKind.LVS)
            echo = Beat(
                beat.word, Envelope(Role.PRIMARY, Path.PUBLIC, bytes(16), 1, 1, 1)
            )
            wanted = {
                Reason.LENGTH: b"abc",
                Reason.MAGIC: os.urandom(3) * 20,
                Reason.STOPME: wire.encode(BeatState.STOPME, ServiceKind.FOS),
                Reason.OTHER_SERVICE: wire.encode(BeatState.RUNNING, ServiceKind.FOS),
                Reason.UNSIGNED: number,
                Reason.SIGNATURE: signed.encode(number, beat, bytes(32)),
                Reason.WRONG_NODE: signed.encode(number, echo, KEY),
            }
            for data in wanted.values():
                say(data, theirs, own, port)
            say(number, "127.0.0.9", own, port)
            await soon(lambda: len(primary.driver.rejected) == len(wanted) + 1)
            assert primary.driver.rejected == dict.fromkeys(
                [*wanted, Reason.STRANGER], 1
            )
            assert primary.state is State.ACTIVE
            assert len(primary.actions) == before
            # The twin: with the key, the same word in a higher term is obeyed.
            say(signed.encode(number, beat, KEY), theirs, own, port)
            await soon(lambda: any(isinstance(a, Deactivate) for a in primary.actions))

    run(story)


def test_a_recorded_heartbeat_is_counted_and_changes_nothing() -> None:
    async def story(port: int) -> None:
        with closing(Router(1, port, KEY)) as backup:
            # We are the primary here, and record what we say.
            backup.start()
            number = wire.encode(BeatState.RUNNING, ServiceKind.LVS)
            boot = os.urandom(16)
            recorded = []
            for sequence in range(1, 8):
                envelope = Envelope(Role.PRIMARY, Path.PUBLIC, boot, 5, sequence, 1)
                beat = Beat(Word(BeatState.RUNNING, 4), envelope)
                recorded.append(signed.encode(number, beat, KEY))
                say(recorded[-1], ADDRESSES[0], ADDRESSES[1], port)
                await asyncio.sleep(0.05)
            assert backup.state.value == "standby"
            began = asyncio.get_running_loop().time()
            while backup.state is not State.ACTIVE:
                for data in recorded:
                    say(data, ADDRESSES[0], ADDRESSES[1], port)
                await asyncio.sleep(0.05)
                assert asyncio.get_running_loop().time() < began + 2.0
            assert backup.driver.rejected[Reason.REPLAYED] > 7
            assert backup.driver.machine.term == 5

    run(story)


def test_old_nodes_are_believed_and_obeyed_without_a_key() -> None:
    async def story(port: int) -> None:
        with closing(Router(1, port, None)) as backup:
            backup.start()
            await soon(lambda: backup.state is State.ACTIVE)
            say(bytes.fromhex("dadaadde"), ADDRESSES[0], ADDRESSES[1], port)
            await soon(lambda: backup.driver.rejected[Reason.STOPME] == 1)
            assert backup.state is State.ACTIVE
            say(bytes.fromhex("dadbadbd"), ADDRESSES[0], ADDRESSES[1], port)
            await soon(lambda: backup.state is State.STANDBY)

    run(story)


def test_each_path_tells_when_it_was_heard_and_how_long_the_way_is() -> None:
    async def story(port: int) -> None:
        with ExitStack() as stack:
            backup = stack.enter_context(closing(Router(1, port, KEY, paths=2).start()))
            primary = stack.enter_context(
                closing(Router(0, port, KEY, paths=2).start())
            )
            await soon(
                lambda: all(
                    view.round_trip_s >= 0
                    for router in (primary, backup)
                    for view in router.driver.paths.values()
                )
            )
            for router in (primary, backup):
                assert set(router.driver.paths) == {Path.PUBLIC, Path.PRIVATE}
                assert set(router.driver.rejected) <= {Reason.OVERTAKEN}
                for view in router.driver.paths.values():
                    assert view.round_trip_s < 0.1
                    assert view.sent > 0
                    assert view.send_errors == 0
            partner = backup.driver.partner.envelope
            assert partner is not None
            assert (partner.keepalive_ms, partner.deadtime_ms) == (100, 300)
            assert partner.boot == primary.identity.boot

    run(story)


def test_a_pair_gets_its_key_one_node_after_the_other_without_a_move() -> None:
    async def story(port: int) -> None:
        with ExitStack() as stack:
            backup = stack.enter_context(closing(Router(1, port, None).start()))
            primary = stack.enter_context(closing(Router(0, port, None).start()))
            await soon(lambda: backup.state is State.STANDBY)
            before = len(primary.actions), len(backup.actions)
            for router in (backup, primary):
                router.identity.key, router.identity.lenient = KEY, True
                await asyncio.sleep(2 * TIMING.deadtime)
            assert (len(primary.actions), len(backup.actions)) == before
            assert not primary.identity.lenient
            assert not backup.identity.lenient
            say(bytes.fromhex("dadbadbd"), ADDRESSES[1], ADDRESSES[0], port)
            await soon(lambda: primary.driver.rejected[Reason.UNSIGNED] == 1)

    run(story)


def test_a_port_in_use_is_told_with_its_name_and_leaves_nothing_open() -> None:
    async def story(port: int) -> None:
        with closing(Router(0, port, KEY)) as one, closing(Router(0, port, KEY)) as two:
            one.start()
            with pytest.raises(KernelError, match=r"127\.0\.0\.2 port .*EADDRINUSE"):
                two.start()
            assert two.actions == []

    run(story)


def test_the_sockets_are_not_inherited() -> None:
    """KF-10."""

    async def story(port: int) -> None:
        with closing(Router(0, port, KEY, paths=2)) as one:
            one.start()
            for each in one.driver._sockets.values():
                assert not each.get_inheritable()
                assert each.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 0

    run(story)


def test_a_closed_driver_is_silent() -> None:
    async def story(port: int) -> None:
        with closing(Router(0, port, KEY)) as one:
            one.start()
            one.close()
            sent = one.driver.paths[Path.PUBLIC].sent
            await asyncio.sleep(2 * TIMING.deadtime)
            assert one.driver.paths[Path.PUBLIC].sent == sent
            assert not any(isinstance(a, Activate) for a in one.actions)

    run(story)
