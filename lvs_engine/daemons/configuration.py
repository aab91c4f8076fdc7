"""The lvs.cf that runs, and the newer one that was refused.

A file with errors never replaces one that works.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lvs_engine.adapters.config_file import ConfigFile, service_ports
from lvs_engine.config.loading import load
from lvs_engine.config.model import Cluster
from lvs_engine.config.problems import Severity
from lvs_engine.control.status import ConfigurationStatus
from lvs_engine.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Usable:
    """A file without errors.

    Attributes:
        warnings: rendered, one line each.
    """

    cluster: Cluster
    revision: str
    warnings: tuple[str, ...]


class UnusableError(ConfigError):
    """The file has errors, or cannot be read.

    Attributes:
        problems: rendered, one line each.
        revision: of the file that has them; empty when it cannot be read.
    """

    def __init__(self, problems: tuple[str, ...], revision: str = "") -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.revision = revision


class Configuration:
    """Reads one lvs.cf again and again; `running` is the last good one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: Mapping[str, int] = service_ports()
        self.running = Usable(Cluster(), "", ())
        self.status = ConfigurationStatus(path=str(path))

    async def read(self) -> Usable:
        """Read the file in a thread; it runs once it is given to `take`.

        Raises:
            UnusableError: it is no good; `running` stays, and `status` says why.
        """
        try:
            return await asyncio.to_thread(read_usable, self._path, self._ports)
        except UnusableError as error:
            self.status = replace(
                self.status, rejected=error.problems, rejected_revision=error.revision
            )
            raise

    def take(self, fresh: Usable) -> None:
        """Run with this one from now on."""
        self.running = fresh
        self.status = ConfigurationStatus(
            path=str(self._path),
            serial_no=fresh.cluster.serial_no,
            revision=fresh.revision,
            loaded_at=time.time(),
            problems=fresh.warnings,
        )


def read_usable(path: Path, ports: Mapping[str, int]) -> Usable:
    """The file as it is now.

    Raises:
        UnusableError: it has errors, or cannot be read.
    """
    try:
        stored = ConfigFile(path).read()
    except ConfigError as error:
        raise UnusableError((str(error),)) from None
    loaded = load(stored.text, ports)
    rendered = [(p.severity, p.render(str(path))) for p in loaded.problems]
    if not loaded.usable:
        wrong = tuple(text for s, text in rendered if s is Severity.ERROR)
        raise UnusableError(wrong, stored.revision)
    warnings = tuple(text for s, text in rendered if s is Severity.WARNING)
    return Usable(loaded.cluster, stored.revision, warnings)
