"""Where a lab keeps its things, and what it tells the commands that come later.

A server is broken while a file with its name lies in `broken`: a wish, which the
running lab carries out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lvs_engine.adapters import state_file
from lvs_engine.adapters.namespaces import Namespaces
from lvs_engine.control.plain import from_plain, to_plain
from lvs_engine.daemons.lab.topology import PREFIX
from lvs_engine.errors import PiranhaError

_DOWN_LIMIT_S = 20.0
_END_LIMIT_S = 4.0


class LabError(PiranhaError):
    """The lab cannot do what was asked; one sentence says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a running lab says of itself.

    Attributes:
        parts: process id of each part, 0 while it does not run.
    """

    pid: int = 0
    url: str = ""
    configuration: str = ""
    parts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one lab.

    Attributes:
        root: removed when the lab ends.
        kept: where lvs.cf is, if it shall stay when the lab ends.
    """

    root: Path
    kept: Path | None = None

    @property
    def pid_file(self) -> Path:
        return self.root / "lab.pid"

    @property
    def configuration(self) -> Path:
        return (self.kept or self.root) / "lvs.cf"

    @property
    def runtime(self) -> Path:
        return self.root / "router"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def password_file(self) -> Path:
        return self.root / "piranha.passwd"

    def make(self, example: str) -> None:
        """Make the directories, and lvs.cf where there is none yet."""
        for directory in (self.runtime, self.logs, self._broken):
            directory.mkdir(parents=True, exist_ok=True)
        if not self.configuration.exists():
            self.configuration.parent.mkdir(parents=True, exist_ok=True)
            self.configuration.write_text(example, "ascii")

    def remove(self) -> None:
        """Remove all but a kept lvs.cf; called while the pid file is held."""
        for path in self.root.glob("*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path != self.pid_file:
                path.unlink(missing_ok=True)

    @property
    def mark(self) -> tuple[str, str]:
        """Name and value of the environment variable of every process of this lab."""
        return "PIRANHA_LAB", str(self.root)

    def processes(self) -> list[int]:
        """Every process with our mark, children of children too."""
        marked = "=".join(self.mark).encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if marked in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
        return found

    def end_processes(self) -> None:
        """End what is left of them: TERM, and KILL after some seconds."""
        pids = self.processes()
        _signal(pids, signal.SIGTERM)
        deadline = time.monotonic() + _END_LIMIT_S
        while pids and time.monotonic() < deadline:
            time.sleep(0.05)
            pids = self.processes()
        _signal(pids, signal.SIGKILL)

    def write(self, record: Record) -> None:
        state_file.write(self.root / "lab.json", to_plain(record))

    def read(self) -> Record:
        """What the lab that runs, or was killed, wrote."""
        try:
            return from_plain(Record, state_file.read(self.root / "lab.json") or {})
        except ValueError:
            return Record()

    def wish(self, server: str, *, broken: bool) -> None:
        path = self._broken / server
        if broken:
            path.touch()
        else:
            path.unlink(missing_ok=True)

    def broken(self) -> set[str]:
        return {path.name for path in self._broken.glob("*")}

    @property
    def _broken(self) -> Path:
        return self.root / "broken"


def usual(prefix: str = PREFIX, kept: Path | None = None) -> Place:
    """Where the lab with this prefix is, when it has namespaces."""
    return Place(Path("/run", prefix.rstrip("-")), kept)


def running(place: Place) -> int:
    """Process id of the lab that runs there, or 0."""
    try:
        pid = int(place.pid_file.read_text("ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return 0
    return pid if b"lab" in words else 0


def clean(place: Place, namespaces: Namespaces) -> None:
    """Remove what a killed lab left: processes, namespaces, files."""
    place.end_processes()
    namespaces.remove()
    place.remove()


def take_down(place: Place, namespaces: Namespaces) -> bool:
    """End the lab, running or killed; whether there was anything of it.

    Raises:
        LabError: the running lab does not end.
    """
    pid = running(place)
    found = bool(pid or namespaces.names() or place.root.exists())
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _DOWN_LIMIT_S
        while running(place):
            if time.monotonic() > deadline:
                raise LabError(f"the lab (pid {pid}) does not end; try kill -9 {pid}")
            time.sleep(0.1)
    clean(place, namespaces)
    place.pid_file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        place.root.rmdir()
    return found


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            os.kill(pid, number)
