"""`piranha lab`: the manual's example network on this machine, to try things in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from lvs_engine.adapters.namespaces import Namespaces
from lvs_engine.daemons import logs
from lvs_engine.daemons.lab.lab import Lab, Settings, require_free
from lvs_engine.daemons.lab.place import (
    LabError,
    Place,
    clean,
    running,
    take_down,
    usual,
)
from lvs_engine.daemons.lab.topology import NODES, PREFIX, SERVERS
from lvs_engine.daemons.runtime import AlreadyRunningError, pid_file
from lvs_engine.errors import KernelUnavailableError, PiranhaError

_WISH_LIMIT_S = 10.0
_SERVER_NAMES = [server.name for server in SERVERS]


@click.group("lab", help="Try things in the example network of the manual.")
@click.option("--prefix", default=PREFIX, hidden=True, help="For tests: another lab.")
@click.pass_context
def command(context: click.Context, prefix: str) -> None:
    context.obj = prefix


@command.command("run")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=3636,
    show_default=True,
    help="Port of the page on 127.0.0.1.",
)
@click.option(
    "--dir",
    "kept",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where lvs.cf is, and stays when the lab ends; else it goes with the lab.",
)
@click.pass_obj
def run_command(prefix: str, port: int, kept: Path | None) -> None:
    """Start the lab and keep it until Ctrl-C.

    The password of the page is made up and printed, or taken from PIRANHA_PASSWORD.
    """
    try:
        _run(prefix, port, kept.absolute() if kept else None)
    except (PiranhaError, OSError) as error:
        raise click.ClickException(str(error)) from None


@command.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("node", type=click.Choice([node.name for node in NODES]))
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...")
@click.pass_obj
def exec_command(prefix: str, node: str, words: tuple[str, ...]) -> None:
    """Run COMMAND inside NODE; its exit status is ours.

    `piranha status` and the like find the lab's router, from any node.
    """
    place = _require_lab(prefix)
    os.environ["PIRANHA_RUNTIME_DIR"] = str(place.runtime)
    own = Path(sys.executable).parent
    os.environ["PATH"] = f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    argv = Namespaces(prefix).inside(node, *words)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - the command that the person typed
    except OSError as error:
        raise click.ClickException(f"{argv[0]}: {error.strerror}") from None


@command.command("break")
@click.argument("server", type=click.Choice(_SERVER_NAMES))
@click.pass_obj
def break_command(prefix: str, server: str) -> None:
    """Stop the HTTP service of SERVER."""
    _wish(prefix, server, broken=True)
    click.echo(
        f"{server}: its service is stopped; `piranha lab heal {server}` undoes it"
    )


@command.command("heal")
@click.argument("server", type=click.Choice(_SERVER_NAMES))
@click.pass_obj
def heal_command(prefix: str, server: str) -> None:
    """Start the HTTP service of SERVER again."""
    _wish(prefix, server, broken=False)
    click.echo(f"{server}: its service runs")


@command.command("status")
@click.pass_obj
def status_command(prefix: str) -> None:
    """Say what of the lab runs; exit status 3 when it does not."""
    place = usual(prefix)
    pid = running(place)
    if not pid:
        left = Namespaces(prefix).names()
        more = "; `piranha lab down` removes what a killed one left" if left else ""
        click.echo(f"no lab runs{more}")
        sys.exit(3)
    record = place.read()
    click.echo(f"lab (pid {pid})  {record.url}\nlvs.cf  {record.configuration}")
    broken = place.broken()
    for name, part in sorted(record.parts.items()):
        click.echo(
            f"  {name:<8}  {f'runs, pid {part}' if part else 'is being started'}"
        )
    for name in sorted(broken):
        click.echo(f"  {name:<8}  broken; `piranha lab heal {name}` undoes it")


@command.command("down")
@click.pass_obj
def down_command(prefix: str) -> None:
    """End the lab that runs, or remove what a killed one left."""
    try:
        found = take_down(usual(prefix), Namespaces(prefix))
    except (PiranhaError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo("the lab is down" if found else "no lab runs")


def _run(prefix: str, port: int, kept: Path | None) -> None:
    logs.set_up("lab", foreground=True)
    logging.getLogger("lvs_engine").setLevel(logging.WARNING)
    password = os.environ.pop("PIRANHA_PASSWORD", "")
    namespaces = Namespaces(prefix)
    missing = _missing(namespaces)
    if missing:
        with tempfile.TemporaryDirectory(prefix="piranha-lab-") as folder:
            place = Place(Path(folder), kept)
            require_free(port)
            _keep(Settings(place, namespaces, port, password, missing))
        return
    place = usual(prefix, kept)
    try:
        with _held(place):
            clean(place, namespaces)
            require_free(port)
            _keep(Settings(place, namespaces, port, password))
    except AlreadyRunningError:
        raise LabError(
            f"a lab runs already (pid {running(place)}, {place.read().url}); "
            "`piranha lab down` ends it"
        ) from None


@contextlib.contextmanager
def _held(place: Place) -> Iterator[None]:
    """The place of the one lab, for us alone; its directory goes when it is empty."""
    try:
        with pid_file(place.pid_file):
            yield
    finally:
        with contextlib.suppress(OSError):  # not empty: another lab holds it
            place.root.rmdir()


def _keep(settings: Settings) -> None:
    async def lab() -> int:
        return await Lab(settings, click.echo).run()

    asyncio.run(lab())


def _missing(namespaces: Namespaces) -> str:
    """Why the network cannot be made here; empty when it can.

    Raises:
        LabError: a command is missing that can be installed.
    """
    if os.geteuid() != 0:
        return "Network namespaces need root, so the lab's network is missing"
    if not shutil.which("ip"):
        raise LabError(
            "the command `ip` is missing (Debian, Ubuntu: apt-get install iproute2)"
        )
    try:
        namespaces.probe()
    except KernelUnavailableError as error:
        return f"The lab's network is missing: {error}"
    return ""


def _require_lab(prefix: str) -> Place:
    place = usual(prefix)
    if not running(place):
        raise click.ClickException("no lab runs here; start one with `piranha lab run`")
    return place


def _wish(prefix: str, server: str, *, broken: bool) -> None:
    """Say what is wanted and wait until the lab has done it."""
    place = _require_lab(prefix)
    try:
        place.wish(server, broken=broken)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    deadline = time.monotonic() + _WISH_LIMIT_S
    while bool(place.read().parts.get(server)) is broken:
        if time.monotonic() > deadline:
            raise click.ClickException(f"the lab did not carry it out for {server}")
        time.sleep(0.05)


if __name__ == "__main__":
    command()
