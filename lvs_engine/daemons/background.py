"""Going into the background: the command returns when the daemon is ready, or has failed.

Forks before anything is started, so that no thread, lock or event loop crosses a fork.
Until it is ready the daemon keeps the terminal, so start-up errors are seen there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

Tell = Callable[[int], None]
"""Tells the command that was typed its exit status; the first call counts."""


def go(log: Path | None = None) -> Tell:
    """Fork twice; only the daemon returns.

    The command that was typed ends with the status that the daemon tells, and with 1
    when the daemon ended without a word.

    Args:
        log: the file that gets what the daemon and its children write to stderr from
            then on; None: nobody does.

    Returns:
        The function to call when the daemon is ready, with 0, or knows that it is not
        needed; it lets go of the terminal.
    """
    ready_r, ready_w = os.pipe()
    child = os.fork()
    if child:
        os.close(ready_w)
        os.waitpid(child, 0)
        told = os.read(ready_r, 1)
        os._exit(told[0] if told else 1)
    os.close(ready_r)
    os.setsid()
    if os.fork():
        os._exit(0)

    def tell(status: int) -> None:
        nonlocal ready_w
        if ready_w < 0:
            return
        _let_go(log)
        os.write(ready_w, bytes([status]))
        os.close(ready_w)
        ready_w = -1

    return tell


def _let_go(log: Path | None) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    if log is None:
        return
    with contextlib.suppress(OSError):  # a full disk is no reason not to run
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        os.dup2(file, 2)
        os.close(file)
