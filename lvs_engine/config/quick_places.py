"""Lines and columns in a text that was read quickly.

Such a text is regular: blocks open and close on lines of their own, no keyword stands
twice in a block, and none of the global ones stands in a block. So it is enough to look
at the first words of lines, and only where something was found.
"""

from __future__ import annotations

from collections.abc import Iterable

from lvs_engine.config.document import Scope, Word
from lvs_engine.config.lexer import read_line, split_lines
from lvs_engine.config.validation.finding import Finding, Place

_SERVER = ("server ", "server\t")
_VIRTUAL = ("virtual ", "virtual\t")


class QuickLocate:
    """Places in the text; a `Locator` of the rules."""

    def __init__(self, text: str) -> None:
        self._lines = [raw for raw, _ in split_lines(text)]
        self._virtuals: list[tuple[int, list[int]]] = []  # headers, of servers too
        for index, raw in enumerate(self._lines):
            line = raw.lstrip(" \t")
            if line.startswith(_SERVER):
                self._virtuals[-1][1].append(index)
            elif line.startswith(_VIRTUAL):
                self._virtuals.append((index, []))

    def __call__(self, finding: Finding) -> tuple[int, int]:
        statements = self._statements(finding)
        for keyword in finding.keywords:
            if keyword in statements:
                index, values = statements[keyword]
                word = values[min(finding.word, len(values) - 1)]
                inside = finding.offset + bool(word.quote) if finding.offset >= 0 else 0
                return index + 1, word.start + inside + 1
        if finding.place.scope is Scope.GLOBAL:
            return 0, 0
        index = self._header(finding.place)
        return index + 1, read_line(self._lines[index], "").words[0].start + 1

    def _header(self, place: Place) -> int:
        header, servers = self._virtuals[place.service]
        return header if place.server < 0 else servers[place.server]

    def _candidates(self, finding: Finding) -> Iterable[int]:
        """The lines that may hold a keyword of the finding."""
        if finding.place.scope is Scope.GLOBAL:
            for index, raw in enumerate(self._lines):
                if raw.lstrip(" \t").startswith(finding.keywords):
                    yield index
            return
        index = self._header(finding.place) + 1
        while not self._lines[index].lstrip(" \t").startswith(("}", *_SERVER)):
            yield index
            index += 1

    def _statements(self, finding: Finding) -> dict[str, tuple[int, tuple[Word, ...]]]:
        found = {}
        for index in self._candidates(finding):
            words = read_line(self._lines[index], "").words
            if len(words) > 2:
                found[words[0].text] = (index, words[2:])
        return found
