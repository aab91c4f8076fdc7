"""`piranha check`: what it prints and how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lvs_engine.cli.check import command

DATA = Path(__file__).parents[2] / "data"
BROKEN = sorted((DATA / "broken").glob("*.cf"))
VALID = sorted((DATA / "valid").glob("*.cf"))
_EXPECTED = re.compile(r"# expect (\d+):(\d+) (error|warning) ([a-z-]+)")


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(command, list(arguments), input=stdin)


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_a_sample_reads_as_its_first_line_says(path: Path) -> None:
    result = run(str(path))
    assert result.exit_code == 0
    warned = "warnings only" in path.read_text().splitlines()[0]
    assert ("warning:" in result.output) == warned
    assert "error:" not in result.output


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.stem)
def test_a_broken_file_has_the_problems_that_it_announces(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    expected = [
        f"{path}:{line}:{column}: {severity}: [{code}]"
        for line, column, severity, code in _EXPECTED.findall(text)
    ]
    assert expected
    result = run(str(path))
    found = [
        re.sub(r"(: error:|: warning:) .*   (\[.*\])$", r"\1 \2", line)
        for line in result.output.splitlines()[:-1]
    ]
    assert found == expected
    assert result.exit_code == (1 if any(": error:" in e for e in expected) else 0)


def test_all_problems_are_told_at_once_in_order_of_lines() -> None:
    result = run("-", stdin=b"primary\nkeepalive = x\nbackup = 10.0.0.1 y\n")
    places = [line.split(":")[1] for line in result.output.splitlines()[:-1]]
    assert [p for p in places if p.isdigit()] == ["1", "2", "3"]
    assert result.exit_code == 1


def test_a_problem_is_one_line_with_place_reason_and_code() -> None:
    result = run("-", stdin=b"virtual web {\n  port = x\n}\n")
    assert (
        "-:2:10: error: virtual web: invalid argument: port must be a number from 0 to "
        "65535 or a TCP service name, got x   [unknown-port]\n"
    ) in result.output


def test_the_last_line_counts() -> None:
    result = run(str(DATA / "valid" / "nat-two-routers.cf"))
    assert result.output.endswith(
        "nat-two-routers.cf: 2 virtual servers, 4 real servers: 0 errors, 0 warnings\n"
    )


def test_warnings_do_not_fail() -> None:
    assert run("-", stdin=b"rack = 12\n").exit_code == 0


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    result = run(str(tmp_path / "none.cf"))
    assert result.exit_code == 2
    assert result.stderr.endswith("none.cf: there is no such file\n")


def test_an_empty_file_is_an_error() -> None:
    assert run("-", stdin=b"").exit_code == 1


def test_strict_says_what_the_original_refused() -> None:
    text = b"primary = 10.0.0.1 # main\nvirtual a {\r\nactive = 0\nscheduler = sed\n}\n"
    assert run("-", stdin=text).exit_code == 0
    result = run("--strict", "-", stdin=text)
    codes = re.findall(r"error: .*\[(original-[a-z-]+)\]", result.output)
    assert codes == [
        "original-unexpected-arguments",
        "original-carriage-return",
        "original-invalid-argument",
    ]
    assert result.exit_code == 1


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_only_the_hand_edited_sample_is_refused_by_the_original(path: Path) -> None:
    refused = run("--strict", str(path)).exit_code == 1
    assert refused == (path.stem == "hand-edited")


def test_json_has_every_problem() -> None:
    result = run("--json", "-", stdin=b"virtual web {\nactive = 1\nport = x\n}\n")
    report = json.loads(result.output)
    assert (report["file"], report["virtual_servers"]) == ("-", 1)
    problem = next(p for p in report["problems"] if p["code"] == "unknown-port")
    assert problem == {
        "severity": "error",
        "code": "unknown-port",
        "line": 3,
        "column": 8,
        "where": ["virtual web"],
        "keyword": "port",
        "message": "invalid argument: port must be a number from 0 to 65535 or a TCP "
        "service name, got x",
    }
    assert report["errors"] == sum(p["severity"] == "error" for p in report["problems"])
    assert result.exit_code == 1


def test_bytes_that_are_no_text_and_terminal_codes_are_shown_as_escapes() -> None:
    result = run("-", stdin=b"primary = \xff\x1b[31m\n")
    assert r"\x1b[31m" in result.output
    assert "\x1b" not in result.output
    assert result.exit_code == 1
