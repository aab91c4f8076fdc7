"""From single statements to the fields of a block, with what is wrong with each.

Repeated, misplaced and unknown keywords are found here, and values that are refused or
odd. What a block is and where it belongs is known in `reader.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lvs_engine.config import directives
from lvs_engine.config.codecs import Note, RefusalError
from lvs_engine.config.directives import Directive, Effect
from lvs_engine.config.document import Block, Document, Scope, Statement, Word
from lvs_engine.config.problems import Problem, Severity

Decoded = tuple[object, RefusalError | None, list[Note]]

# The old web tool wrote these, and the old daemons refused the file because of them.
_WRITTEN_BY_MISTAKE = {
    (Scope.VIRTUAL, "expect_program"),
    (Scope.VIRTUAL, "deadtime"),
    (Scope.FAILOVER, "expect_program"),
    (Scope.FAILOVER, "heartbeat"),
    (Scope.SERVER, "nmask"),
}


class Fields:
    """The values of one block; `finish` files its problems once its activity is known."""

    def __init__(self, problems: list[Problem]) -> None:
        self.values: dict[str, object] = {}
        self.pending: list[tuple[Problem, bool]] = []
        self._problems = problems

    def report(self, problem: Problem, *, used: bool = False) -> None:
        """Add a problem; `used`: it only hurts when the block is active."""
        self.pending.append((problem, used))

    def finish(self, *, active: bool) -> dict[str, object]:
        for problem, used in self.pending:
            gentle = used and not active and problem.severity is Severity.ERROR
            self._problems.append(_softened(problem) if gentle else problem)
        return self.values


def _softened(p: Problem) -> Problem:
    message = f"{p.message}; it must be right before the block is made active"
    return Problem(
        Severity.WARNING, p.code, message, p.line, p.column, p.where, p.keyword
    )


class StatementReader:
    """Reads the statements of one document."""

    def __init__(self, document: Document, ports: Mapping[str, int]) -> None:
        self.lines = document.lines
        self.ports = ports
        self.problems: list[Problem] = []
        self.decoded: dict[tuple[Scope, str], Decoded] = {}  # most lines repeat

    def fields(self, block: Block, where: tuple[str, ...]) -> Fields:
        fields = Fields(self.problems)
        seen: dict[str, int] = {}
        for statement in block.statements:
            directive = directives.find(block.scope, statement.keyword)
            if directive is None:
                self.unknown(fields, block.scope, statement, where)
                continue
            if statement.broken:
                continue
            if statement.keyword in seen:
                fields.report(
                    self.at_keyword(
                        statement,
                        "repeated-keyword",
                        f"{statement.keyword} is already in line "
                        f"{seen[statement.keyword]}; the last one counts",
                        where,
                    )
                )
            seen[statement.keyword] = statement.at + 1
            self.take(fields, block.scope, directive, statement, where)
        return fields

    def take(
        self,
        fields: Fields,
        scope: Scope,
        directive: Directive,
        statement: Statement,
        where: tuple[str, ...],
    ) -> None:
        """Read one statement into the fields."""
        for problem in self.count_problems(directive, statement, where):
            fields.report(problem)
        value, refusal, notes = self.decode(directive, statement, scope)
        if refusal is not None:
            reason = f"{refusal.reason}: " if refusal.reason else ""
            fields.report(
                self.at_word(
                    statement,
                    refusal.word,
                    Severity.ERROR,
                    refusal.code,
                    f"{reason}{directive.keyword} {refusal}",
                    where,
                ),
                used=refusal.used,
            )
            return
        for note in notes:
            fields.report(
                self.at_word(
                    statement,
                    note.word,
                    Severity.WARNING,
                    note.code,
                    f"{directive.keyword}: {note.message}",
                    where,
                )
            )
        if directive.field:
            fields.values[directive.field] = value

    def decode(
        self, directive: Directive, statement: Statement, scope: Scope
    ) -> Decoded:
        key = (scope, self.lines[statement.at].raw)
        known = self.decoded.get(key)
        if known is None:
            known = self.decoded[key] = _decode(directive, statement.values, self.ports)
            known[2].extend(_habits(scope, directive, statement))
        return known

    def count_problems(
        self, directive: Directive, statement: Statement, where: tuple[str, ...]
    ) -> Iterator[Problem]:
        """Too many words; too few can only be a device, see `validation`."""
        count = directive.codec.count
        if count and len(statement.values) > count:
            hint = " (text with blanks belongs in quotes)" if count == 1 else ""
            yield self.at_word(
                statement,
                count,
                Severity.ERROR,
                "unexpected-words",
                f"unexpected arguments: {directive.keyword} takes {directive.allowed}"
                f"{hint}",
                where,
            )

    def unknown(
        self,
        fields: Fields,
        scope: Scope,
        statement: Statement,
        where: tuple[str, ...],
    ) -> None:
        keyword = statement.keyword
        if (scope, keyword) in _WRITTEN_BY_MISTAKE:
            text = (
                f"unknown command: {keyword} never had an effect here; remove the line"
            )
            fields.report(self.at_keyword(statement, "without-effect", text, where))
            return
        places = directives.scopes_of(keyword)
        if places:
            fields.report(
                self.at_word(
                    statement,
                    -1,
                    Severity.ERROR,
                    "misplaced-keyword",
                    f"unknown command: {keyword} belongs "
                    + " or ".join(_PLACES[place] for place in places),
                    where,
                )
            )
            return
        if statement.broken:  # the parser has said enough about the line
            return
        near = directives.suggest(scope, keyword)
        hint = f"; did you mean {near}?" if near else ""
        text = f"unknown command: {keyword} is kept but has no effect{hint}"
        fields.report(self.at_keyword(statement, "unknown-keyword", text, where))

    def warn_if_undecided(
        self, block: Block, fields: Fields, where: tuple[str, ...]
    ) -> None:
        if "active" not in fields.values and not block.named("active"):
            fields.report(
                self.at_header(
                    block,
                    "inactive-by-default",
                    "there is no active line, so the block is not in use; add "
                    "`active = 1` or `active = 0`",
                    where,
                )
            )

    # Places

    def at_word(
        self,
        statement: Statement,
        word: int,
        severity: Severity,
        code: str,
        message: str,
        where: tuple[str, ...],
    ) -> Problem:
        """A problem at a word of the value; word -1 is the keyword."""
        line = self.lines[statement.at]
        words: Sequence[Word] = statement.values
        if word < 0:
            column = line.words[0].start
        elif word < len(words):
            column = words[word].start
        else:
            column = line.words[-1].end
        return Problem(
            severity,
            code,
            message,
            statement.at + 1,
            column + 1,
            where,
            statement.keyword,
        )

    def at_keyword(
        self, statement: Statement, code: str, message: str, where: tuple[str, ...]
    ) -> Problem:
        return self.at_word(statement, -1, Severity.WARNING, code, message, where)

    def at_header(
        self, block: Block, code: str, message: str, where: tuple[str, ...]
    ) -> Problem:
        column = self.lines[block.opened].words[0].start + 1
        return Problem(Severity.WARNING, code, message, block.opened + 1, column, where)


_PLACES = {
    Scope.GLOBAL: "outside of any block",
    Scope.VIRTUAL: "in a virtual block",
    Scope.FAILOVER: "in a failover block",
    Scope.SERVER: "in a server block",
}


def _decode(
    directive: Directive, words: Sequence[Word], ports: Mapping[str, int]
) -> Decoded:
    texts = [word.text for word in words]
    if directive.codec.count:
        texts = texts[: directive.codec.count]
    try:
        value = directive.codec.parse(texts, ports)
    except RefusalError as refusal:
        return None, refusal, []
    return value, None, directive.codec.notes(texts, ports)


def _habits(scope: Scope, directive: Directive, statement: Statement) -> Iterator[Note]:
    """Notes on what the original did otherwise with a value that is fine."""
    word = statement.values[0]
    if word.quote == "'" and getattr(directive.codec, "always_quoted", False):
        yield Note(
            "single-quotes",
            "single quotes are read like double ones; the original took them as part "
            "of the text",
        )
    unused = scope is Scope.FAILOVER and directive.effect is Effect.NONE
    other_monitor = directive.keyword == "client_monitor" and not word.text.endswith(
        "/nanny"
    )
    if unused or other_monitor:
        yield Note("without-effect", "this has no effect here")
