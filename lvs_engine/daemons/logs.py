"""Where a daemon's lines go: stderr in the foreground, else syslog, facility daemon.

Where there is no syslog, a daemon in the background and its children write to the file
that became their stderr, which is kept short.

A line is text, never a format string, and stays one line: what a real server or a file
brought along is shown, not obeyed (KF-83).
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import re
import socket
import stat
import sys
import time
from pathlib import Path
from typing import TextIO

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SYSLOG = "/dev/log"
LONGEST_FILE = 4 * 1024 * 1024
"""Bytes after which a log file of our own begins anew."""


def set_up(ident: str, *, foreground: bool, verbose: bool = False) -> None:
    """Send what the engine logs to stderr (foreground) or to syslog.

    Without a syslog socket the lines go to stderr too, which a service manager keeps,
    or else `own_file`.
    """
    handler = _stderr(ident) if foreground else _syslog(ident) or _file(ident)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("lvs_engine").setLevel(logging.DEBUG if verbose else logging.INFO)


def own_file(path: Path) -> Path | None:
    """`path`, if a daemon in the background has nothing else to log to; else None."""
    return None if _has_syslog() else path


def toggle_debug() -> bool:
    """Switch debug lines on or off; whether they are on now."""
    ours = logging.getLogger("lvs_engine")
    on = ours.getEffectiveLevel() > logging.DEBUG
    ours.setLevel(logging.DEBUG if on else logging.INFO)
    return on


class OneLine(logging.Formatter):
    """`IDENT TEXT`, with line ends as ` | ` and other control characters escaped.

    Args:
        ident: what each line begins with.
        dated: whether the time comes before it.
    """

    def __init__(self, ident: str, *, dated: bool = False) -> None:
        super().__init__()
        self._ident = ident
        self._dated = dated

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\n", " | ")
        date = time.strftime("%Y-%m-%dT%H:%M:%S%z ") if self._dated else ""
        return date + self._ident + _CONTROL.sub(lambda m: ascii(m[0])[1:-1], text)


def _stderr(ident: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(f"{ident}: "))
    return handler


def _file(ident: str) -> logging.Handler:
    handler = _ShortFile(sys.stderr)
    handler.setFormatter(OneLine(f"{ident}[{os.getpid()}]: ", dated=True))
    return handler


def _syslog(ident: str) -> logging.Handler | None:
    if not _has_syslog():
        return None
    handler = _Syslog(_SYSLOG, facility=_Syslog.LOG_DAEMON)
    handler.setFormatter(OneLine(f"{ident}[{os.getpid()}]: "))
    return handler


def _has_syslog() -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        return probe.connect_ex(_SYSLOG) == 0


class _ShortFile(logging.StreamHandler[TextIO]):
    """Begins a file anew that has become too long; several daemons append to it."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        with contextlib.suppress(OSError, ValueError):
            file = self.stream.fileno()
            found = os.fstat(file)
            if stat.S_ISREG(found.st_mode) and found.st_size > LONGEST_FILE:
                os.ftruncate(file, 0)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk loses lines, and nothing else."""


class _Syslog(logging.handlers.SysLogHandler):
    """Connects anew for each line while syslog is away; those lines are lost."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A line that cannot be logged must not end in a trace on a lost terminal."""
