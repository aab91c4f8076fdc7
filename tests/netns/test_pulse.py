"""pulse on a real node: its options, its exit codes, what it leaves alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvs_engine.control.status import NodeState, ServerState
from lvs_engine.errors import ControlError
from tests.netns.router_bed import QUICK, Network, kill, until

pytestmark = pytest.mark.netns

OWN = {"eth0 192.168.26.9/24 eth0", "eth1 10.11.12.9/24 eth1"}
HELD = OWN | {"eth0 192.168.26.10/24 eth0:1", "eth1 10.11.12.10/24 eth1:1"}
# This node is 192.168.26.9: seen from here, these files make it the backup.
BACKUP = QUICK.replace("primary = 192.168.26.9", "primary = 192.168.26.7").replace(
    "backup = 192.168.26.8", "backup = 192.168.26.9"
)
PAIRED = BACKUP.replace("backup_active = 0", "backup_active = 1")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with Network(tmp_path, "p").built() as network:
        network.start_services()
        yield network


def children(network: Network) -> list[int]:
    listed = subprocess.run(
        ["ip", "netns", "pids", network.namespaces.of("router")],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(pid) for pid in listed.stdout.split()]


def test_a_file_that_cannot_be_used_is_refused_in_the_words_of_old(
    network: Network,
) -> None:
    network.file.write_text("primary = 192.168.26.9\nkeepalive = 6s\n", "ascii")
    done = network.run_pulse("-n")
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith(f"pulse: error parsing {network.file} at line 2: ")
    assert second.startswith(f"{network.file}:2:13: error: ")
    network.file.write_text("primary = 192.168.26.9\n", "ascii")
    done = network.run_pulse("-n")
    assert (done.returncode, done.stderr) == (
        1,
        f"pulse: no active lvs services defined in {network.file}\n",
    )
    network.file.unlink()
    done = network.run_pulse("-n")
    assert done.returncode == 1
    assert done.stderr.startswith(f"pulse: failed to open {network.file}\n")
    assert network.addresses() == OWN


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--wrong", "pulse: bad argument --wrong"),
        ("word", "pulse: unexpected arguments"),
    ],
)
def test_wrong_usage_ends_with_exit_code_1(
    network: Network, option: str, said: str
) -> None:
    done = network.run_pulse(option)
    assert done.returncode == 1
    assert done.stderr.startswith(said)


def test_a_backup_that_is_not_in_use_says_so_and_exits_255(network: Network) -> None:
    network.file.write_text(BACKUP, "ascii")
    done = network.run_pulse("-n")
    assert done.returncode == 255
    assert "STARTING PULSE AS BACKUP" in done.stderr
    assert "backup_active is 0" in done.stderr


def test_a_rehearsal_tells_and_does_nothing(network: Network) -> None:
    done = network.run_pulse("-t")
    assert done.returncode == 0
    assert "would add 192.168.26.10/24 on eth0" in done.stdout
    assert "would add 10.11.12.10/24 on eth1" in done.stdout
    assert network.addresses() == OWN
    assert children(network) == []
    assert list(network.runtime.iterdir()) == []
    assert network.in_router("nft", "list", "ruleset").strip() == ""


def test_as_a_daemon_the_command_returns_when_pulse_is_ready(network: Network) -> None:
    done = network.run_pulse()
    assert done.returncode == 0
    pid = int((network.runtime / "pulse.pid").read_text())
    until(lambda: network.addresses() == HELD, 15, "the addresses are held")
    second = network.run_pulse()
    assert second.returncode == 1
    assert f"pulse runs already (pid {pid}" in second.stderr
    os.kill(pid, signal.SIGTERM)
    until(lambda: children(network) == [], 10, "everything has ended")
    assert network.addresses() == OWN
    assert not (network.runtime / "pulse.pid").exists()


def test_a_standby_holds_nothing_and_survives_a_reload(network: Network) -> None:
    network.file.write_text(PAIRED, "ascii")
    pulse = network.start_pulse()
    until(lambda: answering(network) is NodeState.STANDBY, 10, "standby")
    assert network.addresses() == OWN
    pulse.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    used_s = cpu_seconds(pulse.pid)
    time.sleep(1)
    assert cpu_seconds(pulse.pid) - used_s < 0.5  # the original span for ever here
    assert answering(network) is NodeState.STANDBY
    assert network.stop_pulse(pulse) == 0


def answering(network: Network) -> NodeState | None:
    try:
        return network.status().node.state
    except ControlError:
        return None


def cpu_seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def test_a_device_without_alias_keeps_its_own_address_and_stays_up(
    network: Network,
) -> None:
    network.file.write_text(QUICK.replace("eth0:1", "eth0"), "ascii")
    pulse = network.start_pulse()
    until(lambda: len(network.addresses()) == 4, 15, "the addresses are held")
    assert "eth0 192.168.26.10/24 eth0" in network.addresses()
    assert network.stop_pulse(pulse) == 0
    assert network.addresses() == OWN
    assert "state UP" in network.in_router("ip", "link", "show", "eth0")


def test_the_way_up_is_told_in_the_words_that_administrators_search_for(
    network: Network,
) -> None:
    pulse = network.start_pulse("--forceactive")
    until(
        lambda: "gratuitous lvs arps finished" in network.log.read_text(),
        15,
        "the announcements are done",
    )
    assert network.stop_pulse(pulse) == 0
    log = network.log.read_text()
    wanted = [
        "pulse: STARTING PULSE AS MASTER",
        "lvsd: starting virtual service",
        "nanny: [ active ] making",
        "Forced active on startup: activating lvs",
        "pulse: gratuitous lvs arps finished",
        "pulse: Terminating due to signal 15",
    ]
    for words in wanted:
        assert words in log


def test_the_table_is_there_before_the_address(network: Network) -> None:
    """Where nobody can serve, the client waits for an address rather than meet a reset."""
    missing = network.directory / "missing"
    command = [a for a in network.pulse_command("-n") if not a.startswith("--lvsd")]
    with network.log.open("ab") as output:
        pulse = subprocess.Popen([*command, f"--lvsd={missing}"], stderr=output)
    try:
        until(lambda: "cannot be started" in network.log.read_text(), 10, "a complaint")
        time.sleep(1)
        assert network.addresses() == OWN
    finally:
        assert network.stop_pulse(pulse) == 0


def test_a_lost_record_still_takes_its_own_labels_down(network: Network) -> None:
    pulse = network.start_pulse()
    until(lambda: network.addresses() == HELD, 15, "the addresses are held")
    for pid in (network.pid("pulse"), network.pid("lvsd")):
        kill(pid)
    pulse.wait()
    until(lambda: children(network) == [], 5, "nanny ends with lvsd")
    (network.runtime / "addresses.json").unlink()
    again = network.start_pulse()
    until(lambda: answering(network) is NodeState.ACTIVE, 15, "active")
    assert network.stop_pulse(again) == 0
    assert network.addresses() == OWN


def test_a_broken_file_is_no_outage_whoever_dies(network: Network) -> None:
    pulse = network.start_pulse()
    until(lambda: network.request() != "-", 15, "traffic")
    with network.file.open("a") as file:
        file.write("nonsense\n")

    lvsd = network.pid("lvsd")
    kill(lvsd)
    until(lambda: network.pid("lvsd") not in {0, lvsd}, 10, "another lvsd")
    until(lambda: rejected(network), 10, "the file is refused")
    network.crash("server1")
    until(lambda: network.server("one") is ServerState.DOWN, 15, "checks go on")

    kill(network.pid("pulse"))
    pulse.wait()
    again = network.start_pulse()
    until(lambda: answering(network) is NodeState.ACTIVE, 15, "active")
    assert network.addresses() == HELD
    assert rejected(network)
    assert network.request() != "-"

    assert network.stop_pulse(again) == 0
    refused = network.run_pulse("-n")
    assert refused.returncode == 1
    assert "nonsense" in refused.stderr


def rejected(network: Network) -> bool:
    try:
        problems = network.status().configuration.rejected
    except ControlError:
        return False
    return any("nonsense" in problem for problem in problems)
