"""Running other programs."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

from lvs_engine.adapters.commands import OUTPUT_LIMIT, Command, run
from tests.engine.adapters.loopback import open_descriptors, script
from tests.engine.adapters.test_prober_program import gone


def test_status_and_output_come_back() -> None:
    ended = run(["sh", "-c", "echo hello; exit 3"], 5.0)
    assert (ended.status, ended.output, ended.ok) == (3, b"hello\n", False)
    assert run(["true"], 5.0).ok


def test_words_are_arguments_and_no_shell_reads_them() -> None:
    assert run(["printf", "%s|", "a b", "$HOME", "*"], 5.0).output == b"a b|$HOME|*|"


def test_a_missing_program_is_trouble_and_no_exception() -> None:
    ended = run(["/no/such/program"], 5.0)
    assert ended.status is None
    assert ended.trouble == "cannot run /no/such/program: no such file or directory"
    assert not run([], 5.0).ok
    assert not run(["echo", "\0"], 5.0).ok


def test_the_time_limit_kills_the_whole_group(tmp_path: Path) -> None:
    """KF-8."""
    note = tmp_path / "pid"
    started = time.monotonic()
    ended = run([str(script(tmp_path, f"sleep 60 & echo $! > {note}; wait"))], 0.2)
    assert time.monotonic() - started < 1.0
    assert (ended.timed_out, ended.status, ended.ok) == (True, -signal.SIGKILL, False)
    assert gone(int(note.read_text(encoding="ascii")))


def test_output_of_any_length_is_read_and_the_first_64_kib_are_kept() -> None:
    """KF-13."""
    ended = run(["head", "-c", "300000", "/dev/zero"], 5.0)
    assert ended.ok
    assert ended.output == bytes(OUTPUT_LIMIT)


def test_a_program_that_closes_its_output_early_is_waited_for() -> None:
    ended = run(["sh", "-c", "echo x; exec >&-; sleep 0.1; exit 4"], 5.0)
    assert (ended.status, ended.output) == (4, b"x\n")


def test_a_command_that_still_runs_is_not_started_again() -> None:
    command = Command(["sleep", "0.15"])
    thread = threading.Thread(target=command.run, args=(5.0,))
    thread.start()
    time.sleep(0.05)
    second = command.run(5.0)
    thread.join()
    assert second.trouble == "sleep still runs"
    assert command.run(5.0).ok


def test_nothing_stays_open() -> None:
    before = open_descriptors()
    for argv in (["true"], ["sleep", "9"], ["/no/such"], ["echo", "x"]):
        run(argv, 0.1)
    assert open_descriptors() == before


def test_a_program_starts_with_the_usual_signals_and_in_its_own_session() -> None:
    shown = run(["cat", "/proc/self/status"], 5.0).output.decode()
    ignored = int(shown.partition("SigIgn:")[2].split()[0], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))
    session = run(["sh", "-c", "cut -d' ' -f6 /proc/$$/stat; echo $$"], 5.0).output
    first, second = session.split()
    assert first == second
