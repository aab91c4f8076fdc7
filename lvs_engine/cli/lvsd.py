"""`lvsd`: the daemon that keeps the kernel's table as lvs.cf wants it."""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path

import click

from lvs_engine import __version__
from lvs_engine.daemons import background, logs
from lvs_engine.daemons.lvsd import Lvsd
from lvs_engine.daemons.lvsd import main as serve
from lvs_engine.daemons.lvsd_options import Options
from lvs_engine.daemons.nanny_child import nanny_command
from lvs_engine.daemons.notify import Notifier
from lvs_engine.daemons.planes import NAMES, choose
from lvs_engine.daemons.runtime import (
    DEFAULT_CONFIGURATION,
    pid_file,
    run,
    runtime_directory,
)
from lvs_engine.errors import PiranhaError

log = logging.getLogger("lvs_engine.cli.lvsd")


@click.command(context_settings={"help_option_names": ["-h", "-?", "--help"]})
@click.option(
    "-c",
    "--configfile",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIGURATION,
    show_default=True,
    help="Configuration file.",
)
@click.option(
    "-n", "--nodaemon", is_flag=True, help="Stay in the foreground, log to stderr."
)
@click.option(
    "--nofork", is_flag=True, help="Stay a child of the caller, log to syslog."
)
@click.option("-v", "--verbose", is_flag=True, help="Log debug lines too.")
@click.option(
    "-t",
    "--test-start",
    "--norun",
    is_flag=True,
    help="Touch nothing: keep the table in memory and run no checks.",
)
@click.option(
    "--plane",
    type=click.Choice(NAMES),
    default="auto",
    show_default=True,
    help="What balances: IPVS where the kernel has it, else nftables.",
)
@click.option(
    "--period",
    type=click.FloatRange(0.05, 3600),
    default=30.0,
    show_default=True,
    help="Seconds after which the table is looked at even if nothing happened.",
)
@click.option("--resume", is_flag=True, hidden=True, help="For pulse, after a crash.")
@click.version_option(__version__, message="lvsd %(version)s (piranha)")
def command(
    configfile: Path,
    nodaemon: bool,
    nofork: bool,
    verbose: bool,
    test_start: bool,
    plane: str,
    period: float,
    resume: bool,
) -> int:
    """Keep the kernel's virtual server table as CONFIGFILE and the health checks want it.

    Signals: TERM and INT withdraw the services and stop; HUP reads the file again; USR1
    writes the state to the runtime directory; USR2 switches debug lines. Logs to
    syslog; where there is none, to lvsd.log in the runtime directory.
    """
    directory = runtime_directory()
    tell: background.Tell = _nothing
    if not (nodaemon or nofork):
        tell = background.go(logs.own_file(directory / "lvsd.log"))
    logs.set_up("lvsd", foreground=nodaemon, verbose=verbose)
    options = Options(
        configuration=configfile,
        directory=directory,
        period_s=period,
        checks=not test_start,
        nanny=nanny_command(*_nanny_options(nodaemon=nodaemon, verbose=verbose)),
        resume=resume,
    )

    async def daemon() -> int:
        data_plane = choose("memory" if test_start else plane)
        return await serve(Lvsd(options, data_plane, Notifier()), partial(tell, 0))

    with pid_file(directory / "lvsd.pid"):
        try:
            return run(daemon())
        except PiranhaError:
            raise
        except Exception:
            log.exception("ended by a fault of its own; the table stays")
            return 1


def main() -> None:
    """Exit status 0 after a stop, 1 for everything else, as ever."""
    try:
        status = command.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = 1
    except (PiranhaError, OSError) as error:
        click.echo(f"lvsd: {error}", err=True)
        status = 1
    sys.exit(status)


def _nanny_options(*, nodaemon: bool, verbose: bool) -> list[str]:
    return ["--verbose"] * verbose + ["--foreground"] * nodaemon


def _nothing(status: int) -> None:
    """The caller waits for our end, if for anything."""
    del status


if __name__ == "__main__":
    main()
