"""nanny as a process: what lvsd hears of it, and when it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner

from lvs_engine.cli import nanny as cli
from lvs_engine.control.nanny_protocol import (
    Alive,
    Message,
    StateReport,
    decode,
    encode_checks,
)
from lvs_engine.daemons.once import probed, table
from lvs_engine.health.checks import Check, Watch
from lvs_engine.values import (
    HealthState,
    HealthView,
    ReasonCode,
    ServerHealth,
    ServerKey,
)
from tests.engine.adapters.loopback import (
    closed_port,
    connect,
    dialogue,
    script,
    tcp_server,
)
from tests.engine.adapters.test_prober_program import gone

A, B = ServerKey("web", "a"), ServerKey("web", "b")


class Child:
    """A nanny, seen from lvsd's end of the line."""

    def __init__(
        self, process: subprocess.Popen[bytes], sock: socket.socket, log: IO[bytes]
    ) -> None:
        self.process = process
        self.sock = sock
        self._log = log
        self.heard: list[Message] = []
        self._lines = sock.makefile("rb")

    def watch(self, watches: Sequence[Watch], known: HealthView | None = None) -> None:
        self.sock.sendall(encode_checks(watches, known))

    def wait(self, until: Callable[[Message], bool]) -> Message:
        """The first message from now on for which `until` holds."""
        while True:
            line = self._lines.readline()
            assert line, "nanny ended"
            message = decode(line)
            self.heard.append(message)
            if until(message):
                return message

    def state(self, server: ServerKey, state: HealthState) -> ServerHealth:
        found = self.wait(
            lambda m: (
                isinstance(m, StateReport)
                and m.server == server
                and m.health.state is state
            )
        )
        assert isinstance(found, StateReport)
        return found.health

    def hang_up(self) -> None:
        self._lines.close()
        self.sock.close()

    def log(self) -> str:
        """Hang up, wait for its end, and return what it logged."""
        self.hang_up()
        self.process.wait(5)
        self._log.seek(0)
        return self._log.read().decode("ascii")


@contextlib.contextmanager
def nanny(*options: str) -> Iterator[Child]:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    with ours, tempfile.TemporaryFile() as log:
        with theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "lvs_engine.cli.nanny",
                    "--fd",
                    str(theirs.fileno()),
                    "--foreground",
                    *options,
                ],
                pass_fds=[theirs.fileno()],
                stderr=log,
                extra_groups=[os.getegid(), 54321] if os.geteuid() == 0 else None,
            )
        child = Child(process, ours, log)
        try:
            yield child
        finally:
            child.hang_up()
            process.kill()
            process.wait()


def test_states_are_reported_logged_and_repaired() -> None:
    with nanny() as child:
        with tcp_server() as port:
            child.watch(
                [Watch(A, connect(port, every=0.05)), Watch(B, connect(closed_port()))]
            )
            up = child.state(A, HealthState.UP)
            assert (up.code, up.reason) == (ReasonCode.CONNECTED, "connected")
            assert abs(up.since - time.time()) < 5
        assert child.state(A, HealthState.DOWN).reason == "connection refused"
        with socket.create_server(("127.0.0.1", port)):
            child.state(A, HealthState.UP)
        log = child.log()
    lines = [line for line in log.splitlines() if f"127.0.0.1:{port}" in line]
    assert lines[:3] == [
        f"nanny: [ active ] making 127.0.0.1:{port} available (web, a: connected)",
        f"nanny: [inactive] shutting down 127.0.0.1:{port}"
        " due to connection failure (web, a: connection refused)",
        f"nanny: [ active ] making 127.0.0.1:{port} available (web, a: connected)",
    ]


def test_once_a_second_it_says_that_it_lives() -> None:
    with tcp_server() as port, nanny() as child:
        child.watch([Watch(A, connect(port, every=0.05))])
        child.wait(lambda m: isinstance(m, Alive) and m.results >= 5)
        alive = [m for m in child.heard if isinstance(m, Alive)]
        assert alive[0] == Alive(0, 0.0, 0)
        assert alive[-1].checks == 1
        assert alive[-1].late_s < 0.5


def test_it_ends_when_lvsd_hangs_up_and_takes_running_programs_along(
    tmp_path: Path,
) -> None:
    note = tmp_path / "note"
    note.mkdir(mode=0o777)
    tmp_path.chmod(0o755)
    note.chmod(0o777)
    for folder in tmp_path.parents[:2]:
        folder.chmod(0o755)
    path = script(tmp_path, f"echo $$ > {note}/new; mv {note}/new {note}/pid; sleep 60")
    check = Check("program", "127.0.0.1", 1, program=str(path))
    with nanny() as child:
        child.watch([Watch(A, check)])
        end = time.monotonic() + 5
        while not (note / "pid").exists() and time.monotonic() < end:
            time.sleep(0.01)
        started = time.monotonic()
        child.hang_up()
        assert child.process.wait(5) == 0
        assert time.monotonic() - started < 1.0
    assert gone(int((note / "pid").read_text(encoding="ascii")))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_ends_it_at_once_with_status_0(number: signal.Signals) -> None:
    with nanny() as child:
        child.wait(lambda m: isinstance(m, Alive))
        started = time.monotonic()
        child.process.send_signal(number)
        assert child.process.wait(5) == 0
        assert time.monotonic() - started < 0.5


def test_signals_of_old_use_do_nothing() -> None:
    with tcp_server() as port, nanny() as child:
        child.wait(lambda m: isinstance(m, Alive))
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            child.process.send_signal(number)
        child.watch([Watch(A, connect(port))])
        child.state(A, HealthState.UP)
        assert child.process.poll() is None


def test_a_new_nanny_leaves_a_known_server_as_it_was() -> None:
    """KF-4: lvsd starts a dead nanny again, and nobody's state changes."""
    down = ServerHealth(HealthState.DOWN, ReasonCode.REFUSED, "refused", 900.0)
    up = ServerHealth(HealthState.UP, ReasonCode.CONNECTED, "connected", 800.0)
    with tcp_server() as port:
        watches = [
            Watch(A, connect(port, every=0.4), reentry_s=1),
            Watch(B, connect(port, every=0.4), reentry_s=1),
        ]
        with nanny() as child:
            child.watch(watches, HealthView({A: down, B: up}))
            child.state(A, HealthState.UP)
            told = [m for m in child.heard if isinstance(m, StateReport)]
        states = [(m.server, m.health.state) for m in told]
        assert states == [(A, HealthState.DOWN), (A, HealthState.UP)]
        assert told[0].health.since == 900.0


def test_it_is_ready_soon_enough_to_be_started_again_and_again() -> None:
    """KF-4: a restart is cheap."""
    started = time.monotonic()
    with nanny() as child:
        child.wait(lambda m: isinstance(m, Alive))
    assert time.monotonic() - started < 2.0


def test_a_bad_escape_costs_only_its_own_server() -> None:
    """KF-5."""
    with tcp_server() as port, nanny() as child:
        child.watch([Watch(A, dialogue(port, "\\q", "x")), Watch(B, connect(port))])
        child.state(B, HealthState.UP)
        told = {m.server: m for m in child.heard if isinstance(m, StateReport)}
        assert told[A].health.reason.startswith(r"\q is not an escape")


def test_a_line_that_it_does_not_understand_is_logged_and_passed_over() -> None:
    with tcp_server() as port, nanny() as child:
        child.sock.sendall(b"nonsense\n")
        child.watch([Watch(A, connect(port))])
        child.state(A, HealthState.UP)
        assert "nanny: lvsd: not a line of the nanny protocol" in child.log()


def test_bytes_of_a_server_reach_the_log_as_harmless_text() -> None:
    """KF-83."""
    with tcp_server(lambda c: c.sendall(b"%s%n\n\x1b[2J")) as port, nanny() as child:
        child.watch([Watch(A, dialogue(port, None, "OK"))])
        child.state(A, HealthState.DOWN)
        log = child.log()
    assert r'answered "%s%n\n\x1b[2J"' in log
    assert "\x1b" not in log


def test_what_lvsd_does_not_read_in_time_is_told_later() -> None:
    with nanny() as child:
        port = closed_port()
        watches = [
            Watch(ServerKey("v", f"{n}" + "x" * 2000), connect(port))
            for n in range(500)
        ]
        child.watch(watches)
        time.sleep(0.3)
        told: set[ServerKey] = set()
        while len(told) < 500:
            message = child.wait(lambda m: isinstance(m, StateReport))
            assert isinstance(message, StateReport)
            told.add(message.server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")
def test_root_is_given_up_before_anything_is_heard() -> None:
    """KF-24, KF-84: no raw socket, no capability, no way back."""
    with tcp_server() as port, nanny() as child:
        child.watch([Watch(A, connect(port))])
        child.state(A, HealthState.UP)
        status = Path(f"/proc/{child.process.pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(fields["Uid"].split()) != {"0"}
    assert "0" not in fields["Uid"].split() + fields["Gid"].split()
    assert fields["Groups"].split() == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert fields["NoNewPrivs"] == "1"


CONFIGURATION = """\
service = lvs
virtual web {{
    active = 1
    address = 192.0.2.1 eth0:1
    port = 8000
    timeout = 1
    send = "hello"
    expect = "HTTP"
    server a {{
        address = 127.0.0.1
        active = 1
        port = {port}
    }}
}}
"""


def by_hand(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lvs_engine.cli.nanny", "--once", str(path)],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )


def test_by_hand_every_check_is_made_once_and_the_exit_status_tells(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lvs.cf"
    with tcp_server(lambda c: c.sendall(b"HTTP/1.0 200 OK")) as port:
        path.write_text(CONFIGURATION.format(port=port), encoding="ascii")
        fine = by_hand(path)
        assert (fine.returncode, fine.stderr) == (0, "")
        assert fine.stdout.split()[:6] == [
            "web",
            "a",
            "127.0.0.1",
            str(port),
            "up",
            "L7OK",
        ]
    broken = by_hand(path)
    assert broken.returncode == 1
    assert "down  L4CON" in broken.stdout
    assert broken.stdout.endswith("connection refused\n")


def test_by_hand_a_file_that_cannot_be_used_is_status_2(tmp_path: Path) -> None:
    missing = by_hand(tmp_path / "lvs.cf")
    assert missing.returncode == 2
    assert str(tmp_path / "lvs.cf") in missing.stderr


def test_by_hand_without_anything_it_says_what_to_do() -> None:
    result = CliRunner().invoke(cli.command, [])
    assert result.exit_code == 2
    assert "nanny --once LVS.CF" in result.output


def test_checks_made_once_are_listed_in_the_order_of_the_file() -> None:
    with tcp_server() as port:
        watched = [Watch(A, connect(closed_port())), Watch(B, connect(port))]
        results = probed([watch.check for watch in watched])
    rows = [line.split()[1] for line in table(watched, results).splitlines()]
    assert rows == ["a", "b"]
