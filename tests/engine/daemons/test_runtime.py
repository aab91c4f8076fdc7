"""Pid file, service manager, log lines, signals and background start of a daemon."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvs_engine.adapters import state_file
from lvs_engine.daemons import logs
from lvs_engine.daemons.notify import Notifier
from lvs_engine.daemons.runtime import (
    AlreadyRunningError,
    keep_watchdog_quiet,
    on_signals,
    pid_file,
    runtime_directory,
    write_dump,
)


def test_the_environment_names_the_runtime_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIRANHA_RUNTIME_DIR", "/somewhere")
    assert runtime_directory() == Path("/somewhere")
    monkeypatch.delenv("PIRANHA_RUNTIME_DIR")
    assert runtime_directory() == Path("/run/piranha")


def test_a_second_instance_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lvsd.pid"
    with pid_file(path):
        assert path.read_text() == f"{os.getpid()}\n"
        with (
            pytest.raises(
                AlreadyRunningError, match=rf"lvsd runs already \(pid {os.getpid()},"
            ),
            pid_file(path),
        ):
            pass
        assert path.exists()
    assert not path.exists()


def test_a_pid_file_left_by_a_killed_daemon_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lvsd.pid"
    path.write_text("99999999999\n")
    with pid_file(path):
        assert path.read_text() == f"{os.getpid()}\n"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A service manager that listens at `tmp_path/notify`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(2)
        listener.bind(str(tmp_path / "notify"))
        yield listener


def test_the_service_manager_hears_how_we_are(
    tmp_path: Path, manager: socket.socket
) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    notifier.ready("active, 12 services")
    notifier.reloading()
    notifier.stopping()
    assert manager.recv(200) == b"READY=1\nSTATUS=active, 12 services"
    reloading, _, stamp = manager.recv(200).partition(b"\nMONOTONIC_USEC=")
    assert reloading == b"RELOADING=1"
    assert 0 <= time.monotonic() - int(stamp) / 1e6 < 5
    assert manager.recv(200) == b"STOPPING=1"


def test_without_a_service_manager_nothing_is_said(tmp_path: Path) -> None:
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()


def test_the_watchdog_hears_the_loop(tmp_path: Path, manager: socket.socket) -> None:
    notifier = Notifier(
        {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000"}
    )
    assert notifier.watchdog_s == 0.01

    async def run() -> None:
        task = asyncio.create_task(keep_watchdog_quiet(notifier))
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(run())
    assert [manager.recv(20) for _ in range(2)] == [b"WATCHDOG=1"] * 2


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(environment: dict[str, str]) -> None:
    assert Notifier(environment).watchdog_s is None


def record(text: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("n", logging.INFO, "p", 1, text, arguments, None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("100%s %n", "lvsd: 100%s %n"),
        ("two\nlines", "lvsd: two | lines"),
        ("bell\x07 esc\x1b[2J", r"lvsd: bell\x07 esc\x1b[2J"),
        ("not\udce4 utf-8", r"lvsd: not\udce4 utf-8"),
    ],
)
def test_a_log_line_is_shown_and_never_obeyed(text: str, line: str) -> None:
    formatter = logs.OneLine("lvsd: ")
    assert formatter.format(record(text)) == line
    assert formatter.format(record("%s", text)) == line


def test_signals_reach_their_handlers() -> None:
    async def run() -> list[str]:
        seen: list[str] = []
        on_signals(
            stop=seen.append,
            reload=lambda: seen.append("reload"),
            dump=lambda: seen.append("dump"),
        )
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
        return seen

    assert asyncio.run(run()) == ["reload", "dump", "signal 15"]


def test_the_state_is_dumped_for_others_to_read(tmp_path: Path) -> None:
    path = write_dump(tmp_path, "lvsd", {"plane": "memory"})
    assert path.name == "lvsd.state.json"
    assert state_file.read(path) == {"plane": "memory"}


def test_a_broken_state_file_is_left_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "health.json"
    assert state_file.read(path) is None
    assert not caplog.records
    path.write_text('{"half":')
    assert state_file.read(path) is None
    assert "is left aside" in caplog.text


_DAEMON = """
import logging, sys
from lvs_engine.daemons import background, logs
from pathlib import Path
logs._SYSLOG = "/there/is/none"
log = logs.own_file(Path(sys.argv[2] + ".log"))
tell = background.go(log)
logs.set_up("lvsd", foreground=False)
if sys.argv[1] == "fails":
    print("lvsd: no", file=sys.stderr)
    sys.exit(1)
tell(int(sys.argv[1]))
tell(7)
logging.getLogger("lvs_engine").info("two\\nlines")
print("nobody reads this")
open(sys.argv[2], "w").write(str(__import__("os").getsid(0)))
"""


@pytest.mark.parametrize("status", [0, 255])
def test_a_daemon_in_the_background_tells_the_status_and_logs_to_a_file(
    tmp_path: Path, status: int
) -> None:
    mark = tmp_path / "mark"
    done = subprocess.run(
        [sys.executable, "-c", _DAEMON, str(status), str(mark)],
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")
    deadline = time.monotonic() + 5
    while not (mark.exists() and mark.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert int(mark.read_text()) != os.getsid(0)
    log = (tmp_path / "mark.log").read_text()
    assert re.fullmatch(r"\d{4}-\d\d-\S+ lvsd\[\d+\]: two \| lines\n", log)


def test_a_log_file_of_ours_that_grew_too_long_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_SYSLOG", "/there/is/none")
    monkeypatch.setattr(logs, "LONGEST_FILE", 100)
    root = logging.getLogger()
    before = root.handlers[:]
    path = tmp_path / "pulse.log"
    with path.open("a") as file:
        monkeypatch.setattr(sys, "stderr", file)
        try:
            logs.set_up("pulse", foreground=False)
            lengths = []
            for _ in range(9):
                root.warning("a line")
                lengths.append(path.stat().st_size)
        finally:
            root.handlers[:] = before
    assert lengths[0] > 0
    assert lengths.count(0) >= 2
    assert max(lengths) <= 100


def test_a_failure_before_ready_is_seen_on_the_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DAEMON, "fails", str(tmp_path / "mark")],
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"lvsd: no\n")


def test_debug_lines_are_switched_on_and_off() -> None:
    ours = logging.getLogger("lvs_engine")
    before = ours.level
    try:
        ours.setLevel(logging.INFO)
        assert logs.toggle_debug() is True
        assert ours.level == logging.DEBUG
        assert logs.toggle_debug() is False
        assert ours.level == logging.INFO
    finally:
        ours.setLevel(before)
