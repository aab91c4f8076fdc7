"""Going into the background: the command returns when the daemon is ready, or has failed.

Forks before anything is started, so that no thread, lock or event loop crosses a fork.
Until it is ready the daemon keeps the terminal, so start-up errors are seen there.
"""

from __future__ import annotations

import os
from collections.abc import Callable


def go() -> Callable[[], None]:
    """Fork twice; only the daemon returns.

    The command that was typed ends with status 0 once the returned function is called,
    and with 1 when the daemon ended without calling it.

    Returns:
        The function to call when the daemon is ready; it lets go of the terminal.
    """
    ready_r, ready_w = os.pipe()
    child = os.fork()
    if child:
        os.close(ready_w)
        os.waitpid(child, 0)
        os._exit(0 if os.read(ready_r, 1) else 1)
    os.close(ready_r)
    os.setsid()
    if os.fork():
        os._exit(0)

    def ready() -> None:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
        os.write(ready_w, b"1")
        os.close(ready_w)

    return ready
