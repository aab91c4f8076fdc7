"""The shared key in its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lvs_engine.adapters.heartbeat_key import read_key
from lvs_engine.errors import ConfigError

KEY = bytes(range(32))


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, "ascii")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_key_is_read(tmp_path: Path, end: str) -> None:
    assert read_key(written(tmp_path / "key", KEY.hex() + end)) == KEY


def test_a_node_without_a_file_is_not_paired(tmp_path: Path) -> None:
    assert read_key(tmp_path / "key") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_that_others_may_read_or_write_is_refused(
    tmp_path: Path, mode: int
) -> None:
    path = written(tmp_path / "key", KEY.hex(), mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}.*chmod 600"):
        read_key(path)


@pytest.mark.parametrize(
    "text",
    ["", "secret", KEY.hex()[:-2], KEY.hex() + "00", "zz" * 32, "00 " * 32, "ff" * 99],
)
def test_what_is_no_key_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "key", text)
    with pytest.raises(ConfigError, match="64 hexadecimal digits") as caught:
        read_key(path)
    assert not text or text not in str(caught.value)


def test_a_key_of_zeros_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="zeros"):
        read_key(written(tmp_path / "key", "00" * 32))


def test_a_directory_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigError, match="not a regular file"):
            read_key(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_that_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "key", KEY.hex())
    os.chown(path, 12345, -1)
    with pytest.raises(ConfigError, match="belongs to user 12345"):
        read_key(path)
