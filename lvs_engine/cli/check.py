"""`piranha check`: read a configuration file and say everything that is wrong with it."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import click

from lvs_engine.adapters.config_file import ConfigFile, service_ports
from lvs_engine.config.loading import Loaded, load
from lvs_engine.config.problems import Problem, Severity
from lvs_engine.errors import ConfigError

DEFAULT_FILE = "/etc/sysconfig/ha/lvs.cf"
FINE, ERRORS, UNREADABLE = 0, 1, 2


@click.command("check")
@click.argument("file", default=DEFAULT_FILE)
@click.option(
    "--strict", is_flag=True, help="Also say what the original 0.8.6 would refuse."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(file: str, strict: bool, as_json: bool) -> None:
    """Check FILE (- for standard input) and print each problem on a line.

    The exit status is 0 without errors (warnings are allowed), 1 with errors and 2 when
    the file cannot be read.
    """
    sys.exit(check(file, strict=strict, as_json=as_json))


def check(file: str, *, strict: bool = False, as_json: bool = False) -> int:
    """Check a file, print what was found, and return the exit status."""
    try:
        text = _text(file)
    except ConfigError as error:
        print(f"piranha check: {error}", file=sys.stderr)  # noqa: T201
        return UNREADABLE
    ports = service_ports()
    # A large file makes half a million objects and no garbage.
    gc.disable()
    try:
        loaded = load(text, ports)
    finally:
        gc.enable()
    problems = loaded.problems
    if strict:
        from lvs_engine.config.original import refusals

        problems = sorted(
            problems + refusals(text, ports), key=lambda p: (p.line, p.column)
        )
    report = _as_json if as_json else _as_lines
    _print(report(file, loaded, problems))
    return ERRORS if any(p.severity is Severity.ERROR for p in problems) else FINE


def _text(file: str) -> str:
    if file != "-":
        return ConfigFile(Path(file)).text()
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def _as_lines(file: str, loaded: Loaded, problems: list[Problem]) -> str:
    lines = [problem.render(file) for problem in problems]
    return "\n".join([*lines, f"{file}: {_summary(loaded, problems)}", ""])


def _summary(loaded: Loaded, problems: list[Problem]) -> str:
    cluster = loaded.cluster
    errors = sum(p.severity is Severity.ERROR for p in problems)
    counts = [
        _counted(len(cluster.virtuals), "virtual server"),
        _counted(sum(len(v.servers) for v in cluster.virtuals), "real server"),
    ]
    if cluster.failovers:
        counts.append(_counted(len(cluster.failovers), "failover service"))
    found = (
        f"{_counted(errors, 'error')}, {_counted(len(problems) - errors, 'warning')}"
    )
    return f"{', '.join(counts)}: {found}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _as_json(file: str, loaded: Loaded, problems: list[Problem]) -> str:
    import json

    cluster = loaded.cluster
    errors = sum(p.severity is Severity.ERROR for p in problems)
    report = {
        "file": file,
        "virtual_servers": len(cluster.virtuals),
        "real_servers": sum(len(v.servers) for v in cluster.virtuals),
        "failover_services": len(cluster.failovers),
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [
            {
                "severity": problem.severity,
                "code": problem.code,
                "line": problem.line,
                "column": problem.column,
                "where": list(problem.where),
                "keyword": problem.keyword,
                "message": problem.message,
            }
            for problem in problems
        ],
    }
    return json.dumps(report, indent=2) + "\n"


def _print(text: str) -> None:
    # Bytes that are no UTF-8 were read as surrogates and are shown as escapes.
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.flush()
