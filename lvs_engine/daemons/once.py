"""Every check of a file once, as a table: for the eyes of an admin, without lvsd."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import click

from lvs_engine.adapters.config_file import service_ports
from lvs_engine.adapters.names import Names
from lvs_engine.adapters.prober import Loop, Prober
from lvs_engine.daemons import privileges
from lvs_engine.daemons.configuration import read_usable
from lvs_engine.health.checks import Check, Watch, information, watches
from lvs_engine.health.judge import Event, Passed, Undecided
from lvs_engine.table.desired import host_names
from lvs_engine.values import ReasonCode

_STEPS = 2  # a dialogue: connect, then answer; each has the whole time limit
_Results = dict[Check, tuple[Event, float]]


def run(path: Path) -> int:
    """Check, print, and return the exit status: 0 all up, 1 not.

    Root is given up before the checks are made, so that they see what nanny's see.

    Raises:
        UnusableError: the file has errors, or cannot be read.
    """
    cluster = read_usable(path, service_ports()).cluster
    names = Names()
    asyncio.run(names.look_up(host_names(cluster)))
    watched = watches(cluster, names.known)
    for sentence in information(cluster):
        click.echo(sentence, err=True)
    privileges.raise_descriptor_limit()
    privileges.drop()
    results = probed(watch.check for watch in watched)
    click.echo(table(watched, results), nl=False)
    return 0 if all(isinstance(event, Passed) for event, _ in results.values()) else 1


def probed(checks: Iterable[Check]) -> _Results:
    """The first result of each check; takes as long as the slowest of them."""
    silent = Undecided(ReasonCode.NONE, "no result")
    results: _Results = dict.fromkeys(checks, (silent, 0.0))
    waiting = set(results)

    def report(check: Check, event: Event, duration_s: float, now: float) -> None:
        del now
        if check in waiting:
            waiting.remove(check)
            results[check] = (event, duration_s)

    loop = Loop()
    prober = Prober(loop)
    try:
        prober.replace({check: partial(report, check) for check in results})
        limit = time.monotonic() + max((_longest(c) for c in results), default=0.0)
        while waiting and time.monotonic() < limit:
            loop.turn(0.1)
    finally:
        prober.close()
        loop.close()
    return results


def _longest(check: Check) -> float:
    """Seconds until there must be a result: its turn comes within one interval."""
    return check.interval_s + _STEPS * check.timeout_s + 1.0


def table(watched: list[Watch], results: _Results) -> str:
    """One line for each server, in file order."""
    lines = []
    for watch in watched:
        event, duration_s = results[watch.check]
        state = "up" if isinstance(event, Passed) else "down"
        lines.append(
            f"{watch.server.virtual:<15} {watch.server.server:<15} "
            f"{watch.check.address + ' ' + str(watch.check.port):<21} "
            f"{state:<5} {event.code:<8} {duration_s * 1000:8.1f} ms  {event.reason}\n"
        )
    return "".join(lines)
