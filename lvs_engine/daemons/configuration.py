"""The lvs.cf that runs, and the newer one that was refused.

A file with errors never replaces one that works, also across a crash of the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lvs_engine.adapters.config_file import ConfigFile, service_ports
from lvs_engine.config.loading import load
from lvs_engine.config.model import Cluster
from lvs_engine.config.problems import Severity
from lvs_engine.control.status import ConfigurationStatus
from lvs_engine.daemons.last_good import LastGood
from lvs_engine.errors import ConfigError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usable:
    """A file without errors.

    Attributes:
        warnings: rendered, one line each.
        text: of the file; empty for the one that runs.
    """

    cluster: Cluster
    revision: str
    warnings: tuple[str, ...]
    text: str = ""


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
    """Reads one lvs.cf again and again; `running` is the last good one.

    Args:
        path: of lvs.cf.
        kept: where the text that runs is kept for the next start after a crash.
    """

    def __init__(self, path: Path, kept: Path) -> None:
        self._path = path
        self._kept = LastGood(kept, path)
        self._ports: Mapping[str, int] = service_ports()
        self._text: str | None = None
        self.running = Usable(Cluster(), "", ())
        self.status = ConfigurationStatus(path=str(path))

    async def first(
        self, *, resume: bool = False
    ) -> tuple[Usable, UnusableError | None]:
        """What to start with: the file or, if it is no good, the text that ran.

        That text is there only when the last run came to no orderly end.

        Args:
            resume: prefer the text that ran even to a good file, which nobody has
                asked to be taken into use yet.

        Returns:
            It, and what is wrong with the file when it is not the file.

        Raises:
            UnusableError: the file is no good, and there is nothing else.
        """
        try:
            fresh = await self.read()
        except UnusableError as error:
            kept = await asyncio.to_thread(self._last_good)
            if kept is None:
                raise
            return kept, error
        if resume:
            kept = await asyncio.to_thread(self._last_good, fresh.revision)
            if kept is not None:
                log.warning("%s was not reloaded: what ran goes on", self._path)
                return kept, None
        return fresh, None

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

    def take(self, fresh: Usable, refused: UnusableError | None = None) -> None:
        """Run with this one from now on; call `keep` soon.

        Args:
            fresh: it.
            refused: what is wrong with the file, when this is not the file.
        """
        self._text, self.running = fresh.text, replace(fresh, text="")
        self.status = ConfigurationStatus(
            path=str(self._path),
            serial_no=fresh.cluster.serial_no,
            revision=fresh.revision,
            loaded_at=time.time(),
            problems=fresh.warnings,
            rejected=refused.problems if refused else (),
            rejected_revision=refused.revision if refused else "",
        )

    async def keep(self) -> None:
        """Keep the text that runs, until `forget`."""
        text, self._text = self._text, None
        if text is not None:
            await asyncio.to_thread(self._kept.keep, text)

    def forget(self) -> None:
        """The run comes to its orderly end: the next one starts with the file."""
        self._kept.forget()

    def _last_good(self, unless: str = "") -> Usable | None:
        """The text that ran; None when it is of the revision `unless`."""
        kept = self._kept.text()
        if kept is None or kept[1] == unless:
            return None
        with contextlib.suppress(UnusableError):
            return usable(*kept, self._path, self._ports)
        return None


def read_usable(path: Path, ports: Mapping[str, int]) -> Usable:
    """The file as it is now.

    Raises:
        UnusableError: it has errors, or cannot be read.
    """
    try:
        stored = ConfigFile(path).read()
    except ConfigError as error:
        raise UnusableError((str(error),)) from None
    return usable(stored.text, stored.revision, path, ports)


def usable(text: str, revision: str, path: Path, ports: Mapping[str, int]) -> Usable:
    """`text` as the content of the file at `path`.

    Raises:
        UnusableError: it has errors.
    """
    loaded = load(text, ports)
    rendered = [(p.severity, p.render(str(path))) for p in loaded.problems]
    if not loaded.usable:
        wrong = tuple(text for s, text in rendered if s is Severity.ERROR)
        raise UnusableError(wrong, revision)
    warnings = tuple(text for s, text in rendered if s is Severity.WARNING)
    return Usable(loaded.cluster, revision, warnings, text)
