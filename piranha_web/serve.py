"""The command piranha-gui: serves the pages with gunicorn, one process, some threads.

It refuses to start with one sentence where a port is taken or lvs.cf is not there.
Exit codes: 0 stopped on request, 1 cannot listen, 2 usage, 6 no lvs.cf.
"""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from piranha_web import create_app
from piranha_web.settings import Settings, from_environment

DEFAULT_BIND = "127.0.0.1:3636"
CANNOT_LISTEN, NO_CONFIG = 1, 6
WORKER_LIMIT_S = 60

_path = click.Path(path_type=Path, dir_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--bind",
    default=DEFAULT_BIND,
    show_default=True,
    metavar="ADDRESS:PORT",
    help="Where to listen. Beyond this machine, put TLS in front.",
)
@click.option("--threads", type=click.IntRange(1, 256), default=8, show_default=True)
@click.option("--config", type=_path, help="lvs.cf; else $PIRANHA_CONFIG.")
@click.option(
    "--password-file", type=_path, help="Else $PIRANHA_PASSWORD_FILE, else as usual."
)
@click.option(
    "--runtime-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the daemons' sockets are; else $PIRANHA_RUNTIME_DIR.",
)
@click.option("--access-log", metavar="FILE", help="Log requests; - for the terminal.")
@click.version_option(package_name="piranha-lvs", prog_name="piranha-gui")
def command(
    bind: str,
    threads: int,
    config: Path | None,
    password_file: Path | None,
    runtime_dir: Path | None,
    access_log: str | None,
) -> None:
    """Serve the Piranha Configuration Tool."""
    settings = from_environment(
        config=config, password_file=password_file, runtime_dir=runtime_dir
    )
    _refuse_early(bind, settings)
    logging.basicConfig(
        level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr
    )
    click.echo(f"Piranha Configuration Tool on http://{bind}/", err=True)
    _Server(
        create_app(settings),
        {
            "bind": bind,
            "worker_class": "gthread",
            "workers": 1,  # log-in throttle and served texts are kept in memory
            "threads": threads,
            "timeout": WORKER_LIMIT_S,
            "accesslog": access_log,
            "errorlog": "-",
            "loglevel": "warning",
            "proc_name": "piranha-gui",
            "control_socket_disable": True,
        },
    ).run()


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """gunicorn with an application that is made already, so that its faults show early."""

    def __init__(self, app: Flask, options: dict[str, object]) -> None:
        self._app = app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app


def _refuse_early(bind: str, settings: Settings) -> None:
    if not settings.config.exists():
        _stop(
            NO_CONFIG,
            f"{settings.config} is not there. An empty file is enough to begin with;"
            " --config names another one.",
        )
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter(
            f"must be ADDRESS:PORT, such as {DEFAULT_BIND}, got {bind}",
            param_hint="--bind",
        )
    reason = _why_not(host.strip("[]"), int(port))
    if reason:
        _stop(CANNOT_LISTEN, f"Cannot listen on {bind}: {reason}.")


def _why_not(host: str, port: int) -> str:
    """Try the port for a moment; empty when it is free."""
    try:
        found: list[tuple[Any, ...]] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def _stop(code: int, sentence: str) -> None:
    click.echo(f"piranha-gui: {sentence}", err=True)
    sys.exit(code)


def main() -> None:
    command.main(prog_name="piranha-gui")
