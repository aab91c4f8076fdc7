"""Problems found in lvs.cf, as values; one style for file, page and log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps the file from being used; a warning is shown and blocks nothing."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong, or that a person should know.

    Attributes:
        code: stable word for scripts, such as `out-of-range`.
        message: what is wrong and what is allowed, in one sentence.
        line, column: from 1; 0 when the problem has no place in the file.
        where: identities of the blocks around it, such as ("virtual web", "server a").
        keyword: the keyword it is about, or empty.
    """

    severity: Severity
    code: str
    message: str
    line: int = 0
    column: int = 0
    where: tuple[str, ...] = ()
    keyword: str = ""

    def render(self, file: str) -> str:
        """`lvs.cf:41:13: error: virtual web, server a: weight 70000 is not ...   [out-of-range]`."""
        blocks = ", ".join(self.where)
        place = f"{file}:{self.line}:{self.column}" if self.line else file
        text = f"{blocks}: {self.message}" if blocks else self.message
        line = f"{place}: {self.severity}: {text}   [{self.code}]"
        return line if line.isprintable() else _printable(line)


def _printable(text: str) -> str:
    """The text with control characters as escapes: files may hold terminal codes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def errors(problems: Iterable[Problem]) -> list[Problem]:
    return [p for p in problems if p.severity is Severity.ERROR]
