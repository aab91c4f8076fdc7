"""nanny: the process that makes the health checks.

lvsd starts it with `--fd`. By hand it makes every check of a file once.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from pathlib import Path

import click

from lvs_engine.daemons import logs, once, privileges
from lvs_engine.daemons.nanny import Nanny
from lvs_engine.errors import PiranhaError

log = logging.getLogger("lvs_engine.nanny")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--fd", type=int, help="Socket to lvsd; only lvsd gives this.")
@click.option(
    "--once",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="LVS.CF",
    help="Make every check of the file once, print the results, and end.",
)
@click.option("--foreground", is_flag=True, help="Log to standard error.")
@click.option("--verbose", is_flag=True, help="Log more.")
def command(fd: int | None, file: Path | None, foreground: bool, verbose: bool) -> None:
    """Check real servers.

    With --once: exit status 0 when all are up, 1 when one is not, 2 when the file
    cannot be used.
    """
    if file is not None:
        try:
            sys.exit(once.run(file))
        except (PiranhaError, OSError, LookupError) as error:
            click.echo(str(error), err=True)
            sys.exit(2)
    if fd is None:
        raise click.UsageError("nanny is started by lvsd; by hand: nanny --once LVS.CF")
    logs.set_up("nanny", foreground=foreground, verbose=verbose)
    sys.exit(serve(fd))


def serve(fd: int) -> int:
    """Be lvsd's nanny until lvsd hangs up; the exit status."""
    parent = os.getppid()
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        log.error("file descriptor %d is no socket: %s", fd, error)  # noqa: TRY400
        return 2
    with sock:
        os.set_inheritable(fd, False)
        privileges.raise_descriptor_limit()
        # All modules are loaded by now: the new user may not be able to read them.
        user = privileges.drop()
        if not privileges.die_with_parent(parent):
            return 0
        log.info("checks run as user %s", user)
        nanny = Nanny(sock)
        try:
            nanny.run()
        finally:
            nanny.close()
    return 0


def main() -> None:
    command(prog_name="nanny")


if __name__ == "__main__":
    main()
