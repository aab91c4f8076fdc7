"""Word(s) of a value <-> Python value, one codec for each kind of value.

`parse` gives the value or raises `ValueError` with what is allowed; `notes` tells what
is accepted but should be known. A refusal `used=True` concerns something that the
original took and that only hurts in a block that is active. Addresses are in
`codecs_address.py`, values of several words in `codecs_compound.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol

_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_NEEDS_QUOTES = re.compile(r"[ \t]|^[\"'#]|^[{}=]?$")


class Note(NamedTuple):
    """Something about an accepted value that a person should know."""

    code: str
    message: str
    word: int = 0


class RefusalError(ValueError):
    """A value that is not allowed; the text says what is.

    Attributes:
        code: stable word for scripts.
        reason: the words of the original for it, or empty when it had none.
        word: which of the words of the value is meant, from 0.
        used: the original accepted the value; it does harm only where it is used.
    """

    def __init__(
        self, code: str, text: str, reason: str = "", word: int = 0, used: bool = False
    ) -> None:
        super().__init__(text)
        self.code, self.reason, self.word, self.used = code, reason, word, used


_DIGITS = 40
_LARGEST = 2**63 - 1


class Codec(Protocol):
    """How a value is read and written.

    Attributes:
        count: words that a value has; 0 for a list in brackets.
    """

    count: ClassVar[int]

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> object:
        """The value; raises `ValueError` saying what is allowed."""

    def format(self, value: object) -> str:
        """The text after `= `; raises `ValueError` for what cannot be written."""

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        """What to say about words that `parse` accepts."""


def integer(text: str) -> int | None:
    """A number as C's strtol reads it with base 0; None when it is none.

    More digits than any number here can have end at the largest, as there. (Python
    refuses to turn thousands of digits into a number or back.)
    """
    text = text.strip(" \t")
    if not text:
        return 0
    if not _INTEGER.fullmatch(text):
        return None
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-")
    if len(digits) > _DIGITS:
        return sign * _LARGEST
    if digits[:2] in ("0x", "0X"):
        return sign * int(digits, 16)
    return sign * int(digits, 8 if digits[0] == "0" else 10)


def quoted(text: str) -> str:
    """Text in quotes, double ones if it can be so."""
    for quote in ('"', "'"):
        rest = re.sub(r"\\.", "", text, flags=re.DOTALL)
        if quote not in rest and not rest.endswith("\\"):
            return f"{quote}{text}{quote}"
    return f'"{text}"'


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number in a range.

    Attributes:
        floor: numbers from here up to `low` are taken as `low`, with a note.
        low_bits: the original used only so many low bits: a larger number is cut to
            them, with a note.
    """

    low: int
    high: int
    floor: int | None = None
    low_bits: int = 0
    count: ClassVar[int] = 1

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> int:
        del ports
        number = integer(words[0])
        if number is None:
            raise RefusalError(
                "integer-expected",
                f"must be a whole number from {self.low} to {self.high}, got {words[0]}",
                "integer expected",
            )
        value = self._cut(number)
        if not self.low <= value <= self.high:
            raise RefusalError(
                "out-of-range",
                f"must be from {self.low} to {self.high}, got {number}",
                used=True,
            )
        return value

    def format(self, value: object) -> str:
        return str(value)

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        number = integer(words[0])
        if number is None:
            return []
        value = self.parse(words, ports)
        notes = _spelling(words[0], number)
        if value != number:
            notes.append(
                Note(
                    "number-adjusted", f"{number} is used as {value}, as it always was"
                )
            )
        return notes

    def _cut(self, number: int) -> int:
        if self.floor is not None and self.floor <= number < self.low:
            return self.low
        if self.low_bits and -(1 << 31) <= number < 1 << 32:
            return number & ((1 << self.low_bits) - 1)
        return number


def _spelling(text: str, number: int) -> list[Note]:
    """Notes on numbers that do not look like what they mean."""
    digits = text.strip(" \t").lstrip("+-")
    if not digits:
        return [Note("empty-number", "an empty number is read as 0")]
    if len(digits) > 1 and digits[0] == "0":
        kind = "hexadecimal" if digits[1] in "xX" else "octal"
        return [Note("odd-number", f"{text} is {kind} and read as {number}")]
    return []


@dataclass(frozen=True, slots=True)
class Flag:
    """0 or 1.

    Attributes:
        loose: any other number is taken as 1, with a note.
    """

    loose: bool = False
    count: ClassVar[int] = 1

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> bool:
        del ports
        number = integer(words[0])
        if number is None:
            raise RefusalError(
                "integer-expected",
                f"must be 0 or 1, got {words[0]}",
                "integer expected",
            )
        if number not in (0, 1) and not self.loose:
            raise RefusalError(
                "boolean-expected",
                f"must be 0 or 1, got {words[0]}",
                "boolean expected",
            )
        return number != 0

    def format(self, value: object) -> str:
        return "1" if value else "0"

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        del ports
        number = integer(words[0])
        if number is None:
            return []
        if number not in (0, 1):
            return [Note("number-adjusted", f"{number} is used as 1, as it always was")]
        return _spelling(words[0], number)


@dataclass(frozen=True, slots=True)
class Port:
    """A port number, or the name of a TCP service."""

    low: int = 0
    count: ClassVar[int] = 1

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> int:
        number = integer(words[0])
        if number is None:
            number = ports.get(words[0], -1)
            if number < 0:
                raise RefusalError(
                    "unknown-port",
                    f"must be a number from {self.low} to 65535 or a TCP service name, "
                    f"got {words[0]}",
                    "invalid argument",
                )
        if not self.low <= number <= 65535:
            raise RefusalError(
                "out-of-range",
                f"must be from {self.low} to 65535, got {number}",
                used=True,
            )
        return number

    def format(self, value: object) -> str:
        return str(value)

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        del ports
        number = integer(words[0])
        return [] if number is None else _spelling(words[0], number)


@dataclass(frozen=True, slots=True)
class Choice:
    """One word of a closed set.

    Attributes:
        kind: the enum that the model holds; plain text when it is None.
        words: the allowed words, those of the original first.
        original: how many of them the original knew.
    """

    words: tuple[str, ...]
    kind: type[StrEnum] | None = None
    original: int = 0
    count: ClassVar[int] = 1

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> str:
        del ports
        if words[0] not in self.words:
            raise RefusalError(
                "invalid-argument",
                f"must be one of {', '.join(self.words)}, got {words[0]}",
                "invalid argument",
            )
        return self.kind(words[0]) if self.kind else words[0]

    def format(self, value: object) -> str:
        return str(value)

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        del words, ports
        return []


@dataclass(frozen=True, slots=True)
class Text:
    """Free text of one word.

    Attributes:
        always_quoted: written in double quotes even without a blank. For these five
            keywords the original kept single quotes as part of the text.
    """

    always_quoted: bool = False
    count: ClassVar[int] = 1

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> str:
        del ports
        text = words[0]
        if any(c in text for c in "\r\n\0"):
            raise RefusalError(
                "control-character",
                r"must not hold line breaks or NUL; write \r and \n as escapes",
            )
        plain = re.sub(r"\\.", "", text, flags=re.DOTALL)
        ends_in_backslash = plain.endswith("\\") and '"' in text
        if ends_in_backslash or ('"' in plain and "'" in plain):
            raise RefusalError(
                "both-quotes",
                r"must not hold both kinds of quotes, or a double one and a backslash at "
                r"the end; write \" for the double ones",
            )
        return text

    def format(self, value: object) -> str:
        text = str(value)
        self.parse([text], {})
        return quoted(text) if self.always_quoted else bare(text)

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        del words, ports
        return []


def bare(text: str) -> str:
    """Text without quotes where it can be."""
    return quoted(text) if _NEEDS_QUOTES.search(text) else text
