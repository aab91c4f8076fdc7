"""`pulse` as a command, as far as it needs no rights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

UNUSED_BACKUP = """primary = 192.0.2.1
backup = 127.0.0.1
virtual web {
 active = 1
 address = 192.0.2.10 eth0:1
 port = 80
}
"""


@pytest.mark.parametrize("how", [[], ["-n"], ["-t"]])
def test_a_backup_that_is_not_in_use_is_status_255(
    tmp_path: Path, how: list[str]
) -> None:
    file = tmp_path / "lvs.cf"
    file.write_text(UNUSED_BACKUP)
    pulse = [sys.executable, "-m", "lvs_engine.cli.pulse", "-c", str(file), *how]
    done = subprocess.run(
        [*pulse, "--runtime-dir", str(tmp_path / "run")],
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 255
    if how:  # in the background it may be in syslog
        assert b"backup_active is 0" in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "run" / "pulse.pid").exists()
