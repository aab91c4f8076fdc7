"""Is the answer the expected one: escapes, plain text, `*`, and regular expressions.

Answers arrive in pieces. An expectation looks at all bytes received so far and says
match, mismatch, or that it needs more; what the end of the connection or a time limit
then means is the prober's to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from lvs_engine.config import escapes
from lvs_engine.config.posix_regex import compiled

ANSWER_LIMIT = 65536  # bytes of an answer that are looked at
ANYTHING = "*"

_SHOWN = 40


class Verdict(Enum):
    """What the bytes so far mean."""

    MATCH = "match"
    MISMATCH = "mismatch"  # certain: no further byte can turn it into a match
    MORE = "more"


class Expectation(Protocol):
    """What an answer has to be like."""

    def of_stream(self, data: bytes | bytearray) -> Verdict:
        """`data` is the beginning of what a server sends."""

    def of_output(self, data: bytes) -> bool:
        """`data` is the whole output of a program."""

    def __str__(self) -> str:
        """For a message: `"HTTP/1.1 200"`, `a match of "^2[0-9]+"`."""


def translate(text: str) -> bytes:
    r"""`send` or `expect` with its escapes `\n \r \t \\ \' \"` carried out.

    A text of one character stands for itself, even if it is a backslash, as in the
    original.

    Raises:
        ValueError: another character, or nothing, follows a backslash (KF-5).
    """
    place = escapes.bad_escape(text)
    if place is not None:
        pair = text[place : place + 2]
        raise ValueError(
            f"{pair if len(pair) == 2 else 'a backslash at the end'} is not an escape;"
            r""" allowed are \n \r \t \\ \' and \" (write \\ for one backslash)"""
        )
    return escapes.translate(text).encode("utf-8", "surrogateescape")


def expectation(expect: str, *, regex: bool = False) -> Expectation:
    """What `expect` of lvs.cf asks for; compiled here once (KF-23).

    Raises:
        ValueError: a wrong escape, or not a regular expression.
    """
    if expect == ANYTHING:
        return Anything()
    wanted = translate(expect)
    return Matching(compiled(wanted), wanted) if regex else Beginning(wanted)


@dataclass(frozen=True, slots=True)
class Anything:
    """`*`: at least one byte, whatever it is (KF-18)."""

    def of_stream(self, data: bytes | bytearray) -> Verdict:
        return Verdict.MATCH if data else Verdict.MORE

    def of_output(self, data: bytes) -> bool:
        return bool(data)

    def __str__(self) -> str:
        return "any answer"


@dataclass(frozen=True, slots=True)
class Beginning:
    """A plain text: a server's answer begins with it, a program's output equals it."""

    wanted: bytes

    def of_stream(self, data: bytes | bytearray) -> Verdict:
        if data.startswith(self.wanted):
            return Verdict.MATCH
        return Verdict.MORE if self.wanted.startswith(data) else Verdict.MISMATCH

    def of_output(self, data: bytes) -> bool:
        """The newline that ends the last line is not part of the answer (KF-15)."""
        return data in (self.wanted, self.wanted + b"\n")

    def __str__(self) -> str:
        return quoted(self.wanted)


@dataclass(frozen=True, slots=True)
class Matching:
    """A regular expression that matches anywhere in the answer."""

    pattern: re.Pattern[bytes]
    written: bytes

    def of_stream(self, data: bytes | bytearray) -> Verdict:
        return Verdict.MATCH if self.pattern.search(data) else Verdict.MORE

    def of_output(self, data: bytes) -> bool:
        return self.pattern.search(data.removesuffix(b"\n")) is not None

    def __str__(self) -> str:
        return f"a match of {quoted(self.written)}"


def quoted(data: bytes | bytearray) -> str:
    """The first bytes of an answer, fit for a log line: one line, no control characters."""
    head = bytes(data[:_SHOWN])
    text = head.decode("ascii", "backslashreplace")
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return f'"{shown}..."' if len(data) > _SHOWN else f'"{shown}"'
