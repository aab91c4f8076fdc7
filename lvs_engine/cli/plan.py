"""`piranha plan`: what lvsd would change in the kernel, without changing anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from lvs_engine.adapters.config_file import service_ports
from lvs_engine.adapters.control_socket import ask
from lvs_engine.adapters.names import Names
from lvs_engine.config.model import Cluster, pools
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import ServerState, Status
from lvs_engine.daemons.configuration import UnusableError, read_usable
from lvs_engine.daemons.one_pass import without
from lvs_engine.daemons.ownership import read_owned
from lvs_engine.daemons.planes import NAMES, choose
from lvs_engine.daemons.runtime import DEFAULT_CONFIGURATION, runtime_directory
from lvs_engine.errors import ControlError, KernelError, NotRunningError
from lvs_engine.table.desired import host_names, want
from lvs_engine.table.notation import changes_as_text
from lvs_engine.table.plan import diff
from lvs_engine.values import HealthState, HealthView, ServerHealth, ServerKey

_HEALTH = {
    ServerState.UP: HealthState.UP,
    ServerState.DRAINING: HealthState.UP,
    ServerState.DOWN: HealthState.DOWN,
}


@click.command("plan")
@click.argument(
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CONFIGURATION,
)
@click.option(
    "--plane",
    "plane_name",
    type=click.Choice(NAMES),
    default="auto",
    show_default=True,
    help="The balancer to compare with; memory is an empty one: the whole table.",
)
def command(file: Path, plane_name: str) -> None:
    """Print what FILE would change in the kernel, in the notation of ipvsadm.

    Servers count as the running lvsd knows them; those it does not know, and all
    when it does not run, count as up.

    Exit status: 0, also when nothing would change; 1 errors in the file; 2 it cannot
    be read, or the kernel's table cannot.
    """
    try:
        cluster = _read(file)
        lines = _plan(cluster, plane_name)
    except UnusableError as error:
        click.echo(str(error), err=True)
        sys.exit(1 if error.revision else 2)
    except KernelError as error:
        click.echo(f"piranha: {error}", err=True)
        sys.exit(2)
    for line in lines:
        click.echo(line)
    if not lines:
        _remark("nothing would change")


def _read(file: Path) -> Cluster:
    usable = read_usable(file, service_ports())
    for warning in usable.warnings:
        click.echo(warning, err=True)
    return usable.cluster


def _plan(cluster: Cluster, plane_name: str) -> list[str]:
    directory = runtime_directory()
    health = _health(cluster, directory)
    wanted = want(cluster, health, _resolve(cluster))
    for problem in wanted.problems:
        _remark(problem)
    plane = choose(plane_name)
    try:
        refusals = plane.unsupported(wanted.table)
        for refusal in refusals:
            _remark(f"{plane.name} cannot: {refusal.message}")
        owned = read_owned(directory / "owned.json", plane.name)
        changes = diff(plane.dump(), without(wanted.table, refusals), owned)
    finally:
        plane.close()
    return changes_as_text(changes)


def _resolve(cluster: Cluster) -> Mapping[str, str]:
    names = Names()
    asyncio.run(names.look_up(host_names(cluster)))
    return names.known


def _health(cluster: Cluster, directory: Path) -> HealthView:
    """Health as lvsd knows it; up where it knows nothing."""
    known: dict[ServerKey, HealthState] = {}
    try:
        known = _known(from_dict(ask(directory / "lvsd.sock", "status", 10.0)))
    except NotRunningError:
        _remark("lvsd does not run here: every server is taken as up")
    except (ControlError, ValueError) as error:
        _remark(f"every server is taken as up: {error}")
    return HealthView(
        {
            key: ServerHealth(known.get(key, HealthState.UP))
            for _, _, servers in pools(cluster)
            for key, _ in servers
        }
    )


def _known(status: Status) -> dict[ServerKey, HealthState]:
    return {
        ServerKey(service.name, server.name): _HEALTH[server.state]
        for service in status.services
        for server in service.servers
        if server.state in _HEALTH
    }


def _remark(text: str) -> None:
    click.echo(f"# {text}", err=True)
