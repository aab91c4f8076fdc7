"""Which services in the kernel are ours, remembered across the death of the daemon.

The kernel does not say who made a service. What we made and lost (KF-59) has to go when
the file no longer wants it; what others made has to stay (KF-53).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path

from lvs_engine.adapters import state_file
from lvs_engine.control.plain import from_plain, to_plain
from lvs_engine.table.model import ServiceKey

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _File:
    plane: str
    services: tuple[ServiceKey, ...]


class Ownership:
    """The keys of our services on one data plane, in a file."""

    def __init__(self, path: Path, plane: str) -> None:
        self._path = path
        self._plane = plane
        self._keys = _read(path, plane)

    @property
    def keys(self) -> Set[ServiceKey]:
        return self._keys

    def claim(self, keys: Iterable[ServiceKey]) -> None:
        """We are about to make these: the file says so before the kernel is told."""
        self._become(self._keys | frozenset(keys))

    def keep_only(self, present: Iterable[ServiceKey]) -> None:
        """Ours are those of them that the kernel has."""
        self._become(self._keys & frozenset(present))

    def _become(self, keys: frozenset[ServiceKey]) -> None:
        if keys == self._keys:
            return
        self._keys = keys
        try:
            state_file.write(
                self._path, to_plain(_File(self._plane, tuple(sorted(keys))))
            )
        except OSError as error:
            log.error("%s cannot be written: %s", self._path, error)  # noqa: TRY400


def read_owned(path: Path, plane: str) -> frozenset[ServiceKey]:
    """The keys that a daemon left in the file, for looking on from outside."""
    return _read(path, plane)


def _read(path: Path, plane: str) -> frozenset[ServiceKey]:
    plain = state_file.read(path)
    if plain is None:
        return frozenset()
    try:
        file = from_plain(_File, plain)
    except ValueError as error:
        log.warning("%s is left aside: %s", path, error)
        return frozenset()
    return frozenset(file.services) if file.plane == plane else frozenset()
