"""`piranha reload`: have the running daemons read lvs.cf again."""

from __future__ import annotations

import sys

import click

from lvs_engine.adapters.control_socket import ask_node
from lvs_engine.daemons.runtime import runtime_directory
from lvs_engine.errors import ControlError, NotRunningError

_LIMIT_S = 30.0  # a file of 37,205 servers takes its time on a busy machine


@click.command("reload")
def command() -> None:
    """Read lvs.cf again without interrupting traffic.

    Exit status: 0 the file runs; 1 it was refused and the old one runs on; 3 neither
    pulse nor lvsd runs.
    """
    try:
        answer = ask_node(runtime_directory(), "reload", _LIMIT_S)
    except NotRunningError as error:
        click.echo(f"piranha: {error}", err=True)
        sys.exit(3)
    except ControlError as error:
        click.echo(f"piranha: {error}", err=True)
        sys.exit(1)
    warnings = answer.get("warnings")
    for line in warnings if isinstance(warnings, list) else []:
        click.echo(line, err=True)
    click.echo(f"revision {str(answer.get('revision', ''))[:8] or 'unknown'} runs")
