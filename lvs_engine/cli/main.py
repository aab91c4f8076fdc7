"""`piranha`: the administrator's command. A subcommand is loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys

import click

from lvs_engine import __version__
from lvs_engine.errors import PiranhaError

_COMMANDS = ("check", "plan", "status", "reload", "lab")


class _Lazy(click.Group):
    """`piranha check` must not wait for what only `piranha lab` imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"lvs_engine.cli.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="piranha %(version)s")
def command() -> None:
    """Check, preview and watch a Linux Virtual Server cluster."""


def main() -> None:
    try:
        command.main(prog_name="piranha")
    except PiranhaError as error:
        click.echo(f"piranha: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
