"""lvs.cf on disk: read whole, replaced whole, never half written.

A save takes a lock, compares the revision, writes a temporary file beside the file,
syncs it, renames it over the old one and syncs the folder. A reader therefore sees the
old text or the new one, also when the writer is killed or the disk is full. Text is
UTF-8 with surrogate escapes and without newline translation, so every byte survives.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lvs_engine.config.service_names import WELL_KNOWN, parse_services
from lvs_engine.errors import ConfigError, StaleRevisionError

SIZE_LIMIT = 64 * 1024 * 1024
_ABSENT = "absent"  # the revision of a file that is not there


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it was read.

    Attributes:
        revision: changes with every byte; pass it to `save`.
    """

    text: str
    revision: str


class ConfigFile:
    """One configuration file.

    All methods raise `ConfigError`, which names the path and what stands in the way.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Stored:
        """The text and its revision."""
        data = self._present()
        return Stored(data.decode("utf-8", "surrogateescape"), _revision(data))

    def text(self) -> str:
        """The text alone, for who does not want to save."""
        return self._present().decode("utf-8", "surrogateescape")

    def save(self, text: str, expected_revision: str) -> str:
        """Replace the file and return its new revision.

        Raises:
            StaleRevisionError: the file is not the one of `expected_revision` any more.
        """
        data = text.encode("utf-8", "surrogateescape")
        if len(data) > SIZE_LIMIT:
            raise ConfigError(f"{self.path}: {_too_large(len(data))}")
        # A link stays a link: its target is replaced.
        target = Path(os.path.realpath(self.path))
        with self._locked(target):
            if _revision(self._bytes()) != expected_revision:
                raise StaleRevisionError(
                    f"{self.path} was changed by somebody else since it was read; "
                    "nothing was saved"
                )
            try:
                _replace(target, data)
            except OSError as error:
                raise ConfigError(self._refused("written", error, target)) from error
        return _revision(data)

    def _present(self) -> bytes:
        data = self._bytes()
        if data is None:
            raise ConfigError(f"{self.path}: there is no such file")
        return data

    def _bytes(self) -> bytes | None:
        """The content; None when there is no file."""
        try:
            with open(self.path, "rb", opener=_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ConfigError(f"{self.path} is not a regular file")
                data = file.read(SIZE_LIMIT + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(self._refused("read", error, self.path)) from error
        if len(data) > SIZE_LIMIT:
            raise ConfigError(f"{self.path}: {_too_large(len(data))}")
        return data

    @contextlib.contextmanager
    def _locked(self, target: Path) -> Iterator[None]:
        """Hold the folder's lock: the file itself is replaced, so it cannot carry one."""
        try:
            folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise ConfigError(self._refused("written", error, target)) from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _refused(self, verb: str, error: OSError, target: Path) -> str:
        return (
            f"{self.path} cannot be {verb}: {error.strerror}; "
            f"{_described(target)}, in {_described(target.parent)}"
        )


def service_ports(path: Path = Path("/etc/services")) -> Mapping[str, int]:
    """TCP service names and their ports; the best known ones where the file is missing."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return WELL_KNOWN
    return {**WELL_KNOWN, **parse_services(text)}


def _without_waiting(path: str, flags: int) -> int:
    """Open a pipe too without waiting for its writer, so that it can be refused."""
    return os.open(path, flags | os.O_NONBLOCK)


def _replace(target: Path, data: bytes) -> None:
    """Write `data` beside the target and rename it over it, owner and mode kept."""
    temporary = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _take_over(file.fileno(), target)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)
    _remove_leftovers(target)


def _take_over(descriptor: int, target: Path) -> None:
    """Give a new file the owner, group and mode of the one that it replaces."""
    try:
        old = target.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, 0o644)
        return
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        # Only root may give a file away; a member of the group can keep the group.
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, -1, old.st_gid)
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, -1)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(target: Path) -> None:
    """Remove temporary files of writers that were killed; the lock is held."""
    for leftover in target.parent.glob(f".{target.name}.*.tmp"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _revision(data: bytes | None) -> str:
    import hashlib  # `piranha check` needs no revision, and its start-up counts

    return _ABSENT if data is None else hashlib.sha256(data).hexdigest()


def _too_large(size: int) -> str:
    return f"{size} bytes or more are too large, {SIZE_LIMIT} are allowed"


def _described(path: Path) -> str:
    """`/etc/lvs.cf (owner root:piranha, mode 0664)`, for messages."""
    import grp
    import pwd

    try:
        status = path.stat()
    except OSError:
        return f"{path} (not there or not to be seen)"
    owner = _name(pwd.getpwuid, status.st_uid)
    group = _name(grp.getgrgid, status.st_gid)
    return f"{path} (owner {owner}:{group}, mode {stat.S_IMODE(status.st_mode):04o})"


def _name(look_up: Callable[[int], tuple[object, ...]], number: int) -> str:
    """The name of a user or group, or its number when it has none."""
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)
