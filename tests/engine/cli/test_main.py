"""The group `piranha`."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from lvs_engine import __version__
from lvs_engine.cli.main import command


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(command, ["--version"])
    assert result.output == f"piranha {__version__}\n"


def test_help_names_every_subcommand() -> None:
    result = CliRunner().invoke(command, ["--help"])
    assert result.exit_code == 0
    listed = [
        line.split()[0]
        for line in result.output.partition("Commands:")[2].splitlines()
        if line
    ]
    assert listed == ["check", "plan", "status", "reload", "lab"]


@pytest.mark.parametrize("name", ["check", "plan", "status", "reload", "lab"])
def test_every_subcommand_says_what_it_does(name: str) -> None:
    found = command.get_command(click.Context(command), name)
    assert found is not None and found.get_short_help_str()


def test_an_unknown_subcommand_is_refused() -> None:
    result = CliRunner().invoke(command, ["dance"])
    assert result.exit_code == 2
    assert "dance" in result.output


def test_asking_for_one_subcommand_does_not_load_the_others() -> None:
    program = (
        "import sys\n"
        "from lvs_engine.cli.main import command\n"
        "command.main(['check', '--help'], standalone_mode=False)\n"
        "heavy = {'asyncio', 'pyroute2', 'lvs_engine.cli.plan', 'lvs_engine.cli.lab'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=20, check=True
    )
    assert done.stderr == b"[]\n"
