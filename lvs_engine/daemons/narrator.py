"""What lvsd says of its changes: a log line for each, and an event for the page."""

from __future__ import annotations

import logging
from collections.abc import Callable

from lvs_engine.config.model import Cluster, RealServer, VirtualServer, pools
from lvs_engine.daemons.configuration import UnusableError, Usable
from lvs_engine.daemons.health_book import HealthBook
from lvs_engine.health.checks import information
from lvs_engine.values import HealthState, ServerHealth, ServerKey

Report = Callable[[str, str, str], None]
"""Takes severity, subject and text of an event."""

_LINES = 20

log = logging.getLogger(__name__)


class Narrator:
    """Tells changes of configuration and of servers in words.

    Args:
        report: takes the events.
        book: what is known of the servers, for "4 of 5 up".
    """

    def __init__(self, report: Report, book: HealthBook) -> None:
        self._report = report
        self._book = book
        self._servers: dict[ServerKey, RealServer] = {}
        self._teams: dict[str, list[ServerKey]] = {}
        self._virtuals: dict[str, VirtualServer] = {}

    def configuration(self, before: Usable | None, after: Usable | None) -> None:
        """A configuration was taken into use; None: there was, or is to be, none."""
        self._virtuals = _active(after.cluster) if after else {}
        old = _active(before.cluster) if before else {}
        for name in [n for n in old if n not in self._virtuals]:
            log.info("shutting down virtual service %s", name)
        for name in [n for n in self._virtuals if n not in old]:
            log.info(
                "starting virtual service %s active: %d",
                name,
                self._virtuals[name].port,
            )
        if after is None:
            return
        self._know_servers(after.cluster)
        for line in [*after.warnings[:_LINES], *information(after.cluster)[:_LINES]]:
            log.info("%s", line)
        text = f"revision {after.revision[:8]} runs, {len(self._virtuals)} active"
        log.info("configuration: %s", text)
        self._report("ok", "configuration", text)

    def rejected(self, error: UnusableError) -> None:
        for problem in error.problems[:_LINES]:
            log.error("%s", problem)
        log.error("the file was refused, the running configuration stays")
        self._report("bad", "configuration", f"refused: {error.problems[0]}")

    def server(self, key: ServerKey, now: ServerHealth, before: ServerHealth) -> None:
        """A server changed its state."""
        server = self._servers.get(key)
        team = self._teams.get(key.virtual, [])
        up = sum(self._book.of(k).state is HealthState.UP for k in team)
        address = f" {server.address}" if server else ""
        left = f"{up} of {len(team)} " + (
            "up" if now.state is HealthState.UP else "left"
        )
        text = f"{now.state}: {now.reason} ({now.code}); {left}"
        log.info("%s: %s%s %s", key.virtual, key.server, address, text)
        severity = "ok" if now.state is HealthState.UP else "bad"
        self._report(severity, f"{key.virtual}/{key.server}", text)
        if before.state is HealthState.UP and up == 0:
            self._nobody_left(key.virtual)
        elif now.state is HealthState.UP and up == 1 and len(team) > 1:
            self._report("ok", key.virtual, "has a server that is up")

    def summary(self) -> str:
        """`2 services, 5/6 servers up`."""
        keys = [k for team in self._teams.values() for k in team]
        up = sum(self._book.of(k).state is HealthState.UP for k in keys)
        return f"{len(self._virtuals)} services, {up}/{len(keys)} servers up"

    def _nobody_left(self, name: str) -> None:
        virtual = self._virtuals.get(name)
        sorry = virtual.sorry_server if virtual else None
        text = "no server is up"
        if sorry:
            text += f"; activate sorry_server {sorry}"
        log.warning("Virtual Server %s: %s", name, text)
        self._report("bad", name, text)

    def _know_servers(self, cluster: Cluster) -> None:
        self._servers, self._teams = {}, {}
        for name, virtual, servers in pools(cluster):
            if virtual.active:
                self._teams[name] = [key for key, server in servers if server.active]
                self._servers.update(servers)


def _active(cluster: Cluster) -> dict[str, VirtualServer]:
    return {name: virtual for name, virtual, _ in pools(cluster) if virtual.active}
