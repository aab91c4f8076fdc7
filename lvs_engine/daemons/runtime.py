"""What every daemon of ours needs around its loop: directory, pid file, signals, run.

TERM and INT stop, HUP reloads, USR1 writes the state as JSON, USR2 switches debug lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path

from lvs_engine.adapters import state_file
from lvs_engine.control.protocol import object_pieces
from lvs_engine.daemons.logs import toggle_debug
from lvs_engine.daemons.notify import Notifier
from lvs_engine.errors import PiranhaError

DEFAULT_CONFIGURATION = Path("/etc/sysconfig/ha/lvs.cf")
_DEFAULT_DIRECTORY = "/run/piranha"

log = logging.getLogger(__name__)


class AlreadyRunningError(PiranhaError):
    """Another instance holds the pid file."""


def runtime_directory() -> Path:
    """Where sockets, pid files and state files are: `PIRANHA_RUNTIME_DIR`."""
    return Path(os.environ.get("PIRANHA_RUNTIME_DIR") or _DEFAULT_DIRECTORY)


@contextlib.contextmanager
def pid_file(path: Path) -> Iterator[None]:
    """Hold `path` locked with our pid in it; its directory is made where missing.

    Raises:
        AlreadyRunningError: another process holds it (KF-51).
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = _locked(path)
    try:
        os.ftruncate(descriptor, 0)
        try:
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as error:  # the lock is what counts
            log.warning("%s cannot be written: %s", path, error)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise AlreadyRunningError(
                f"{path.stem} runs already (pid {holder or 'unknown'}, {path})"
            ) from None
        # The former holder may have removed the file between our open and our lock.
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)


def on_signals(
    *,
    stop: Callable[[str], None],
    reload: Callable[[], None],
    dump: Callable[[], None],
) -> None:
    """Install the handlers in the running loop; they run between two steps of it.

    Args:
        stop: on TERM and INT; gets the reason, such as `signal 15`.
        reload: on HUP.
        dump: on USR1.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, f"signal {number.value}")
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGUSR1, dump)
    loop.add_signal_handler(signal.SIGUSR2, _toggle_debug)


def run(main: Coroutine[object, object, int]) -> int:
    """Run a daemon's coroutine to its end; its result is the exit status.

    What it raises on purpose comes out as it is. A mask that lets everybody write
    would reach our files: ours is 022.
    """
    os.umask(0o022)
    return asyncio.run(main)


async def keep_watchdog_quiet(notifier: Notifier) -> None:
    """Send signs of life from the loop itself, so that a stuck loop is noticed."""
    period_s = notifier.watchdog_s
    while period_s is not None:
        notifier.alive()
        await asyncio.sleep(period_s)


def write_dump(directory: Path, name: str, state: Mapping[str, object]) -> Path:
    """Write the state of daemon `name` as JSON, for reading by people and scripts."""
    path = directory / f"{name}.state.json"
    try:
        state_file.replace(path, [*object_pieces(state), b"\n"])
        log.info("state written to %s", path)
    except OSError as error:
        log.error("%s cannot be written: %s", path, error)  # noqa: TRY400
    return path


def host_name() -> str:
    return socket.gethostname().partition(".")[0]


def _toggle_debug() -> None:
    log.warning("debug lines are %s now", "on" if toggle_debug() else "off")
