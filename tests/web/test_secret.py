from __future__ import annotations

import stat
from pathlib import Path

from piranha_web import secret


def test_the_key_is_made_once_and_only_we_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "piranha.secret"
    key = secret.load(path)
    assert len(key) == secret.KEY_BYTES
    assert secret.load(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_broken_key_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "piranha.secret"
    path.write_text("too short\n")
    key = secret.load(path)
    assert secret.load(path) == key


def test_where_no_key_can_be_kept_each_start_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "piranha.secret"
    first = secret.load(path)
    assert len(first) == secret.KEY_BYTES
    assert first != secret.load(path)
