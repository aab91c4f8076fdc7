"""The lvs.cf that the pages work on: opened, changed, checked, saved.

Opening never writes. Saving writes only what reads back as the wanted cluster, counts
`serial_no` up once, and refuses an edit that brings new errors; errors that were there
before do not stand in the way of another edit.
"""

from __future__ import annotations

import errno
import grp
import logging
import os
import pwd
import stat
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from flask import current_app
from flask_login import current_user

from lvs_engine.adapters.config_file import ConfigFile, service_ports
from lvs_engine.config import validation, writer
from lvs_engine.config.document import Block
from lvs_engine.config.loading import Loaded, load
from lvs_engine.config.model import Cluster
from lvs_engine.config.parser import parse
from lvs_engine.config.problems import Problem, Severity
from lvs_engine.errors import ConfigError, StaleRevisionError
from piranha_web import frame
from piranha_web.settings import settings

log = logging.getLogger("piranha-gui")

EXTENSION = "piranha-served"
LARGEST_SERIAL = (1 << 31) - 1
Trial = Callable[[Cluster], Cluster]

# What a new entry may lack until it is activated.
LATER = frozenset(
    {"no-address", "duplicate-service", "duplicate-server", "label-taken"}
)
# Warnings in a file that somebody wrote; a page need not let them be typed.
POINTLESS = frozenset({("without-effect", "pmask")})
KEPT_BYTES = 16 * 1024 * 1024


class CannotOpenError(Exception):
    """lvs.cf is missing, or may not be read and written; says who owns what.

    Attributes:
        path: of the file, or of its folder when that is what stands in the way.
        reason: in the words of the system.
        is_about_rights: another owner or mode would help; a full disk has other cures.
        is_folder: `path` is one.
        owner, mode: as `ls -l` shows them; empty when the file is not there.
    """

    def __init__(self, path: Path, reason: str, code: int) -> None:
        self.path = path
        self.reason = reason
        self.is_about_rights = code in (errno.EACCES, errno.EPERM)
        self.is_folder = path.is_dir()
        self.owner, self.mode = _owner_and_mode(path)
        super().__init__(f"{path}: {reason}")

    @classmethod
    def because(cls, path: Path, error: ConfigError) -> Self:
        """From what the system said, which is the cause of `error`."""
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.strerror:
            return cls(path, cause.strerror, cause.errno or 0)
        return cls(path, str(error).removeprefix(f"{path}: "), 0)


class EditRefusedError(Exception):
    """The edit would bring errors into the file; nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(p.message for p in problems))


@dataclass(frozen=True)
class Opened:
    """The file at one moment."""

    path: Path
    text: str
    revision: str
    ports: Mapping[str, int]

    @cached_property
    def loaded(self) -> Loaded:
        return load(self.text, self.ports)

    @property
    def cluster(self) -> Cluster:
        return self.loaded.cluster

    @property
    def root(self) -> Block:
        return self.loaded.document.root


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save did.

    Attributes:
        changed: False when the file says the wanted already; nothing was written.
        warnings: that the file did not have before.
    """

    changed: bool
    serial_no: int
    warnings: Sequence[Problem] = ()


def opened() -> Opened:
    """The file as it is now; this page's banner tells of its errors.

    Raises:
        CannotOpenError: it is missing, or cannot be read or replaced.
    """
    path = settings().config
    try:
        stored = ConfigFile(path).read()
    except ConfigError as error:
        raise CannotOpenError.because(path, error) from error
    for needed in (path, Path(os.path.realpath(path)).parent):
        if os.statvfs(needed).f_flag & os.ST_RDONLY:
            raise CannotOpenError(needed, os.strerror(errno.EROFS), errno.EROFS)
        if not os.access(needed, os.W_OK, effective_ids=True):
            raise CannotOpenError(needed, "may not be written", errno.EACCES)
    found = _remembered(Opened(path, stored.text, stored.revision, service_ports()))
    # An empty file is where everybody begins; the frame tells the first steps then.
    errors = [e for e in found.loaded.errors if e.code != "empty"]
    if errors:
        frame.warn_of_file([e.render(path.name) for e in errors])
    return found


def earlier(revision: str) -> Opened | None:
    """The file as it was when a page was loaded; None after a restart of the tool."""
    text = _memory().texts.get(revision)
    if text is None:
        return None
    return Opened(settings().config, text, revision, service_ports())


def save(
    here: Opened,
    wanted: Cluster,
    dropped: Collection[int] = (),
    *,
    strict: bool = True,
    trial: Trial | None = None,
) -> Saved:
    """Write the cluster into the file that was opened.

    Args:
        here: the file as the edit found it.
        wanted: what it shall say; `serial_no` is counted up here.
        dropped: lines, from 0, whose value nobody can read and the edit replaces.
        strict: refuse new errors; a deletion is never refused.
        trial: the cluster with the edited entry in use, so that a wrong value is
            refused now and not on the day when the entry is activated.

    Raises:
        EditRefusedError: the edit would bring new errors.
        StaleRevisionError: somebody saved in between; nothing was written.
        CannotOpenError: the file cannot be written.
    """
    if wanted == here.cluster and not dropped:
        return Saved(changed=False, serial_no=here.cluster.serial_no)
    serial = here.cluster.serial_no % LARGEST_SERIAL + 1
    candidate = replace(wanted, serial_no=max(1, serial))
    document = parse(_without(here.text, dropped)) if dropped else here.loaded.document
    try:
        text = writer.write(document, candidate, here.ports).render()
    except ConfigError as error:
        raise EditRefusedError([_problem(str(error))]) from error
    result = load(text, here.ports)
    if result.cluster != candidate:
        raise EditRefusedError([_problem(READS_BACK_OTHERWISE)])
    new = introduced(here.loaded.errors, result.errors)
    if trial and not new:
        new = introduced(_harm(trial(here.cluster)), _harm(trial(candidate)))
    if new and strict:
        raise EditRefusedError(new)
    try:
        ConfigFile(here.path).save(text, here.revision)
    except StaleRevisionError:
        raise
    except ConfigError as error:
        raise CannotOpenError.because(here.path.parent, error) from error
    name = getattr(current_user, "name", "somebody")
    log.info("%s saved by %s, serial %s", here.path, name, candidate.serial_no)
    warnings = introduced(_warnings(here.loaded), _warnings(result))
    return Saved(True, candidate.serial_no, warnings)


def introduced(before: Sequence[Problem], after: Sequence[Problem]) -> list[Problem]:
    """The problems of `after` that `before` did not have; lines do not count."""
    known = Counter(_mark(p) for p in before)
    new = []
    for problem in after:
        mark = _mark(problem)
        if known[mark]:
            known[mark] -= 1
        else:
            new.append(problem)
    return new


READS_BACK_OTHERWISE = (
    "the change would not read back as it is meant, because of errors elsewhere in the"
    " file; put those right first"
)


def _harm(cluster: Cluster) -> list[Problem]:
    return [
        p
        for p in validation.check(cluster)
        if (p.severity is Severity.ERROR and p.code not in LATER)
        or (p.code, p.keyword) in POINTLESS
    ]


def _warnings(loaded: Loaded) -> list[Problem]:
    """Without those that a new entry is born with."""
    return [
        p
        for p in loaded.problems
        if p.severity is Severity.WARNING and p.code not in LATER
    ]


def _mark(problem: Problem) -> tuple[object, ...]:
    return problem.code, problem.where, problem.keyword, problem.message


def _problem(message: str) -> Problem:
    return Problem(Severity.ERROR, "not-written", message)


def _without(text: str, lines: Collection[int]) -> str:
    kept = parse(text).lines
    return "".join(x.raw + x.end for i, x in enumerate(kept) if i not in lines)


@dataclass(slots=True)
class _Memory:
    """What outlives a request.

    Attributes:
        texts: by revision, for a page that comes back after somebody else saved.
        latest: read and checked already; that takes a second on the largest files.
    """

    texts: dict[str, str] = field(default_factory=dict)
    latest: Opened | None = None


def _memory() -> _Memory:
    found = current_app.extensions.setdefault(EXTENSION, _Memory())
    assert isinstance(found, _Memory)
    return found


def _remembered(found: Opened) -> Opened:
    """The same file, already read where it was the last one too."""
    memory = _memory()
    texts = memory.texts
    texts.pop(found.revision, None)
    texts[found.revision] = found.text
    while len(texts) > 1 and sum(map(len, texts.values())) > KEPT_BYTES:
        texts.pop(next(iter(texts)), None)
    latest = memory.latest
    if latest is None or latest != found:
        memory.latest = latest = found
    return latest


def _owner_and_mode(path: Path) -> tuple[str, str]:
    try:
        status = path.stat()
    except OSError:
        return "", ""
    user = _name(lambda: pwd.getpwuid(status.st_uid).pw_name, status.st_uid)
    group = _name(lambda: grp.getgrgid(status.st_gid).gr_name, status.st_gid)
    return f"{user}:{group}", f"{stat.S_IMODE(status.st_mode):04o}"


def _name(look_up: Callable[[], str], number: int) -> str:
    try:
        return look_up()
    except KeyError:
        return str(number)
