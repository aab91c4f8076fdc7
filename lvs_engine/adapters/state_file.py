"""Small files, most of them JSON, in the runtime directory that outlive the daemon that wrote them.

They are gone after a reboot, as is what they tell of, so nothing is synced to disk;
but a reader sees the old text or the new, never half of one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)


def write(path: Path, plain: object) -> None:
    """Replace the file by `plain` as JSON.

    Raises:
        OSError: the directory cannot be written.
    """
    text = json.dumps(plain, separators=(",", ":")) + "\n"
    replace(path, [text.encode("ascii")])


def replace(
    path: Path, pieces: Iterable[bytes | memoryview], mode: int = 0o644
) -> None:
    """Replace the file by `pieces`, one after the other.

    Raises:
        OSError: the directory cannot be written, or is full; the old text stays.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
        fresh.replace(path)
    except BaseException:
        # A full disk must not stay full because of what could not be used.
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def read(path: Path) -> object:
    """What the file holds; None when there is none, or none that can be read."""
    try:
        return json.loads(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s is left aside: %s", path, error)
        return None
