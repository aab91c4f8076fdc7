"""`lvsd` as a command: real processes, the table in memory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from lvs_engine.adapters import state_file
from lvs_engine.adapters.control_socket import ask
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import Status
from lvs_engine.errors import NotRunningError

FILE = """primary = 192.0.2.1
virtual web {
 active = 1
 address = 192.0.2.10 eth0:1
 port = 80
 server one {
  address = 127.0.0.1
  port = 9
  active = 1
 }
}
"""
LVSD = [sys.executable, "-m", "lvs_engine.cli.lvsd"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime directory with a good lvs.cf in it."""
    monkeypatch.setenv("PIRANHA_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "lvs.cf").write_text(FILE)
    return tmp_path


def command(folder: Path, *options: str) -> list[str]:
    return [*LVSD, "-c", str(folder / "lvs.cf"), "--plane", "memory", *options]


@contextlib.contextmanager
def foreground(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(command(folder, "-n", *options), stderr=log) as process,
    ):
        try:
            wait_for(lambda: answers(folder) or process.poll() is not None)
            yield process
        finally:
            process.kill()


def wait_for(true: Callable[[], bool], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def answers(folder: Path) -> bool:
    try:
        return bool(status(folder).last_pass.outcome)
    except NotRunningError:
        return False


def status(folder: Path) -> Status:
    return from_dict(ask(folder / "lvsd.sock", "status", 5.0))


def text_of(folder: Path) -> str:
    return (folder / "log").read_text()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_term_withdraws_the_services_and_ends_with_status_0(folder: Path) -> None:
    with foreground(folder) as lvsd:
        nanny = status(folder).daemons[1].pid
        lvsd.send_signal(signal.SIGTERM)
        assert lvsd.wait(10) == 0
    assert "lvsd: shutting down due to signal 15" in text_of(folder)
    assert "Traceback" not in text_of(folder)
    assert gone(nanny)
    assert sorted(p.name for p in folder.iterdir()) == [
        "health.json",
        "log",
        "lvs.cf",
        "owned.json",
    ]
    assert state_file.read(folder / "owned.json") == {
        "plane": "memory",
        "services": [],
    }


def test_a_killed_lvsd_takes_nanny_along_and_can_be_started_again(
    folder: Path,
) -> None:
    with foreground(folder) as first:
        nanny = status(folder).daemons[1].pid
        first.kill()
        first.wait(5)
        wait_for(lambda: gone(nanny))
        assert (folder / "lvsd.sock").exists()
    with foreground(folder, "-t"):
        assert status(folder).last_pass.outcome == "settled"


BROKEN = FILE + "keepalive = no\n"


def crash(folder: Path) -> None:
    with foreground(folder, "-t") as lvsd:
        assert (folder / "lvsd.last-good.cf").stat().st_mode & 0o777 == 0o600
        lvsd.kill()


def test_after_a_crash_what_ran_runs_on_beside_a_broken_file(folder: Path) -> None:
    revision = sha256(FILE.encode()).hexdigest()
    crash(folder)
    (folder / "lvs.cf").write_text(BROKEN)
    with foreground(folder, "-t"):
        after = status(folder)
        assert [s.name for s in after.services] == ["web"]
        assert after.configuration.revision == revision
        assert after.configuration.rejected_revision not in {"", revision}
        assert ":12:13: error: " in after.configuration.rejected[0]
        event = after.events[0]
        assert (event.severity, event.subject) == ("bad", "configuration")
        assert event.text.startswith("refused: ")
        assert "the running configuration stays" in text_of(folder)

        (folder / "lvs.cf").write_text(FILE + "keepalive = 5\n")
        ask(folder / "lvsd.sock", "reload", 5.0)
        assert status(folder).configuration.rejected == ()


@pytest.mark.parametrize("spoil", ["stop in order", "other file", "garbage"])
def test_a_broken_file_is_refused_where_nothing_ran_before(
    folder: Path, spoil: str
) -> None:
    crash(folder)
    kept = folder / "lvsd.last-good.cf"
    if spoil == "stop in order":
        with foreground(folder, "-t") as lvsd:
            lvsd.terminate()
            lvsd.wait(10)
        assert not kept.exists()
    elif spoil == "garbage":
        kept.write_bytes(kept.read_bytes() + b"\xff\n")
    else:
        kept.write_text(kept.read_text().replace("lvs.cf", "other.cf"))
    (folder / "lvs.cf").write_text(BROKEN)
    with foreground(folder, "-t") as lvsd:
        assert lvsd.wait(10) == 1


def test_a_crash_takes_no_edit_into_use_that_nobody_reloaded(folder: Path) -> None:
    crash(folder)
    (folder / "lvs.cf").write_text(FILE.replace("virtual web", "virtual shop"))
    with foreground(folder, "-t", "--resume") as lvsd:
        assert [s.name for s in status(folder).services] == ["web"]
        assert status(folder).configuration.rejected == ()
        assert "was not reloaded: what ran goes on" in text_of(folder)
        lvsd.kill()
    with foreground(folder, "-t"):
        assert [s.name for s in status(folder).services] == ["shop"]


def test_a_second_instance_is_refused(folder: Path) -> None:
    with foreground(folder, "-t") as first:
        second = subprocess.run(
            command(folder, "-n", "-t"), capture_output=True, timeout=10, check=False
        )
        assert second.returncode == 1
        message = second.stderr.decode()
        assert message.startswith(f"lvsd: lvsd runs already (pid {first.pid}, ")
        assert answers(folder)


@pytest.mark.parametrize("how", [["-n"], []])
def test_a_bad_file_is_refused_with_every_problem(folder: Path, how: list[str]) -> None:
    (folder / "lvs.cf").write_text("virtual web {\n port = many\n}\nkeepalive = no\n")
    done = subprocess.run(
        command(folder, *how), capture_output=True, timeout=10, check=False
    )
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert any(":2:9: error:" in line for line in lines)
    assert any(":4:13: error:" in line for line in lines)
    assert not (folder / "lvsd.pid").exists()


def test_signals_reload_dump_and_debug(folder: Path) -> None:
    with foreground(folder, "-t") as lvsd:
        lvsd.send_signal(signal.SIGUSR1)
        dump = folder / "lvsd.state.json"
        wait_for(dump.exists)
        state = state_file.read(dump)
        assert isinstance(state, dict) and from_dict(state).plane == "memory"

        (folder / "lvs.cf").write_text("keepalive = no\n")
        lvsd.send_signal(signal.SIGHUP)
        wait_for(lambda: bool(status(folder).configuration.rejected))
        assert "rereading configuration file" in text_of(folder)
        assert "the running configuration stays" in text_of(folder)
        assert [s.name for s in status(folder).services] == ["web"]

        lvsd.send_signal(signal.SIGUSR2)
        wait_for(lambda: "debug lines are on now" in text_of(folder))


def test_test_start_runs_no_checks(folder: Path) -> None:
    with foreground(folder, "--norun"):
        lvsd, nanny = status(folder).daemons
        assert (lvsd.state, nanny.state, nanny.pid) == ("running", "stopped", 0)


def test_it_goes_into_the_background_when_it_is_ready(folder: Path) -> None:
    started = subprocess.run(
        command(folder, "-t"), capture_output=True, timeout=10, check=False
    )
    assert started.returncode == 0
    assert b"error" not in started.stderr
    pid = int((folder / "lvsd.pid").read_text())
    try:
        assert status(folder).last_pass.outcome == "settled"
        assert os.getsid(pid) != os.getsid(0)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not (folder / "lvsd.pid").exists())


@pytest.mark.parametrize(
    ("options", "exit_status", "words"),
    [
        (["--version"], 0, "lvsd "),
        (["--help"], 0, "Signals: TERM and INT withdraw"),
        (["--nonsense"], 1, "--nonsense"),
        (["left-over"], 1, "left-over"),
    ],
)
def test_options_are_answered_as_ever(
    options: list[str], exit_status: int, words: str
) -> None:
    done = subprocess.run(
        [*LVSD, *options], capture_output=True, timeout=10, check=False
    )
    assert done.returncode == exit_status
    assert words in (done.stdout + done.stderr).decode()
