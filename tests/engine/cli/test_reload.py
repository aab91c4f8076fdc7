"""`piranha reload` and its exit statuses."""

from __future__ import annotations

from pathlib import Path

from lvs_engine.cli.reload import command
from lvs_engine.errors import ControlError
from tests.engine.cli.node import alone, invoke


def test_a_good_file_runs(tmp_path: Path) -> None:
    answer = {"revision": "5f2c81ab00", "warnings": ["lvs.cf:2:1: warning: old"]}
    result = invoke(tmp_path, command, reload=answer)
    assert result.exit_code == 0
    assert result.stdout == "revision 5f2c81ab runs\n"
    assert result.stderr == "lvs.cf:2:1: warning: old\n"


def test_a_bad_file_is_refused_with_its_problems(tmp_path: Path) -> None:
    refusal = ControlError("the file was refused\nlvs.cf:2:9: error: port")
    result = invoke(tmp_path, command, reload=refusal)
    assert result.exit_code == 1
    assert result.stderr == "piranha: the file was refused\nlvs.cf:2:9: error: port\n"


def test_without_a_daemon_the_exit_status_is_3(tmp_path: Path) -> None:
    result = alone(tmp_path, command)
    assert result.exit_code == 3
    assert "neither pulse nor lvsd runs" in result.stderr
