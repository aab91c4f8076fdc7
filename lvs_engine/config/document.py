"""The lossless form of lvs.cf: every character kept, blocks and words found.

A `Line` knows the place of each of its words, so that an edit can replace one word and
leave the rest alone. A `Document` is the lines in order and the tree of blocks over
them; `render` gives back the text that was parsed. What the words mean is not known
here (`directives.py`, `reader.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from lvs_engine.config.problems import Problem


class Scope(StrEnum):
    """Where a statement stands; OTHER is a block that nobody knows."""

    GLOBAL = "global"
    VIRTUAL = "virtual"
    FAILOVER = "failover"
    SERVER = "server"
    OTHER = "other"


class Word(NamedTuple):
    """One word of a line.

    Attributes:
        text: without its quotes.
        start, end: place in the line, from 0, quotes included.
        quote: the quote character around it, or empty.
    """

    text: str
    start: int
    end: int
    quote: str = ""


class Flaw(StrEnum):
    """What is odd about the quotes of a line."""

    NONE = ""
    UNCLOSED = "unclosed"  # no closing quote at all
    INNER = "inner"  # `"a"b"`: the original took the last quote as the end


class Line(NamedTuple):
    """One physical line.

    Attributes:
        raw: the text before the line end.
        end: newline, carriage return and newline, carriage return, or empty.
        words: a trailing comment is not among them.
        comment: place of a trailing `#` in `raw`, or -1.
    """

    raw: str
    end: str
    words: tuple[Word, ...] = ()
    comment: int = -1
    flaw: Flaw = Flaw.NONE

    @property
    def indent(self) -> str:
        """The blanks before the first character that is none."""
        return self.raw[: len(self.raw) - len(self.raw.lstrip(" \t"))]


class Statement(NamedTuple):
    """`KEYWORD = VALUE ...` on one line.

    Attributes:
        at: index of the line, from 0.
        broken: the line has a syntax error; its values are not to be used.
    """

    at: int
    keyword: str
    values: tuple[Word, ...]
    broken: bool = False


@dataclass(slots=True)
class Block:
    """A block, or the whole file (scope GLOBAL, opened at -1).

    Attributes:
        identity: `virtual web`, or `virtual web#2` for the second of that name.
        opened: index of the header line.
        closed: index of the line with `}`, or None when it is missing.
        last: index of the last line that belongs to the block.
    """

    scope: Scope
    name: str = ""
    identity: str = ""
    opened: int = -1
    closed: int | None = None
    last: int = -1
    statements: list[Statement] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def of(self, scope: Scope) -> list[Block]:
        """The blocks of one kind directly inside, in order."""
        return [block for block in self.blocks if block.scope is scope]

    def named(self, keyword: str) -> list[Statement]:
        """All statements with a keyword, in order; the last one counts."""
        return [s for s in self.statements if s.keyword == keyword]


@dataclass(slots=True)
class Document:
    """A parsed file.

    Attributes:
        problems: of the syntax only, in order of lines.
    """

    lines: list[Line]
    root: Block
    problems: list[Problem]

    def render(self) -> str:
        """The text, character for character."""
        return "".join([line.raw + line.end for line in self.lines])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Document):
            return NotImplemented
        return self.render() == other.render()

    def __hash__(self) -> int:
        return hash(self.render())

    def walk(self) -> Iterator[Block]:
        """Every block, the whole file first, each before what it holds."""
        pending = [self.root]
        while pending:
            block = pending.pop()
            yield block
            pending.extend(reversed(block.blocks))
