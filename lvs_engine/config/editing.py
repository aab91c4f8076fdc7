"""Edits of a document line by line: the rest of the text stays as it is."""

from __future__ import annotations

from lvs_engine.config.document import Block, Document, Line, Scope, Statement
from lvs_engine.config.lexer import read_line
from lvs_engine.config.parser import parse

_STEP = {Scope.VIRTUAL: 5, Scope.FAILOVER: 5, Scope.SERVER: 4}


class Edits:
    """Changes to the lines of one document, carried out together by `result`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.lines = document.lines
        self._replaced: dict[int, str] = {}
        self._removed: set[int] = set()
        self._inserted: dict[int, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._replaced or self._removed or self._inserted)

    def replace(self, index: int, raw: str) -> None:
        """Change the text of a line; its line end stays."""
        self._replaced[index] = raw

    def remove(self, first: int, last: int) -> None:
        """Remove lines, both ends included."""
        self._removed.update(range(first, last + 1))

    def insert_after(self, index: int, raws: list[str]) -> None:
        """Add lines behind a line; -1 is the beginning of the file."""
        self._inserted.setdefault(index, []).extend(raws)

    def result(self) -> Document:
        """The edited document, parsed anew."""
        if not self:
            return self.document
        out: list[str] = []
        for index in range(-1, len(self.lines)):
            if index >= 0 and index not in self._removed:
                line = self.lines[index]
                out.append(self._replaced.get(index, line.raw) + line.end)
            for raw in self._inserted.get(index, ()):
                if out and not out[-1].endswith(("\n", "\r")):
                    out[-1] += self._line_end(index)
                out.append(raw + self._line_end(index))
        return parse("".join(out))

    def _line_end(self, index: int) -> str:
        """The line end that is usual at this place."""
        for line in (*self.lines[max(index, 0) :: -1], *self.lines):
            if line.end:
                return "\r\n" if line.end.endswith("\r\n") else line.end
        return "\n"


def with_values(line: Line, statement: Statement, text: str) -> str:
    """The text of a line with new values; spacing and comment stay.

    Args:
        line: the line of the statement.
        statement: whose values are replaced.
        text: the new values as they stand in a file.
    """
    if statement.broken:
        return f"{line.indent}{statement.keyword} = {text}"
    old, new = statement.values, read_line(text, "").words
    if len(old) != len(new):
        return line.raw[: old[0].start] + text + line.raw[old[-1].end :]
    raw = line.raw
    for before, after in reversed(list(zip(old, new, strict=True))):
        piece = text[after.start : after.end]
        if before.quote and not after.quote and before.quote not in piece:
            piece = f"{before.quote}{piece}{before.quote}"
        raw = raw[: before.start] + piece + raw[before.end :]
    return raw


def statement_indent(document: Document, block: Block) -> str:
    """The indentation for a new statement in a block."""
    if block.statements:
        return document.lines[block.statements[-1].at].indent
    if block.opened < 0:
        return ""
    header = document.lines[block.opened].indent
    return new_statement_indent(document, block.scope, header)


def new_statement_indent(document: Document, scope: Scope, header: str) -> str:
    """The indentation of statements in a new block, from its header's.

    As in the blocks of the same kind, else one step of blanks or a tab.
    """
    for block in _like(document, scope):
        if block.statements:
            return document.lines[block.statements[-1].at].indent
    return header + ("\t" if header.endswith("\t") else " " * _STEP[scope])


def block_indent(document: Document, parent: Block, scope: Scope) -> str:
    """The indentation for the header of a new block."""
    for block in (*parent.of(scope), *_like(document, scope)):
        return document.lines[block.opened].indent
    return "" if parent.scope is Scope.GLOBAL else statement_indent(document, parent)


def _like(document: Document, scope: Scope) -> list[Block]:
    """The blocks of one kind that stand where they belong."""
    outer = document.root.blocks
    if scope is Scope.SERVER:
        outer = [b for v in document.root.of(Scope.VIRTUAL) for b in v.blocks]
    return [block for block in outer if block.scope is scope]
