"""`piranha status`: what the node does, for people and for scripts."""

from __future__ import annotations

import json
import os
import sys

import click

from lvs_engine.adapters.control_socket import ask_node
from lvs_engine.cli.report import report
from lvs_engine.control.protocol import from_dict
from lvs_engine.daemons.runtime import runtime_directory
from lvs_engine.errors import ControlError, NotRunningError

_LIMIT_S = 10.0


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="The whole snapshot as JSON.")
def command(as_json: bool) -> None:
    """Show node, services, real servers and what is wrong.

    Exit status: 0 a daemon runs; 1 it does not answer; 3 neither pulse nor lvsd runs.
    """
    try:
        plain = ask_node(runtime_directory(), "status", _LIMIT_S)
    except NotRunningError as error:
        click.echo(f"piranha: {error}", err=True)
        sys.exit(3)
    except ControlError as error:
        click.echo(f"piranha: {error}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(plain, indent=2))
        return
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line in report(from_dict(plain), colour=colour):
        click.echo(line, color=colour)
