"""Where a daemon's lines go: stderr in the foreground, else syslog, facility daemon.

A line is text, never a format string, and stays one line: what a real server or a file
brought along is shown, not obeyed (KF-83).
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import socket
import sys

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SYSLOG = "/dev/log"


def set_up(ident: str, *, foreground: bool, verbose: bool = False) -> None:
    """Send what the engine logs to stderr (foreground) or to syslog.

    Without a syslog socket the lines go to stderr too, which a service manager keeps.
    """
    handler = _stderr(ident) if foreground else _syslog(ident) or _stderr(ident)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("lvs_engine").setLevel(logging.DEBUG if verbose else logging.INFO)


def toggle_debug() -> bool:
    """Switch debug lines on or off; whether they are on now."""
    ours = logging.getLogger("lvs_engine")
    on = ours.getEffectiveLevel() > logging.DEBUG
    ours.setLevel(logging.DEBUG if on else logging.INFO)
    return on


class OneLine(logging.Formatter):
    """`IDENT TEXT`, with line ends as ` | ` and other control characters escaped."""

    def __init__(self, ident: str) -> None:
        super().__init__()
        self._ident = ident

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\n", " | ")
        return self._ident + _CONTROL.sub(lambda m: ascii(m[0])[1:-1], text)


def _stderr(ident: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(f"{ident}: "))
    return handler


def _syslog(ident: str) -> logging.Handler | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SYSLOG)
        except OSError:
            return None
    handler = _Syslog(_SYSLOG, facility=_Syslog.LOG_DAEMON)
    handler.setFormatter(OneLine(f"{ident}[{os.getpid()}]: "))
    return handler


class _Syslog(logging.handlers.SysLogHandler):
    """Connects anew for each line while syslog is away; those lines are lost."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A line that cannot be logged must not end in a trace on a lost terminal."""
