"""POSIX extended regular expressions, as lvs.cf has them, in Python's notation.

Only the notation is translated. What is undefined in POSIX is read as the GNU library
reads it (a leading `*` is ignored), except `(?`, which is left to Python. A search says
only whether there is a match, so longest and first match need not be told apart.
"""

from __future__ import annotations

import re

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r"\x20\t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r"\x20\t\n\r\f\v",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
_GNU_ESCAPES = {"<": r"\b(?=\w)", ">": r"\b(?<=\w)", "`": r"\A", "'": r"\Z"}
_PASSED_ON = "wWsSbBdD"
_INTERVAL = re.compile(r"\{\d*(?:,\d*)?\}")


def compiled(expression: bytes) -> re.Pattern[bytes]:
    """The expression ready for a search over bytes.

    Raises:
        ValueError: it is not a regular expression; the message says where and why.
    """
    # latin-1 maps each byte to one character and back.
    translated = _Translation(expression.decode("latin-1")).run()
    try:
        return re.compile(translated.encode("latin-1"), re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        shown = expression.decode("utf-8", "backslashreplace")
        raise ValueError(f'"{shown}" is not a regular expression: {error}') from None


class _Translation:
    """One pass over the expression.

    `_out` holds the translated pieces, `_atom` the index of the piece at which the
    thing begins that a following quantifier would repeat (-1: nothing to repeat).
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._out: list[str] = []
        self._atom = -1
        self._repeated = False
        self._groups: list[int] = []

    def run(self) -> str:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        return "".join(self._out)

    def _step(self, char: str) -> None:
        match char:
            case "\\":
                self._escape()
            case "[":
                self._emit_atom(self._bracket())
            case "(":
                self._open()
            case ")":
                self._emit(char)
                self._atom = self._groups.pop() if self._groups else -1
            case "|" | "^":
                self._emit(char)
                self._atom = -1
            case "$":  # Python's `$` would also match before a last newline
                self._emit(r"\Z")
                self._atom = -1
            case "*" | "+" | "?":
                self._quantifier(char)
            case "{" if found := _INTERVAL.match(self._text, self._at):
                self._quantifier(found.group())
            case ".":
                self._emit_atom(char)
            case _:
                self._emit_atom(re.escape(char))

    def _emit(self, piece: str, width: int = 1) -> None:
        self._out.append(piece)
        self._at += width
        self._repeated = False

    def _emit_atom(self, piece: str, width: int = 1) -> None:
        self._atom = len(self._out)
        self._emit(piece, width)

    def _escape(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if not following:
            raise ValueError("a regular expression must not end in a backslash")
        if following in _GNU_ESCAPES:
            self._emit(_GNU_ESCAPES[following], 2)
            self._atom = -1
        elif following in _PASSED_ON or following.isdigit():
            self._emit_atom("\\" + following, 2)
        else:
            self._emit_atom(re.escape(following), 2)

    def _open(self) -> None:
        start = len(self._out)
        if self._text.startswith("(?", self._at):
            self._emit("(?", 2)  # an extension of Python: its words follow as they are
            end = re.compile(r"[a-zA-Z-]*[:)]|[=!]|<[=!]").match(self._text, self._at)
            if end is not None:
                self._emit(end.group(), len(end.group()))
                if end.group().endswith(")"):
                    self._atom = -1
                    return
        else:
            self._emit("(")
        self._groups.append(start)
        self._atom = -1

    def _quantifier(self, text: str) -> None:
        if self._atom < 0:
            self._at += len(text)  # nothing before it to repeat: ignored
            return
        if self._repeated:  # `a+?` is lazy in Python, and an optional `a+` in POSIX
            self._out[self._atom :] = ["(?:", *self._out[self._atom :], ")"]
        self._emit(text.replace("{,", "{0,"), len(text))
        self._repeated = True

    def _bracket(self) -> str:
        """The bracket expression at the cursor; leaves the cursor on its last sign."""
        text, at = self._text, self._at + 1
        out = "["
        if text.startswith("^", at):
            out, at = "[^", at + 1
        first = at
        while at < len(text) and (text[at] != "]" or at == first):
            special = text[at : at + 2]
            if special in {"[:", "[.", "[="}:
                piece, at = self._named(special[1], at + 2)
                out += piece
            elif text[at] == "-":
                # Between two ends it makes a range; at an edge it is itself.
                edge = at == first or text.startswith("]", at + 1)
                out += r"\-" if edge else "-"
                at += 1
            else:
                out += re.escape(text[at])
                at += 1
        if at >= len(text):
            raise ValueError(f'"{text}" is not a regular expression: [ without ]')
        self._at = at
        return out + "]"

    def _named(self, kind: str, at: int) -> tuple[str, int]:
        end = self._text.find(kind + "]", at)
        name = self._text[at:end] if end >= 0 else ""
        if kind == ":" and name in _CLASSES:
            return _CLASSES[name], end + 2
        if kind != ":" and len(name) == 1:
            return re.escape(name), end + 2
        raise ValueError(
            f'"[{kind}{name}" is not a class of characters in "{self._text}"'
        )
