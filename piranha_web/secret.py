"""The key that signs sessions: read from its file, or made there once."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

log = logging.getLogger("piranha-gui")

KEY_BYTES = 32


def load(path: Path) -> bytes:
    """The key in `path`, made with mode 0600 when there is none.

    Where the file can neither be read nor made, a key for the life of this process is
    returned, and the log says so: everybody has to log in again after a restart.
    """
    try:
        return _read(path) or _make(path)
    except OSError as error:
        log.warning(
            "session key %s cannot be kept (%s): sessions end when piranha-gui stops",
            path,
            error.strerror,
        )
        return secrets.token_bytes(KEY_BYTES)


def _read(path: Path) -> bytes:
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
        key = bytes.fromhex(text)
    except (FileNotFoundError, ValueError):
        return b""
    return key if len(key) >= KEY_BYTES else b""


def _make(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(KEY_BYTES)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link, not a rename: of two that start at once, the second takes the
            # key of the first, and a session is good at both.
            os.link(temporary, path)
        except FileExistsError:
            other = _read(path)
            if other:
                return other
            temporary.replace(path)  # what was there is no key
    finally:
        temporary.unlink(missing_ok=True)
    return key
