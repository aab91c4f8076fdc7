r"""POSIX extended regular expressions in the terms of Python's `re`.

The original used the C library; lvs.cf files hold its syntax. Most of it is common.
Different are character classes (`[[:digit:]]`), backslashes inside brackets (plain
characters in POSIX), a literal `{`, and what only Python knows (`\d`, `(?:...)`).
"""

from __future__ import annotations

import re

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\n\r\f\v",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_INTERVAL = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_CLASS = re.compile(r"\[:([a-z]+):\]")
_SINGLE = re.compile(r"\[([.=])(.)\1\]", re.DOTALL)
_GNU_ESCAPES = {"w": r"[A-Za-z0-9_]", "W": r"[^A-Za-z0-9_]", "s": r"\s", "S": r"\S"}
_GNU_ANCHORS = {"b": r"\b", "B": r"\B", "<": r"\b(?=\w)", ">": r"\b(?<=\w)"}
_GNU_ENDS = {"`": r"\A", "'": r"\Z"}


def translate(pattern: str) -> str:
    """The same pattern for `re`; raises `ValueError` when it is none."""
    out: list[str] = []
    place = 0
    while place < len(pattern):
        char = pattern[place]
        if char == "[":
            piece, place = _bracket(pattern, place)
        elif char == "\\":
            piece, place = _escape(pattern, place)
        elif char == "{" and not _INTERVAL.match(pattern, place):
            piece, place = r"\{", place + 1
        elif char == "(" and pattern[place + 1 : place + 2] in ("?", "*", "+"):
            raise ValueError(f"nothing to repeat at character {place + 2}")
        elif char == "$":
            piece, place = r"\Z", place + 1  # re's $ also matches before a newline
        else:
            piece, place = char, place + 1
        out.append(piece)
    return "".join(out)


def compile_bytes(pattern: str) -> re.Pattern[bytes]:
    """A pattern to search answers with; raises `ValueError` saying what is wrong."""
    try:
        data = translate(pattern).encode("utf-8", "surrogateescape")
        return re.compile(data, re.DOTALL)
    except re.error as error:
        raise ValueError(str(error)) from None
    except (OverflowError, RecursionError) as error:
        raise ValueError(f"it is too large ({error})") from None


def _escape(pattern: str, place: int) -> tuple[str, int]:
    if place + 1 == len(pattern):
        raise ValueError("it ends with a backslash")
    char = pattern[place + 1]
    if char.isdigit() and char != "0":
        return f"\\{char}", place + 2
    known = _GNU_ESCAPES | _GNU_ANCHORS | _GNU_ENDS
    return known.get(char, re.escape(char)), place + 2


def _bracket(pattern: str, place: int) -> tuple[str, int]:
    """A bracket expression, in which a backslash is an ordinary character."""
    out = ["["]
    position = place + 1
    if pattern[position : position + 1] == "^":
        out.append("^")
        position += 1
    first = position
    while position < len(pattern):
        char = pattern[position]
        if char == "]" and position > first:
            return "".join([*out, "]"]), position + 1
        named = _CLASS.match(pattern, position)
        single = _SINGLE.match(pattern, position)
        if named:
            if named[1] not in _CLASSES:
                raise ValueError(f"[:{named[1]}:] is no character class")
            out.append(_CLASSES[named[1]])
            position = named.end()
        elif single:
            out.append(re.escape(single[2]))
            position = single.end()
        else:
            plain = char not in "\\[]^&~|" and not (char == out[-1] == "-")
            out.append(char if plain else "\\" + char)
            position += 1
    raise ValueError(f"the bracket at character {place + 1} is not closed")
