"""`piranha lab run` as a person starts it, and as it ends: without a trace."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lvs_engine.adapters.control_socket import ask_node
from lvs_engine.adapters.namespaces import Namespaces
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import ServerState, Status
from lvs_engine.daemons.lab.place import Place, usual
from lvs_engine.errors import ControlError
from tests.netns.router_bed import kill, until

pytestmark = pytest.mark.netns

PREFIX = f"piranha-l{os.getpid()}-"
LAB = [sys.executable, "-m", "lvs_engine.cli.lab", "--prefix", PREFIX]
NAMESPACES = Namespaces(PREFIX)


def lab(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [*LAB, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


@contextmanager
def running(
    output: Path, *words: str, command: list[str] | None = None, up: str = "Ctrl-C"
) -> Iterator[subprocess.Popen[bytes]]:
    """`lab run` after it has said all that it says; ended if it was not before."""
    environment = {k: v for k, v in os.environ.items() if k != "PIRANHA_PASSWORD"}
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [*(command or LAB), "run", *words],
            stdout=sink,
            stderr=sink,
            env=environment,
        )
    try:
        until(
            lambda: up in output.read_text() or process.poll() is not None,
            60,
            "the lab",
        )
        assert process.poll() is None, output.read_text()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        lab("down")


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def host_network() -> list[str]:
    """Links, addresses and routes of the host; counters and times left out."""
    lines: list[str] = []
    for what in (["link"], ["-4", "addr"], ["-4", "route"], ["-6", "route"]):
        done = subprocess.run(
            ["ip", "-o", *what], capture_output=True, text=True, check=True
        )
        lines += [
            re.sub(r"(valid_lft|expires) .*", "", x) for x in done.stdout.split("\n")
        ]
    return lines


def traces() -> list[str]:
    """Everything that a lab must not leave."""
    left = [str(p) for p in Path("/run/netns").glob(PREFIX + "*")]
    left += [str(p) for p in Path("/run").glob(PREFIX.rstrip("-") + "*")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (
                process / "environ"
            ).read_bytes()
        except OSError:
            continue
        if PREFIX.rstrip("-").encode() in words and process.name != str(os.getpid()):
            left.append(f"process {process.name}")
    return left


def status(place: Place) -> Status:
    """What the router says; nothing while it does not answer."""
    try:
        return from_dict(ask_node(place.runtime, "status", timeout_s=5))
    except ControlError:
        return Status()


def server(name: str) -> ServerState | None:
    found = [s for v in status(usual(PREFIX)).services for s in v.servers]
    return next((s.state for s in found if s.name == name), None)


def page(port: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        code: int = answer.status
        return code


def test_a_lab_works_and_leaves_no_trace(tmp_path: Path) -> None:
    before, output, port = host_network(), tmp_path / "out", free_port()
    with running(output, "--port", port) as process:
        said = output.read_text()
        assert f"http://127.0.0.1:{port}" in said
        assert re.search(r"password  \w{4}-\w{4}-\w{4}\n", said)
        assert page(port) == 200
        assert host_network() == before

        until(lambda: server("two") is ServerState.UP, 30, "two is up")
        answers = {
            lab("exec", "client", "--", "curl", "-s", "http://192.168.26.10/").stdout
            for _ in range(6)
        }
        assert answers == {"server1\n", "server2\n"}
        assert lab("exec", "client", "--", "false").returncode == 1
        told = lab("exec", "router", "--", "piranha", "status")
        assert "192.168.26.10:80 tcp" in told.stdout
        reached = lab("exec", "server1", "--", "ip", "route", "get", "192.0.2.1").stdout
        assert "via 10.11.12.10" in reached  # the router, which knows no way out
        assert lab("exec", "router", "--", "ip", "route").stdout.count("default") == 0

        second = lab("run", "--port", free_port())
        assert second.returncode == 1
        assert f"a lab runs already (pid {process.pid}" in second.stderr
        assert len(second.stderr.splitlines()) == 1

        assert lab("break", "server1").returncode == 0
        until(lambda: server("one") is ServerState.DOWN, 9, "one leaves")
        assert "server1   broken" in lab("status").stdout
        assert lab("heal", "server1").returncode == 0
        assert "broken" not in lab("status").stdout

        connections = status(usual(PREFIX)).services[0].traffic.connections
        until(
            lambda: status(usual(PREFIX)).services[0].traffic.connections > connections,
            5,
            "the flow of requests goes on",
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert traces() == []
    assert host_network() == before
    assert lab("status").returncode == 3


def runs(pid: int) -> bool:
    """Whether the process lives; one that waits for init to collect it does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_killed_lab_is_cleaned_up_by_the_next_one(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with running(first, "--port", (port := free_port())) as process:
        old = usual(PREFIX).read().parts
        process.kill()
        process.wait()
        with running(second, "--port", port, "--dir", str(tmp_path / "kept")):
            assert page(port) == 200
            fresh = usual(PREFIX).read().parts
            assert set(fresh) == set(old)
            assert not set(fresh.values()) & set(old.values()) - {0}
            assert [pid for pid in old.values() if runs(pid)] == []
    assert traces() == []
    assert (tmp_path / "kept" / "lvs.cf").exists()


def test_a_lab_whose_parts_died_goes_down_all_the_same(tmp_path: Path) -> None:
    with running(tmp_path / "out", "--port", free_port()) as process:
        until(lambda: all(usual(PREFIX).read().parts.values()), 20, "all parts run")
        parts = usual(PREFIX).read().parts
        for name in ("pulse", "page", "server2"):
            kill(parts[name])
        until(
            lambda: usual(PREFIX).read().parts["pulse"] not in {0, parts["pulse"]},
            10,
            "pulse is started again",
        )
        process.terminate()
        assert process.wait(30) == 0
    assert traces() == []


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = lab("run", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: port {port} cannot be used (address already in use): choose another one "
        "with --port\n"
    )
    assert traces() == []


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ([], "the command `ip` is missing (Debian, Ubuntu: apt-get install iproute2)"),
        (["ip", "sh", "true"], "nft"),
    ],
)
def test_a_missing_command_is_one_sentence(
    tmp_path: Path, programs: list[str], said: str
) -> None:
    for program in programs:
        found = next(
            p
            for p in (Path("/usr/sbin", program), Path("/usr/bin", program))
            if p.exists()
        )
        (tmp_path / program).symlink_to(found)
    done = lab("run", "--port", free_port(), PATH=str(tmp_path))
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert traces() == []


def test_without_the_right_to_namespaces_it_is_the_page_alone(tmp_path: Path) -> None:
    output, port = tmp_path / "out", free_port()
    weak = ["setpriv", "--bounding-set=-sys_admin", *LAB]
    with running(output, "--port", port, command=weak) as process:
        said = output.read_text()
        assert "The lab's network is missing: network namespaces cannot be made" in said
        assert page(port) == 200
        (configuration,) = re.findall(r"lvs.cf +(\S+)", said)
        folder = Path(configuration).parent
        until(lambda: status(Place(folder)).services, 20, "lvsd answers")
        now = status(Place(folder))
        assert now.plane == "memory"
        assert {s.state for v in now.services for s in v.servers} <= {
            ServerState.UNCHECKED,
            ServerState.INACTIVE,
        }
        process.terminate()
        assert process.wait(20) == 0
    assert not folder.exists()
    assert traces() == []


def test_commands_without_a_lab_say_so() -> None:
    for words in (["exec", "client", "--", "true"], ["break", "server1"]):
        done = lab(*words)
        assert done.returncode == 1
        assert "no lab runs here; start one with `piranha lab run`" in done.stderr
    assert lab("down").stdout == "no lab runs\n"


def test_an_interrupt_while_it_starts_takes_down_what_there_is(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as sink:
        process = subprocess.Popen([*LAB, "run", "--port", free_port()], stdout=sink)
    until(NAMESPACES.names, 20, "the first namespace")
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert traces() == []
