"""Each row of the table of malformed input: what the original did, and what we do.

The row numbers are those of section 9.2 of the specification of the format. A row that
the original accepted without harm is no error here; one that it refused, or that did
harm, is an error with a stable code.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from lvs_engine.config.loading import load
from lvs_engine.config.original import refusals
from lvs_engine.config.problems import Problem

PORTS = {"http": 80}
UNKNOWN = "unknown command"
EQUALS = "equal (=) expected after command"
MISSING = "missing arguments"
UNEXPECTED = "unexpected arguments"
INVALID = "invalid argument"
NO_HOST = "invalid host name or ip address"
INTEGER = "integer expected"
MISMATCH = "quotation mismatch"
BAD_MASK = "Bad subnet mask specified"
LIST = "list expected"

BLOCK = """\
virtual web {{
active = 1
address = 192.0.2.80 eth0:1
vip_nmask = 255.255.255.0
{}
server a {{
active = 1
address = 10.0.0.2
}}
}}
"""
SERVER = """\
virtual web {{
active = 1
address = 192.0.2.80 eth0:1
vip_nmask = 255.255.255.0
server a {{
active = 1
address = 10.0.0.2
{}
}}
}}
"""
SOUND = BLOCK.format("# fine")


class Row(NamedTuple):
    """One row.

    Attributes:
        frame: G around global lines, V inside a virtual block, S inside a server block,
            F for a whole file.
        reason: why the original refused it; empty when it did not.
        ours: severity and code of our problem; empty when there is none.
        place: line and column of it.
    """

    number: int
    frame: str
    text: str
    reason: str
    ours: str
    place: tuple[int, int] = (0, 0)


ROWS = [
    Row(1, "F", "", "Empty configuration", "error empty", (0, 0)),
    Row(2, "F", "# nothing\n# here\n", "", "warning no-active-service", (0, 0)),
    Row(3, "G", "primary=10.0.0.1", UNKNOWN, "error blanks-around-equals", (1, 8)),
    Row(4, "G", "primary =10.0.0.1", EQUALS, "error equals-expected", (1, 9)),
    Row(5, "G", "primary =", MISSING, "error missing-value", (1, 10)),
    Row(6, "G", "primary", EQUALS, "error equals-expected", (1, 8)),
    Row(7, "G", "primary = 10.0.0.1 # x", UNEXPECTED, "warning trailing-comment", (1, 20)),
    Row(8, "G", "PRIMARY = 10.0.0.1", UNKNOWN, "warning unknown-keyword", (1, 1)),
    # We do not resolve names while we read; a daemon does.
    Row(9, "G", "primary = no.such.host.invalid", "", "warning host-name", (1, 11)),
    Row(10, "G", "primary = 0.0.0.0", NO_HOST, "error unset-address", (1, 11)),
    Row(11, "G", "primary = fe80::1", INVALID, ""),  # an extension
    Row(12, "G", "primary = 10.1", "", "warning short-address", (1, 11)),
    Row(13, "G", "keepalive = 6s", INTEGER, "error integer-expected", (1, 13)),
    Row(14, "G", "keepalive = 1.5", INTEGER, "error integer-expected", (1, 13)),
    Row(15, "G", "keepalive = -3", "", "error out-of-range", (1, 13)),
    Row(16, "G", "deadtime = 010", "", "warning odd-number", (1, 12)),
    Row(17, "G", 'keepalive = ""', "", "error out-of-range", (1, 13)),
    Row(18, "G", "keepalive = 99999999999", "", "error out-of-range", (1, 13)),
    Row(19, "G", "backup_active = 2", "boolean expected", "error boolean-expected", (1, 17)),
    Row(20, "G", "backup_active = yes", INTEGER, "error integer-expected", (1, 17)),
    Row(21, "G", "monitor_links = 7", "", "warning number-adjusted", (1, 17)),
    Row(22, "G", "heartbeat_port = nosuch", INVALID, "error unknown-port", (1, 18)),
    Row(23, "G", "heartbeat_port = 70000", "", "error out-of-range", (1, 18)),
    Row(24, "G", "network = tun", INVALID, "error invalid-argument", (1, 11)),
    Row(24, "G", "network = DIRECT", INVALID, "error invalid-argument", (1, 11)),
    Row(25, "G", "nat_router = 10.0.0.5", MISSING, "error missing-device", (1, 14)),
    Row(26, "G", "nat_router = 10.0.0.5 eth1:1 x", UNEXPECTED, "error unexpected-words", (1, 30)),
    Row(27, "G", "nat_nmask = foo", BAD_MASK, "error bad-mask", (1, 13)),
    Row(28, "G", "nat_nmask = 255.0.255.0", "", "error mask-with-holes", (1, 13)),
    Row(29, "G", "reservation_conflict_action = reboot", INVALID, "error invalid-argument", (1, 31)),
    Row(30, "G", "debug = NONE", UNKNOWN, "warning unknown-keyword", (1, 1)),
    Row(31, "F", SOUND.replace("web {", "web\n{"), MISSING, "error bad-header", (1, 12)),
    Row(32, "F", SOUND.replace("web {", "web{"), MISSING, "error bad-header", (1, 13)),
    Row(33, "F", SOUND.replace("web {", "{"), MISSING, "error bad-header", (1, 10)),
    Row(34, "G", "virtual x { active = 1 }", UNEXPECTED, "error bad-header", (1, 13)),
    Row(35, "F", SOUND.removesuffix("}\n"), "", "warning missing-last-brace", (1, 1)),
    Row(36, "F", SOUND.removesuffix("}\n") + "virtual b {\nactive = 0\n}\n", UNKNOWN, "error missing-brace", (10, 1)),
    Row(37, "F", SOUND + "}\n", UNKNOWN, "error stray-brace", (11, 1)),
    Row(38, "F", SOUND.removesuffix("}\n") + "} junk\n", "", "warning text-after-brace", (10, 3)),
    Row(39, "V", "address = 10.0.0.9", MISSING, "error missing-device", (5, 11)),
    Row(40, "V", "address = 10.0.0.9/24 eth0:1", INVALID, "error invalid-address", (5, 11)),
    Row(41, "V", "vip_nmask = foo", BAD_MASK, "error bad-mask", (5, 13)),
    Row(42, "V", "sorry_server = host", NO_HOST, "error invalid-address", (5, 16)),
    Row(43, "V", "pmask = foo", "", "warning mask-ignored", (5, 9)),
    Row(44, "V", "fwmark = -1", "", "warning number-adjusted", (5, 10)),
    Row(45, "V", "protocol = sctp", INVALID, ""),  # an extension
    Row(45, "V", "protocol = TCP", INVALID, "error invalid-argument", (5, 12)),
    Row(46, "V", "port = 99999", "", "error out-of-range", (5, 8)),
    Row(47, "V", "scheduler = sed", INVALID, ""),  # an extension
    Row(48, "V", "keepalive = 3", UNKNOWN, "error misplaced-keyword", (5, 1)),
    Row(49, "V", "expect_program = x", UNKNOWN, "warning without-effect", (5, 1)),
    Row(50, "V", "send = GET / HTTP", UNEXPECTED, "error unexpected-words", (5, 12)),
    Row(51, "V", 'send = "abc', MISSING, "error unclosed-quote", (5, 8)),
    Row(52, "G", 'active_cmd = "abc', MISMATCH, "error unclosed-quote", (1, 14)),
    Row(52, "S", 'address = "abc', MISMATCH, "error unclosed-quote", (8, 11)),
    Row(53, "V", 'expect = "HTTP"  ', MISSING, ""),
    Row(54, "V", r'send = "a \"b\" c"', UNEXPECTED, ""),
    Row(55, "V", 'send = "', "", "error unclosed-quote", (5, 8)),
    Row(56, "V", "dirs = /a /b", LIST, "error list-expected", (5, 8)),
    Row(56, "V", "dirs = [ /a /b", LIST, "error list-expected", (5, 8)),
    Row(57, "S", "port = http", INTEGER, ""),  # an extension
    Row(58, "S", "nmask = 255.0.0.0", UNKNOWN, "warning without-effect", (8, 1)),
    Row(59, "F", SOUND.replace("address = 10.0.0.2\n", ""), "", "error no-address", (6, 1)),
    Row(60, "S", "weight = -5", "", "error out-of-range", (8, 10)),
    Row(61, "F", SOUND.replace("\n", "\r\n"), "carriage return", "warning carriage-return", (1, 14)),
    Row(62, "F", SOUND.replace("80 eth0:1\n", "80 eth0:1\r\n"), "carriage return", "warning carriage-return", (3, 28)),
    Row(63, "F", "\ufeff" + SOUND, "byte order mark", "warning byte-order-mark", (1, 1)),
    Row(64, "F", SOUND + "\0", "nul byte", "error nul-byte", (11, 1)),
    Row(65, "F", SOUND + SOUND.replace("80 eth0:1", "81 eth0:2"), "", "warning same-name", (11, 1)),
]  # fmt: skip


def text_of(row: Row) -> str:
    match row.frame:
        case "F":
            return row.text
        case "V":
            return BLOCK.format(row.text)
        case "S":
            return SERVER.format(row.text)
        case _:
            return f"{row.text}\n" + SOUND


def identity(row: Row) -> str:
    words = re.sub(r"\W+", "-", row.text.splitlines()[0][:24]) if row.text else "empty"
    return f"{row.number}-{words}"


@pytest.fixture(params=ROWS, ids=identity)
def row(request: pytest.FixtureRequest) -> Row:
    value = request.param
    assert isinstance(value, Row)
    return value


def found(row: Row) -> list[Problem]:
    """Our problems, apart from those of the frame around the row."""
    ignored = {"no-primary", "repeated-keyword", "inactive-by-default"}
    ignored |= set() if row.number == 2 else {"no-active-service"}
    return [p for p in load(text_of(row), PORTS).problems if p.code not in ignored]


def test_what_would_hurt_is_an_error_and_what_was_harmless_a_warning(row: Row) -> None:
    problems = found(row)
    if not row.ours:
        assert problems == []
        return
    severity, _, code = row.ours.partition(" ")
    # One slip is one error: the rest of the file is understood all the same.
    assert sum(p.severity == "error" for p in problems) == (severity == "error")
    assert next(p.code for p in problems if p.severity == severity) == code


def test_the_problem_points_at_the_offending_word(row: Row) -> None:
    places = {f"{p.severity} {p.code}": (p.line, p.column) for p in found(row)}
    if row.ours:
        assert places[row.ours] == row.place


def test_an_error_begins_with_the_words_of_the_original(row: Row) -> None:
    errors = [p for p in found(row) if p.severity == "error"]
    # In a virtual block the original lost the reason of a quoting error.
    reason = MISMATCH if row.ours.endswith("unclosed-quote") else row.reason
    if errors and reason and row.number != 64:
        assert errors[0].message.startswith(reason)


def test_strict_says_what_the_original_said(row: Row) -> None:
    refused = refusals(text_of(row), PORTS)
    code = "original-" + "-".join(re.findall(r"[a-z0-9]+", row.reason.lower()))
    wanted = [code] if row.reason else []
    assert [p.code for p in refused][: len(wanted) or 1] == wanted


def test_the_frames_themselves_are_sound() -> None:
    for text in (SOUND, SERVER.format("# fine")):
        codes = {p.code for p in load(text, PORTS).problems}
        assert codes == {"no-primary"}
        assert refusals(text, PORTS) == []


def test_every_row_of_the_table_is_walked() -> None:
    assert {row.number for row in ROWS} == set(range(1, 66))
