"""The command piranha-passwd, as a process on a terminal and on a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from piranha_web import passwords
from piranha_web.passwords import Hasher
from tests.web.people import PASSWORD

COMMAND = [sys.executable, "-c", "from piranha_web.passwd import main; main()"]


def run(path: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PIRANHA_PASSWORD_FILE": str(path)},
    )


def type_at_terminal(path: Path, *lines: str) -> tuple[int, str]:
    """Run it on a terminal of its own; the exit code and all that was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PIRANHA_PASSWORD_FILE"] = str(path)
        os.execv(COMMAND[0], COMMAND)
    shown = ""
    pending = list(lines)
    with os.fdopen(terminal, "rb+", buffering=0) as end:
        while True:
            try:
                read = end.read(1024)
            except OSError:  # Linux: the other end has closed
                break
            if not read:
                break
            shown += read.decode()
            if shown.endswith(("Password: ", "Verify: ")) and pending:
                end.write(pending.pop(0).encode() + b"\n")
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.replace("\r\n", "\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conf" / "piranha.passwd"


def fits(path: Path, password: str) -> bool:
    stored = passwords.stored_hash(path)
    return stored is not None and Hasher().check(stored, password).right


def test_check_36_it_asks_twice_without_echo_and_stores(path: Path) -> None:
    code, shown = type_at_terminal(path, PASSWORD, PASSWORD)
    assert code == 0
    assert shown == "New Password: \nVerify: \nAdding password for user piranha\n"
    assert fits(path, PASSWORD)


def test_check_37_a_mismatch_leaves_the_old_password(path: Path) -> None:
    assert run(path, "--stdin", text=PASSWORD).returncode == 0
    before = path.read_bytes()
    code, shown = type_at_terminal(path, "anders-als-9", "anders-als-8")
    assert code == 1
    assert shown.endswith("Passwords do not match.\n")
    assert path.read_bytes() == before


def test_blanks_and_backslashes_are_kept(path: Path) -> None:
    assert run(path, "--stdin", text=" zwei \\n Lachse \n").returncode == 0
    assert fits(path, " zwei \\n Lachse ")


def test_an_argument_is_taken_with_a_warning_that_does_not_repeat_it(
    path: Path,
) -> None:
    done = run(path, PASSWORD, "ignored")
    assert done.returncode == 0
    assert "command line" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert fits(path, PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "password1", "piranha1"])
def test_a_weak_password_is_refused_and_nothing_is_written(
    path: Path, password: str
) -> None:
    done = run(path, "--stdin", text=password + "\n")
    assert done.returncode == 1
    assert "Nothing was changed." in done.stderr
    assert not path.exists()


def test_wrong_usage_is_exit_2(path: Path) -> None:
    assert run(path, "--unknown").returncode == 2
    assert run(path, "--stdin", PASSWORD).returncode == 2


def test_a_file_that_cannot_be_written_is_exit_3(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path / "file" / "piranha.passwd", "--stdin", text=PASSWORD)
    assert done.returncode == 3
    assert str(tmp_path / "file" / "piranha.passwd") in done.stderr
