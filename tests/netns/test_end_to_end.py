"""One router, end to end: a real client, real servers, and things that die."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lvs_engine.control.status import NodeState, ServerState
from lvs_engine.daemons.lab.topology import VIP
from lvs_engine.errors import ControlError
from lvs_engine.network.arp import announcement
from tests.netns.inside import inside
from tests.netns.router_bed import QUICK, Network, kill, until

pytestmark = pytest.mark.netns

HELD = {
    "eth0 192.168.26.9/24 eth0",
    "eth0 192.168.26.10/24 eth0:1",
    "eth1 10.11.12.9/24 eth1",
    "eth1 10.11.12.10/24 eth1:1",
}
OWN = {line for line in HELD if not line.endswith(":1")}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The network with pulse active and both servers up."""
    with Network(tmp_path_factory.mktemp("e2e"), "e").built() as network:
        network.start_services()
        network.start_pulse()
        until(lambda: healthy(network), 20, "both servers up")
        yield network


def healthy(network: Network) -> bool:
    ups = [network.server(name) for name in ("one", "two")]
    return ups == [ServerState.UP, ServerState.UP] and network.addresses() == HELD


@contextmanager
def steady(network: Network) -> Iterator[Counter[str]]:
    """Requests of the client one after the other, all the while; who answered them."""
    answers: Counter[str] = Counter()
    end = threading.Event()

    def send() -> None:
        while not end.is_set():
            answers.update(network.requests(1))
            time.sleep(0.02)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield answers
    finally:
        end.set()
        thread.join()


def test_requests_are_spread_over_the_servers_by_weight(network: Network) -> None:
    answers = network.requests(30)
    assert set(answers) == {"server1", "server2"}
    assert 9 <= answers["server1"] <= 11


def test_the_router_is_active_and_shows_its_addresses(network: Network) -> None:
    status = network.status()
    assert (status.node.role, status.node.state) == ("primary", NodeState.ACTIVE)
    assert [(a.address, a.device, a.present) for a in status.addresses] == [
        ("10.11.12.10", "eth1:1", True),
        (VIP, "eth0:1", True),
    ]
    assert [d.name for d in status.daemons] == ["pulse", "lvsd", "nanny"]


def test_a_server_that_dies_gets_no_more_traffic_until_it_is_well(
    network: Network,
) -> None:
    network.crash("server1")
    # One check a second: it is gone within the timeout, and a moment for the table.
    until(lambda: network.server("one") is ServerState.DOWN, 2.5, "one is down")
    until(lambda: network.requests(3) == {"server2": 3}, 1, "only server2 answers")
    assert network.requests(10) == {"server2": 10}
    network.heal("server1")
    until(lambda: network.request() == "server1", 6, "server1 answers again")
    until(lambda: healthy(network), 5, "both servers up")


@pytest.mark.parametrize("daemon", ["nanny", "lvsd"])
def test_a_daemon_that_is_killed_is_replaced_and_no_request_fails(
    network: Network, daemon: str
) -> None:
    before = network.pid(daemon)
    with steady(network) as answers:
        kill(before)
        until(lambda: network.pid(daemon) not in {0, before}, 10, f"a new {daemon}")
        until(lambda: healthy(network), 10, "both servers up")
        time.sleep(1.5)  # a check interval: what the new one finds must be the same
    assert set(answers) == {"server1", "server2"}
    assert network.addresses() == HELD
    # The new one really works.
    network.crash("server2")
    until(lambda: network.server("two") is ServerState.DOWN, 5, "two is down")
    network.heal("server2")
    until(lambda: healthy(network), 8, "both servers up")


def test_pulse_that_is_killed_is_no_failure_and_its_successor_takes_over(
    network: Network,
) -> None:
    pulse, lvsd = network.pid("pulse"), network.pid("lvsd")
    with steady(network) as answers:
        kill(pulse)
        time.sleep(0.5)
        assert network.addresses() == HELD
        network.start_pulse()
        until(lambda: network.pid("pulse") not in {0, pulse}, 10, "a new pulse")
        until(lambda: healthy(network), 10, "both servers up")
        time.sleep(1.5)
    assert set(answers) == {"server1", "server2"}
    assert network.pid("lvsd") not in {0, lvsd}
    until(lambda: not Path(f"/proc/{lvsd}").exists(), 10, "the former lvsd has ended")


def test_a_table_that_somebody_deletes_is_made_again(network: Network) -> None:
    tables = network.in_router("nft", "list", "tables").split("\n")
    for table in filter(None, tables):
        network.in_router("nft", "delete", *table.split())
    assert network.request(limit_s=0.3) == "-"
    until(lambda: network.request(limit_s=0.3) != "-", 5, "somebody answers again")
    until(lambda: network.status().last_pass.drift, 3, "the drift is told")
    until(lambda: healthy(network), 5, "both servers up")


def test_an_address_deleted_by_hand_comes_back_and_is_announced(
    network: Network,
) -> None:
    mac = bytes.fromhex(
        network.in_router("cat", "/sys/class/net/eth0/address").strip().replace(":", "")
    )
    with arp_listener(network) as hearing:
        network.in_router("ip", "addr", "del", f"{VIP}/24", "dev", "eth0")
        took_s = until(lambda: network.addresses() == HELD, 3, "the VIP is back")
        assert took_s < 2
        frames = [heard(hearing, announcement(mac, VIP)) for _ in range(5)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(frames)]
    assert all(0.5 < gap < 3.0 for gap in gaps)  # a second, on a busy machine
    events = [e.text for e in network.status().events]
    assert any(
        "192.168.26.10/24 on eth0 was taken away by somebody else: restored" in text
        for text in events
    )


@contextmanager
def arp_listener(network: Network) -> Iterator[socket.socket]:
    def listen() -> socket.socket:
        hearing = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        hearing.bind(("eth0", 0x0806))
        hearing.settimeout(3)
        return hearing

    with inside(network.namespaces.of("client"), listen) as hearing:
        yield hearing


def heard(hearing: socket.socket, frame: bytes) -> float:
    """When exactly this frame came; other ARP is passed over."""
    while hearing.recv(2048) != frame:
        pass
    return time.monotonic()


def test_a_reload_brings_a_new_service_with_its_address_and_takes_it_away(
    network: Network,
) -> None:
    second = QUICK.partition("virtual HTTP")[2].replace(VIP, "192.168.26.11")
    second = "virtual second" + second.replace("eth0:1", "eth0:2")
    network.file.write_text(QUICK + second, "ascii")
    network.ask("reload")
    until(lambda: network.request("192.168.26.11") != "-", 5, "the new VIP answers")
    assert "eth0 192.168.26.11/24 eth0:2" in network.addresses()
    network.file.write_text(QUICK, "ascii")
    os.kill(network.pid("pulse"), 1)  # HUP is the same
    until(lambda: network.addresses() == HELD, 5, "the new VIP is gone")
    assert set(network.requests(6)) == {"server1", "server2"}


def test_a_bad_file_is_refused_and_traffic_goes_on(network: Network) -> None:
    network.file.write_text(QUICK.replace("port = 80", "port = 80000"), "ascii")
    with pytest.raises(ControlError, match="80000"):
        network.ask("reload")
    assert set(network.requests(6)) == {"server1", "server2"}
    assert network.status().configuration.rejected
    network.file.write_text(QUICK, "ascii")
    network.ask("reload")


def test_an_orderly_stop_leaves_nothing(network: Network) -> None:
    """Last in this file: what comes after has to start pulse itself."""
    pulse = network.pid("pulse")
    os.kill(pulse, 15)
    until(lambda: network.addresses() == OWN, 10, "the addresses are gone")
    until(lambda: left_of(network) == [], 10, "the daemons are gone")
    assert network.in_router("nft", "list", "ruleset").strip() == ""
    assert sorted(p.name for p in network.runtime.glob("*.sock")) == []
    assert sorted(p.name for p in network.runtime.glob("*.pid")) == []
    assert network.request(limit_s=0.3) == "-"
    assert "Terminating due to signal 15" in network.log.read_text()


def left_of(network: Network) -> list[str]:
    """Processes in the router."""
    listed = subprocess.run(
        ["ip", "netns", "pids", network.namespaces.of("router")],
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.split()
