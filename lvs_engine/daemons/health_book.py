"""What lvsd knows of every real server, also across its own restart and nanny's.

Three sources, the later ones stronger: the kernel's table at start (a server that takes
traffic goes on until its first check says otherwise), the file that the last lvsd left,
and what nanny reports.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lvs_engine.adapters import state_file
from lvs_engine.config.model import Cluster, pools
from lvs_engine.control.plain import from_plain, to_plain
from lvs_engine.health.checks import Watch
from lvs_engine.table.desired import destination_key, service_keys
from lvs_engine.table.model import Table
from lvs_engine.values import (
    UNCHECKED,
    HealthState,
    HealthView,
    ServerHealth,
    ServerKey,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One server in the file; `place` tells whether it is still the same machine."""

    server: ServerKey
    place: str
    health: ServerHealth


@dataclass(frozen=True, slots=True)
class _File:
    servers: tuple[_Entry, ...] = ()


class HealthBook:
    """Health of the servers that are watched now.

    A name may stay while the machine behind it changes; what was known of another
    address or port is forgotten.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._health: dict[ServerKey, ServerHealth] = {}
        self._places: dict[ServerKey, str] = {}
        self._assumed: set[ServerKey] = set()
        self._stored = {e.server: e for e in _read(path).servers}
        self._changed = False

    def watch(self, watches: Iterable[Watch]) -> None:
        """These servers are watched from now on; one that moved starts unchecked."""
        places = {w.server: _place(w) for w in watches}
        health = {}
        for server, place in places.items():
            if self._places.get(server) == place and server in self._health:
                health[server] = self._health[server]
            elif server in self._stored and self._stored[server].place == place:
                health[server] = self._stored[server].health
        self._assumed = {s for s in self._assumed if places.get(s) == self._places[s]}
        self._stored = {}
        self._health, self._places = health, places
        self._changed = True

    def assume_up(self, servers: Iterable[ServerKey]) -> set[ServerKey]:
        """Count these as up until their first result, unless one is known."""
        self._assumed = {s for s in servers if s in self._places} - set(self._health)
        return self._assumed

    def end_assumptions(self) -> set[ServerKey]:
        """Stop counting servers without a result as up; which they were."""
        ended, self._assumed = self._assumed, set()
        return ended

    def learn(self, server: ServerKey, health: ServerHealth) -> ServerHealth | None:
        """Take a report of nanny.

        Returns:
            The health until now; None for a server that is not watched any more.
        """
        if server not in self._places:
            return None
        before = self.of(server)
        self._health[server] = health
        self._assumed.discard(server)
        self._changed = True
        return before

    def of(self, server: ServerKey) -> ServerHealth:
        if server in self._assumed:
            return _ASSUMED
        return self._health.get(server, UNCHECKED)

    def view(self) -> HealthView:
        """A copy for a pass and for nanny, that later reports do not change."""
        return HealthView({**self._health, **dict.fromkeys(self._assumed, _ASSUMED)})

    def without_result(self, servers: Iterable[ServerKey]) -> list[ServerKey]:
        return [s for s in servers if s not in self._health]

    @property
    def changed(self) -> bool:
        """Whether the file is older than what is known."""
        return self._changed

    def writer(self) -> Callable[[], None]:
        """A call that writes the file as of now; it may be made in a thread."""
        self._changed = False
        file = _File(
            tuple(
                _Entry(server, self._places[server], health)
                for server, health in self._health.items()
            )
        )

        def write() -> None:
            try:
                state_file.write(self._path, to_plain(file))
            except OSError as error:
                log.error("%s cannot be written: %s", self._path, error)  # noqa: TRY400

        return write


def read_health(path: Path, watches: Sequence[Watch]) -> HealthView:
    """What a daemon left in the file of these servers, for looking on from outside."""
    places = {w.server: _place(w) for w in watches}
    return HealthView(
        {
            entry.server: entry.health
            for entry in _read(path).servers
            if places.get(entry.server) == entry.place
        }
    )


def serving(
    cluster: Cluster, table: Table, resolve: Mapping[str, str]
) -> list[ServerKey]:
    """The servers of the configuration that take new connections in `table`."""
    found = []
    for _, virtual, servers in pools(cluster):
        held = [
            (k, table[k].destinations)
            for k in service_keys(virtual, resolve)
            if k in table
        ]
        for server_key, server in servers:
            for key, destinations in held:
                place = destination_key(cluster, server, key, resolve)
                if place in destinations and destinations[place].weight > 0:
                    found.append(server_key)
                    break
    return found


_ASSUMED = ServerHealth(
    HealthState.UP, reason="takes traffic since before lvsd started; not checked yet"
)


def _place(watch: Watch) -> str:
    check = watch.check
    return f"{check.protocol} {check.address} {check.port}"


def _read(path: Path) -> _File:
    plain = state_file.read(path)
    if plain is None:
        return _File()
    try:
        return from_plain(_File, plain)
    except ValueError as error:
        log.warning("%s is left aside: %s", path, error)
        return _File()
