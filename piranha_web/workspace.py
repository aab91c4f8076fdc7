"""The lvs.cf that the pages work on: opened, changed, checked, saved."""

from __future__ import annotations

import grp
import pwd
import stat
from pathlib import Path


class CannotOpenError(Exception):
    """lvs.cf is missing, or may not be read and written; says who owns what.

    Attributes:
        path: of the file, or of its folder when that is what stands in the way.
        reason: in the words of the system.
        owner, mode: as `ls -l` shows them; empty when the file is not there.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        self.owner, self.mode = _owner_and_mode(path)
        super().__init__(f"{path}: {reason}")


def _owner_and_mode(path: Path) -> tuple[str, str]:
    try:
        status = path.stat()
    except OSError:
        return "", ""
    try:
        user = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        user = str(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return f"{user}:{group}", f"{stat.S_IMODE(status.st_mode):04o}"
