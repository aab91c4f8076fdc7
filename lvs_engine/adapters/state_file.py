"""Small JSON files in the runtime directory that outlive the daemon that wrote them.

They are gone after a reboot, as is what they tell of, so nothing is synced to disk;
but a reader sees the old text or the new, never half of one.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

log = logging.getLogger(__name__)


def write(path: Path, plain: object) -> None:
    """Replace the file by `plain` as JSON.

    Raises:
        OSError: the directory cannot be written.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(plain, separators=(",", ":")) + "\n", "ascii")
    fresh.replace(path)


def read(path: Path) -> object:
    """What the file holds; None when there is none, or none that can be read."""
    try:
        return json.loads(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s is left aside: %s", path, error)
        return None
