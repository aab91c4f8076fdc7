"""External programs as checks."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from lvs_engine.adapters.prober import Loop
from lvs_engine.adapters.prober.lanes import Lanes
from lvs_engine.adapters.prober.program import ProgramProbe
from lvs_engine.health.judge import Event, Failed, Passed
from lvs_engine.values import ReasonCode
from tests.engine.adapters.loopback import (
    bench,
    first,
    open_descriptors,
    program,
    script,
    timed,
)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone(pid: int) -> bool:
    end = time.monotonic() + 2
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def test_status_zero_is_up() -> None:
    assert first(program("true")) == Passed(
        ReasonCode.PROGRAM_OK, "the program succeeded"
    )


def test_the_expected_line_is_up() -> None:
    event = first(program("echo OK", "OK"))
    assert event == Passed(
        ReasonCode.PROGRAM_OK, "the program printed what was expected"
    )


def test_a_line_without_a_newline_keeps_its_last_letter() -> None:
    """KF-15."""
    assert isinstance(first(program("printf OK", "OK")), Passed)
    assert isinstance(first(program("printf OKX", "OK")), Failed)


def test_status_1_is_down_whatever_it_printed(tmp_path: Path) -> None:
    """KF-6."""
    event = first(program(script(tmp_path, "echo OK; exit 1"), "OK"))
    assert event == Failed(
        ReasonCode.PROGRAM_FAILED, r'the program failed: status 1, "OK\n"'
    )


def test_a_program_killed_by_a_signal_is_down(tmp_path: Path) -> None:
    """KF-6."""
    event = first(program(script(tmp_path, "echo OK; kill -9 $$"), "OK"))
    assert isinstance(event, Failed)
    assert event.reason == r'the program was killed by signal 9, "OK\n"'


@pytest.mark.parametrize("name", ["/no/such/program", "no-such-program-anywhere"])
def test_a_missing_program_is_down_and_named(name: str) -> None:
    """KF-6."""
    event = first(program(name + " %h", "OK"))
    assert event == Failed(
        ReasonCode.PROGRAM_FAILED, f"cannot run {name}: no such file or directory"
    )


def test_a_file_that_may_not_be_run_is_down_and_named(tmp_path: Path) -> None:
    """KF-6."""
    path = script(tmp_path, "echo OK")
    path.chmod(0o644)
    event = first(program(path, "OK"))
    assert isinstance(event, Failed)
    assert event.reason == f"cannot run {path}: permission denied"


def test_a_program_that_hangs_is_killed_with_all_its_children(tmp_path: Path) -> None:
    """KF-8."""
    note = tmp_path / "pids"
    path = script(tmp_path, f"sleep 60 & echo $! $$ > {note}; wait")
    event, duration = timed(program(path, "OK"))
    assert event == Failed(
        ReasonCode.PROGRAM_TIMEOUT, "the program ran longer than 0.4 s and was killed"
    )
    assert 0.37 <= duration < 0.6
    assert all(gone(int(pid)) for pid in note.read_text(encoding="ascii").split())


def test_a_program_that_ignores_all_signals_is_killed_nevertheless(
    tmp_path: Path,
) -> None:
    """KF-8."""
    path = script(tmp_path, "trap '' TERM INT HUP ALRM; while :; do sleep 1; done")
    event = first(program(path))
    assert isinstance(event, Failed)
    assert event.code is ReasonCode.PROGRAM_TIMEOUT


def test_a_program_that_prints_200_kb_does_not_block(tmp_path: Path) -> None:
    """KF-13."""
    path = script(tmp_path, "head -c 200000 /dev/zero | tr '\\0' x; exit 0")
    event, duration = timed(program(path))
    assert isinstance(event, Passed)
    assert duration < 0.4
    wrong = first(program(path, "y"))
    assert isinstance(wrong, Failed)
    assert wrong.reason.startswith('the program printed "xxxx')


def test_what_a_background_child_prints_is_not_waited_for(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    path = script(tmp_path, f"sleep 1 & echo $! > {note}; echo OK")
    event, duration = timed(program(path, "OK"))
    assert isinstance(event, Passed)
    assert duration < 0.4


def test_a_wrong_line_or_none_is_down_and_quoted() -> None:
    two = first(program(r"printf OK\nmore", "OK"))
    assert isinstance(two, Failed)
    assert two.reason == r'the program printed "OK\nmore", expected "OK"'
    nothing = first(program("true", "OK"))
    assert isinstance(nothing, Failed)
    assert nothing.reason == 'the program printed nothing, expected "OK"'


def test_a_regular_expression_applies_to_programs_too() -> None:
    """KF-23."""
    check = program("echo load 12", "load [[:digit:]]+", regex=True)
    assert isinstance(first(check), Passed)


def test_address_and_port_are_put_in_anywhere() -> None:
    """KF-22."""
    check = program("echo http://%h:%p/ 'at %h'", "http://10.0.0.1:53/ at 10.0.0.1")
    assert isinstance(first(check), Passed)


def test_no_shell_reads_the_command() -> None:
    check = program("echo $HOME; echo `id` > /dev/null", None)
    wanted = replace(check, expect="$HOME; echo `id` > /dev/null")
    assert isinstance(first(wanted), Passed)


def test_a_script_without_an_interpreter_line_runs_as_it_always_did(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old"
    path.write_text("echo OK $1\n", encoding="ascii")
    path.chmod(0o755)
    assert isinstance(first(program(f"{path} %h", "OK 10.0.0.1")), Passed)


def test_two_copies_of_one_check_never_run_at_the_same_time(tmp_path: Path) -> None:
    note = tmp_path / "note"
    path = script(tmp_path, f"echo + >> {note}; sleep 0.1; echo - >> {note}")
    check = replace(program(path), interval_s=0.05, timeout_s=2.0)
    with bench() as made:
        made.check(check)
        made.run(1.0, until=lambda: len(made.reports) >= 4)
        assert len(made.reports) >= 4
    signs = note.read_text(encoding="ascii").split()
    assert signs[:8] == ["+", "-"] * 4


def test_a_removed_check_takes_its_running_program_with_it(tmp_path: Path) -> None:
    before = open_descriptors()
    note = tmp_path / "pid"
    path = script(tmp_path, f"echo $$ > {note}.new; mv {note}.new {note}; sleep 60")
    with bench() as made:
        made.check(replace(program(path), timeout_s=30.0))
        made.run(2.0, until=note.exists)
        made.check()
        assert gone(int(note.read_text(encoding="ascii")))
        made.run(0.05)
        assert made.reports == []
    assert open_descriptors() == before


def test_finished_programs_leave_neither_descriptors_nor_zombies(
    tmp_path: Path,
) -> None:
    before = open_descriptors()
    note = tmp_path / "pids"
    path = script(tmp_path, f"echo $$ >> {note}")
    slow = replace(program(script(tmp_path, "sleep 9", "slow")), timeout_s=0.05)
    with bench() as made:
        made.check(replace(program(path), interval_s=0.05), slow)
        made.run(0.3)
    assert open_descriptors() == before
    pids = note.read_text(encoding="ascii").split()
    assert len(pids) >= 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


class Outcomes:
    """A run that only takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Event] = []

    def finish(self, outcome: Event, now: float) -> None:
        del now
        self.told.append(outcome)

    def next_step(self, now: float) -> None:
        """Programs have one step."""


def test_a_program_that_was_killed_and_is_still_there_is_not_started_again() -> None:
    loop, outcomes = Loop(), Outcomes()
    probe = ProgramProbe(program("sleep 60"), loop, Lanes(loop), outcomes)
    probe.start(0.0)
    probe.expire(1.0)
    probe.start(1.0)  # before the loop has seen the end of the first one
    probe.close()
    loop.close()
    reasons = [e.reason for e in outcomes.told]
    assert reasons[1:] == ["the program does not end, though it was killed"]
