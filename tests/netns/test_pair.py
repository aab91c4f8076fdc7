"""Two real routers: who is active, what a client notices, what is on the wire."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lvs_engine.adapters.namespaces import Link, Node
from lvs_engine.control.status import NodeState
from lvs_engine.daemons.lab.topology import VIP
from lvs_engine.errors import ControlError
from tests.netns.inside import inside
from tests.netns.router_bed import QUICK, Network, kill, until

pytestmark = pytest.mark.netns

DEADTIME_S = 3
MARGIN_S = 2  # table, addresses and a busy machine
PAIR = (
    QUICK.replace("backup_active = 0", "backup_active = 1")
    .replace("keepalive = 6", "keepalive = 1")
    .replace("deadtime = 18", f"deadtime = {DEADTIME_S}")
)
SECOND = Node(
    "router2",
    (
        Link("eth0", "public", "192.168.26.8/24"),
        Link("eth1", "private", "10.11.12.8/24"),
    ),
    forwards=True,
)
# On the wire, from the packets of the original.
RUNNING = bytes.fromhex("dadbadbd")
STOPPED = bytes.fromhex("bddabdad")
STOPME = bytes.fromhex("dadaadde")
PRIMARY_END = ("192.168.26.9", 539)
BACKUP_END = ("192.168.26.8", 539)


class Router(Network):
    """One of the two routers, each with a runtime directory of its own."""

    def holds(self) -> bool:
        return any(f" {VIP}/" in address for address in self.addresses())

    def state(self) -> NodeState | None:
        with contextlib.suppress(ControlError):
            return self.status().node.state
        return None

    def crash_all(self) -> None:
        """The whole daemon dies at once; addresses and table stay in the kernel."""
        for daemon in ("pulse", "lvsd", "nanny"):
            if pid := self.pid(daemon):
                kill(pid)

    def start(self, *options: str) -> None:
        self.process = self.start_pulse(*options)

    def end(self) -> None:
        assert self.stop_pulse(self.process) == 0


class PairOfRouters:
    def __init__(self, primary: Router, backup: Router) -> None:
        self.primary = primary
        self.backup = backup

    def active(self) -> list[str]:
        both = {"primary": self.primary, "backup": self.backup}
        return [name for name, router in both.items() if router.holds()]

    def settled(self, *, backup_first: bool = False) -> None:
        """Both run, and the primary is the active one."""
        routers = [self.primary, self.backup]
        for router in reversed(routers) if backup_first else routers:
            router.start()
        until(
            lambda: (
                self.primary.state() is NodeState.ACTIVE
                and self.backup.state() is NodeState.STANDBY
                and self.primary.request() != "-"
            ),
            15,
            "the primary serves",
        )
        # Its table has to be loaded for what comes.
        until(lambda: self.backup.server("one") == "up", 10, "the backup checks too")
        assert self.active() == ["primary"]

    def stays(self, name: str, seconds: float) -> None:
        """`name` alone holds the address, and the client is served all the time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.active() == [name]
            assert self.primary.request() != "-"
            time.sleep(0.1)


@pytest.fixture
def routers(tmp_path: Path) -> Iterator[PairOfRouters]:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    primary, backup = Router(tmp_path / "one", "d"), Router(tmp_path / "two", "d")
    backup.namespaces, backup.router = primary.namespaces, SECOND.name
    for router in (primary, backup):
        router.file.write_text(PAIR, "ascii")
    with primary.built(SECOND):
        primary.start_services()
        try:
            yield PairOfRouters(primary, backup)
        finally:
            backup.end_processes()


def test_whoever_starts_first_the_primary_is_active_and_stays(
    routers: PairOfRouters,
) -> None:
    # On a busy machine a start takes seconds.
    for router in (routers.primary, routers.backup):
        router.file.write_text(PAIR.replace("deadtime = 3", "deadtime = 8"), "ascii")
    routers.settled(backup_first=True)
    routers.primary.ask("reload")
    routers.backup.ask("reload")
    routers.stays("primary", 1)
    kill(routers.primary.pid("pulse"))
    routers.primary.process.wait()
    routers.primary.start()
    until(lambda: routers.primary.state() is NodeState.ACTIVE, 8, "it resumes")
    routers.stays("primary", 1.5)
    assert routers.backup.state() is NodeState.STANDBY
    peer = routers.backup.status().peer
    assert peer is not None
    assert (peer.address, peer.state, peer.silent) == (PRIMARY_END[0], "running", False)
    assert not peer.signed
    assert "not signed" in peer.warning
    assert [path.name for path in peer.paths] == ["public", "private"]
    assert all(path.heard_at > time.time() - 2 for path in peer.paths)


def test_an_orderly_stop_hands_over_at_once_and_nothing_moves_back(
    routers: PairOfRouters,
) -> None:
    routers.settled()
    began = time.monotonic()
    routers.primary.process.terminate()
    until(routers.backup.holds, DEADTIME_S, "the backup has the address")
    until(lambda: routers.primary.request() != "-", 2, "the client is served")
    assert time.monotonic() - began < DEADTIME_S / 2
    assert routers.primary.process.wait(10) == 0
    routers.primary.start()
    until(lambda: routers.primary.state() is NodeState.STANDBY, 10, "it is back")
    routers.stays("backup", DEADTIME_S + 1)
    assert "inactive: activating lvs" in routers.backup.log.read_text()


def test_after_kill_9_of_everything_the_other_one_serves(
    routers: PairOfRouters,
) -> None:
    routers.settled()
    routers.primary.crash_all()
    until(
        lambda: routers.backup.holds() and routers.primary.request() != "-",
        DEADTIME_S + MARGIN_S,
        "the backup serves",
    )
    assert "partner dead: activating lvs" in routers.backup.log.read_text()
    routers.primary.process.wait()
    # What the dead one left behind goes when it is back (KF-3).
    routers.primary.start()
    until(lambda: routers.active() == ["backup"], 10, "one of the two has it")
    routers.stays("backup", 1)


def test_an_active_one_without_links_is_replaced_and_of_two_the_backup_yields(
    routers: PairOfRouters,
) -> None:
    routers.settled()
    cables = [f"{routers.primary.router}-{device}" for device in ("eth0", "eth1")]

    def cable(state: str) -> None:
        for name in cables:
            routers.primary.in_node("switch", "ip", "link", "set", name, state)

    cable("down")
    until(
        lambda: routers.backup.holds() and routers.primary.request() != "-",
        DEADTIME_S + MARGIN_S,
        "the backup serves",
    )
    cable("up")
    until(lambda: routers.active() == ["primary"], 10, "one of the two has it")
    until(lambda: routers.primary.request() != "-", 5, "the primary serves")
    assert "partner active: deactivating LVS" in routers.backup.log.read_text()
    assert "partner active: resending arps" in routers.primary.log.read_text()


def test_a_node_that_sees_its_link_go_gives_up_without_waiting(
    routers: PairOfRouters,
) -> None:
    for router in (routers.primary, routers.backup):
        watched = PAIR.replace("monitor_links = 0", "monitor_links = 1")
        router.file.write_text(watched, "ascii")
    routers.settled()
    port = f"{routers.primary.router}-eth0"
    routers.primary.in_node("switch", "ip", "link", "set", port, "down")
    # The private path still tells the partner.
    until(lambda: routers.active() == ["backup"], DEADTIME_S - 0.5, "handed over")
    until(lambda: routers.primary.request() != "-", 3, "the backup serves")
    assert "Local NIC link failure: Pulse disabled" in routers.primary.log.read_text()
    routers.primary.in_node("switch", "ip", "link", "set", port, "up")
    restored = "Local NIC link(s) restored: Pulse enabled"
    until(lambda: restored in routers.primary.log.read_text(), 5, "it sees the link")
    routers.stays("backup", 1)


def test_the_original_format_is_spoken_and_forged_datagrams_change_nothing(
    routers: PairOfRouters,
) -> None:
    routers.primary.start()
    with partner(routers) as (hear, say):
        until(routers.primary.state, 10, "the primary runs")
        assert hear() == STOPPED
        say(STOPPED)
        until(routers.primary.holds, 10, "the primary is active")
        until(lambda: hear() == RUNNING, 5, "it says so")
        for forged in (STOPME, b"x", b"garbage", bytes(2000), b""):
            say(forged)
        time.sleep(0.5)
        assert hear() == RUNNING
        status = routers.primary.status()
        assert status.node.state is NodeState.ACTIVE
        assert routers.primary.holds()
        assert status.peer is not None
        assert sum(status.peer.rejected.values()) == 5
        assert status.peer.rejected["stop-me outside of fos mode"] == 1


@contextlib.contextmanager
def partner(
    routers: PairOfRouters,
) -> Iterator[tuple[Callable[[], bytes], Callable[[bytes], object]]]:
    """An old backup by hand: the next heartbeat that comes, and a way to say things."""

    def bound() -> socket.socket:
        own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        own.bind(BACKUP_END)
        own.settimeout(10)
        return own

    own = inside(routers.primary.namespaces.of(SECOND.name), bound)

    def hear() -> bytes:
        data, source = own.recvfrom(2048)
        assert source == PRIMARY_END
        return data

    with own:
        yield hear, lambda data: own.sendto(data, PRIMARY_END)
