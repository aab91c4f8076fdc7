"""The text of lvs.cf that a daemon runs, kept for when it has to start again.

A daemon that dies is started again at any time, also while the file on disk is broken or
half edited; what balanced before must go on then. The text is kept beside the sockets,
readable by root alone, since checks may hold passwords, and goes with an orderly stop.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lvs_engine.adapters import state_file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastGood:
    """Keeps one text.

    Args:
        path: where it is kept.
        of: the lvs.cf that it is the text of; that of another file is none.
    """

    path: Path
    of: Path

    def keep(self, text: str) -> None:
        """Replace the text; one that cannot be written is told, never raised."""
        data = text.encode("utf-8", "surrogateescape")
        try:
            state_file.replace(self.path, [self._heading, data], 0o600)
        except OSError as error:
            log.error("%s cannot be written: %s", self.path, error)  # noqa: TRY400

    def text(self) -> tuple[str, str] | None:
        """Text and revision, as `ConfigFile` gives them; None when there is none."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s is left aside: %s", self.path, error)
            return None
        if not data.startswith(self._heading):
            return None
        data = data.removeprefix(self._heading)
        return data.decode("utf-8", "surrogateescape"), sha256(data).hexdigest()

    def forget(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s cannot be removed: %s", self.path, error)  # noqa: TRY400

    @property
    def _heading(self) -> bytes:
        return b"# runs now, as read from " + os.fsencode(self.of.absolute()) + b"\n"
