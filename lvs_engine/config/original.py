"""What the original 0.8.6 would refuse: for files that both must read.

This follows the old parser line by line, its way with quotes included, but it goes on
after a refusal. It knows nothing of what our own parser makes of a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lvs_engine.config import addresses, directives
from lvs_engine.config.codecs import Choice, Flag, Integer, Port, integer
from lvs_engine.config.codecs_address import Host, Mask
from lvs_engine.config.codecs_compound import HostDevice, WordList
from lvs_engine.config.directives import Directive
from lvs_engine.config.document import Scope
from lvs_engine.config.lexer import BOM
from lvs_engine.config.model import UNSET_ADDRESS
from lvs_engine.config.problems import Problem, Severity

_TOKENS = 99  # the rest of a longer line was dropped
_HEADERS = {
    Scope.GLOBAL: {"virtual": Scope.VIRTUAL, "failover": Scope.FAILOVER},
    Scope.VIRTUAL: {"server": Scope.SERVER},
    Scope.FAILOVER: {"server": Scope.SERVER},
}


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    """The words of the original, and the place in the line from 0."""

    def __init__(self, reason: str, column: int) -> None:
        super().__init__(reason)
        self.reason, self.column = reason, column


class _Token(NamedTuple):
    text: str
    start: int


def refusals(text: str, ports: Mapping[str, int]) -> list[Problem]:
    """Every place at which the original would have stopped, or gone silently wrong.

    Args:
        text: of lvs.cf.
        ports: TCP service names of this system.
    """
    if not text:
        return [_problem("Empty configuration", "", 0, 0)]
    problems = _of_the_bytes(text)
    text = text.removeprefix(BOM).partition("\0")[0]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    stack = [Scope.GLOBAL]
    for number, line in enumerate(text.split("\n"), 1):
        try:
            _take(line, stack, ports)
        except _Refused as refused:
            problems.append(_problem(refused.reason, "", number, refused.column + 1))
    return problems


def _problem(reason: str, more: str, line: int, column: int) -> Problem:
    code = "original-" + "".join(c if c.isalnum() else " " for c in reason.lower())
    message = f"0.8.6 refuses this: {reason}" if not more else f"0.8.6 {more}"
    return Problem(Severity.ERROR, "-".join(code.split()), message, line, column)


def _of_the_bytes(text: str) -> list[Problem]:
    problems = []
    if text.startswith(BOM):
        more = "takes the byte order mark as part of the first word"
        problems.append(_problem("byte order mark", more, 1, 1))
    traps = (
        ("\r", "carriage return", "loses lines around a carriage return"),
        ("\0", "nul byte", "ignores the file from here on"),
    )
    for char, name, more in traps:
        place = text.find(char)
        if place >= 0:
            before = text[:place]
            line = before.count("\n") + 1
            column = place - before.rfind("\n")
            problems.append(_problem(name, more, line, column))
    return problems


def _take(line: str, stack: list[Scope], ports: Mapping[str, int]) -> None:
    """Read one line; opens and closes blocks on the stack."""
    if line.lstrip(" \t")[:1] in ("", "#"):
        return
    scope = stack[-1]
    first = line.lstrip(" \t").split(" ")[0].split("\t")[0]
    inside = _HEADERS.get(scope, {}).get(first)
    if inside is not None:
        stack.append(inside)
    try:
        tokens = _tokens(line)
    except _Refused as refused:
        if scope in (Scope.VIRTUAL, Scope.FAILOVER):  # this one lost the right reason
            raise _Refused("missing arguments", refused.column) from None
        raise
    if tokens[0].text == "}":
        if len(stack) == 1:
            raise _Refused("unknown command", tokens[0].start)
        stack.pop()
    elif inside is not None:
        _header(tokens, line)
    else:
        _statement(tokens, line, scope, ports)


def _tokens(line: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while len(tokens) < _TOKENS:
        while line[place : place + 1] in (" ", "\t"):
            place += 1
        if place == len(line):
            break
        if line[place] in "\"'":
            token, place = _quoted(line, place)
        else:
            end = _blank(line, place)
            token, place = _Token(line[place:end], place), end
        tokens.append(token)
    return tokens


def _blank(line: str, place: int) -> int:
    """The next blank, or the end of the line."""
    found = [i for i in (line.find(" ", place), line.find("\t", place)) if i >= 0]
    return min(found, default=len(line))


def _quoted(line: str, start: int) -> tuple[_Token, int]:
    """The old search: from the first blank on, not from the opening quote."""
    blank = _blank(line, start)
    if blank == len(line):
        end = blank - 1 if line[-1] == line[start] else -1
    else:
        end = line.find(line[start], blank)
    if end < 0:
        raise _Refused("quotation mismatch", start)
    return _Token(line[start + 1 : end], start), end + 1


def _header(tokens: list[_Token], line: str) -> None:
    if len(tokens) < 3 or tokens[2].text != "{":
        raise _Refused("missing arguments", len(line.rstrip(" \t")))
    if len(tokens) > 3:
        raise _Refused("unexpected arguments", tokens[3].start)


def _statement(
    tokens: list[_Token], line: str, scope: Scope, ports: Mapping[str, int]
) -> None:
    keyword = tokens[0]
    directive = directives.find(scope, keyword.text)
    if directive is None or directive.extension:
        raise _Refused("unknown command", keyword.start)
    if len(tokens) < 2 or tokens[1].text != "=":
        column = tokens[1].start if len(tokens) > 1 else len(line.rstrip(" \t"))
        raise _Refused("equal (=) expected after command", column)
    values = tokens[2:]
    count = directive.codec.count
    if len(values) < max(count, 1):
        raise _Refused("missing arguments", len(line.rstrip(" \t")))
    if count and len(values) > count:
        raise _Refused("unexpected arguments", values[count].start)
    reason = _wrong(directive, scope, [value.text for value in values], ports)
    if reason:
        raise _Refused(reason, values[0].start)


def _wrong(
    directive: Directive, scope: Scope, values: list[str], ports: Mapping[str, int]
) -> str:
    """Why the original refused a value, or empty text."""
    value, number = values[0], integer(values[0])
    match directive.codec:
        case Integer() if number is None:
            return "integer expected"
        case Flag(loose=loose):
            if number is None:
                return "integer expected"
            return "" if loose or number in (0, 1) else "boolean expected"
        case Port() if number is None:
            if scope is Scope.SERVER:
                return "integer expected"
            return "" if value in ports else "invalid argument"
        case Choice(words=words, original=original):
            return "" if value in words[: original or None] else "invalid argument"
        case Mask(junk_is_none=junk_is_none):
            dotted = "." in value and addresses.ipv4(value)
            return "" if dotted or junk_is_none else "Bad subnet mask specified"
        case Host() | HostDevice() as codec:
            return _wrong_host(codec, value)
        case WordList() if value != "[" or "]" not in values:
            return "list expected"
    return ""


def _wrong_host(codec: Host | HostDevice, value: str) -> str:
    no_address = "invalid host name or ip address"
    address = addresses.ipv4(value)
    if isinstance(codec, Host) and not codec.names:
        return "" if address else no_address
    if address is None:
        return "" if addresses.is_host_name(value) else "invalid argument"
    unset_allowed = isinstance(codec, HostDevice) or codec.unset
    return no_address if address == UNSET_ADDRESS and not unset_allowed else ""
