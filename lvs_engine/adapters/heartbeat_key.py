"""The key that two routers share, read from its file.

The file holds 32 bytes as 64 hexadecimal digits, and belongs to root or to the user
that the daemon runs as; nobody else may read it. It is written by pairing, not here.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lvs_engine.errors import ConfigError
from lvs_engine.heartbeat.signed import KEY_LENGTH

_DIGITS = 2 * KEY_LENGTH


def read_key(path: Path) -> bytes | None:
    """The key; None when there is no file, which means that the node is not paired.

    Raises:
        ConfigError: the file is there, but open to others or without a key. The content
            is in no message.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        # Looked at through the descriptor: the name may be moved in between.
        _check(path, os.fstat(descriptor))
        text = os.read(descriptor, _DIGITS + 2).strip()
    finally:
        os.close(descriptor)
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_LENGTH or len(text) != _DIGITS:
        raise ConfigError(f"{path}: a key of {_DIGITS} hexadecimal digits is wanted")
    if not any(key):
        raise ConfigError(f"{path}: a key of zeros is no secret; pair the nodes again")
    return key


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{path}: is not a regular file")
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(f"{path}: belongs to user {found.st_uid}, not to root")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"{path}: mode {mode:04o} lets others read the key: chmod 600 {path}"
        )
