"""The command piranha-passwd: sets the password of the web tool's one user.

Exit codes: 0 stored, 1 the two differ or the password is refused, 2 usage, 3 the file
cannot be written.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import click

from piranha_web import passwords
from piranha_web.settings import from_environment

STORED, REFUSED, CANNOT_WRITE = 0, 1, 3


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("words", nargs=-1, metavar="[PASSWORD]")
@click.option("--stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Password file; else $PIRANHA_PASSWORD_FILE, else the usual place.",
)
@click.version_option(package_name="piranha-lvs", prog_name="piranha-passwd")
def command(words: tuple[str, ...], stdin: bool, path: Path | None) -> None:
    """Set the password of the user piranha of the Piranha Configuration Tool.

    Without PASSWORD it is asked for twice. It counts at once: whoever is logged in
    with the old one has to log in again.
    """
    if stdin and words:
        raise click.UsageError("Give either --stdin or PASSWORD.")
    try:
        password = _ask(words, stdin=stdin)
    except (KeyboardInterrupt, EOFError):
        click.echo("\nNothing was changed.", err=True)
        sys.exit(REFUSED)
    if password is None:
        click.echo("Passwords do not match.", err=True)
        sys.exit(REFUSED)
    weakness = passwords.weakness(password)
    if weakness is not None:
        click.echo(f"{weakness} Nothing was changed.", err=True)
        sys.exit(REFUSED)
    sys.exit(_store(path or from_environment().password_file, password))


def _ask(words: tuple[str, ...], *, stdin: bool) -> str | None:
    """The new password as typed, blanks and backslashes included; None: they differ."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if words and words[0]:
        click.echo(
            "Warning: a password on the command line can be seen by every user of"
            " this machine and stays in the shell's history.",
            err=True,
        )
        return words[0]  # like the original, further words are ignored
    first = getpass.getpass("New Password: ")
    second = getpass.getpass("Verify: ")
    return first if first == second else None


def _store(path: Path, password: str) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        added = passwords.store(path, passwords.Hasher().make(password))
    except OSError as error:
        click.echo(f"{path} cannot be written: {error.strerror}.", err=True)
        return CANNOT_WRITE
    verb = "Adding" if added else "Updating"
    click.echo(f"{verb} password for user {passwords.ACCOUNT}")
    return STORED


def main() -> None:
    command.main(prog_name="piranha-passwd")
