"""From text to a document, with every syntax problem on the way; never raises.

The grammar is one statement per line: `KEYWORD = VALUE`, `BLOCK NAME {` or `}`. After
an error the parser goes on with what the line most likely meant, so that one slip does
not hide the next. Messages begin with the words of the original where it had some.
"""

from __future__ import annotations

from lvs_engine.config.document import Block, Document, Flaw, Line, Scope, Statement
from lvs_engine.config.lexer import BOM, read_line, split_lines
from lvs_engine.config.problems import Problem, Severity

_HEADERS = {
    "virtual": Scope.VIRTUAL,
    "failover": Scope.FAILOVER,
    "server": Scope.SERVER,
}
_DEEPEST = 2  # a server in a virtual block; no known block stands in an unknown one


def parse(text: str) -> Document:
    """Parse a whole file."""
    parser = _Parser()
    known: dict[tuple[str, str], Line] = {}
    for pair in split_lines(text):
        line = known.get(pair)
        if line is None:
            line = known[pair] = read_line(*pair)
        parser.take(line)
    return parser.finish(text)


class _Parser:
    """The blocks that are open, and what was found so far."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.problems: list[Problem] = []
        self.root = Block(Scope.GLOBAL)
        self.open = [self.root]
        self.seen: dict[tuple[int, Scope, str], int] = {}  # same names, per parent
        self.brace_expected = False  # the header before had no `{`

    def take(self, line: Line) -> None:
        index = len(self.lines)
        self.lines.append(line)
        if not line.words:
            return
        expected, self.brace_expected = self.brace_expected, False
        first = line.words[0]
        if "\0" in line.raw:
            column = line.raw.index("\0") + 1
            self.error(
                "nul-byte",
                "there is a NUL byte here; the original ignored the file from here on, "
                "remove it",
                column,
            )
            return
        if first.quote:
            self.statement(index, line)
        elif first.text == "}":
            self.close(index, line)
        elif first.text == "{":
            if not (expected and len(line.words) == 1):
                self.error("stray-brace", "unknown command: { opens nothing here")
        elif len(line.words) > 1 and line.words[1][0::3] == ("=", ""):
            self.statement(index, line)
        elif first.text in _HEADERS or first.text.removesuffix("{") in _HEADERS:
            self.header(index, line)
        elif line.words[-1].text == "{" and not line.words[-1].quote:
            self.unknown_block(index, line)
        else:
            self.statement(index, line)

    # Blocks

    def header(self, index: int, line: Line) -> None:
        keyword = line.words[0].text.removesuffix("{")
        scope = _HEADERS[keyword]
        if self.open[-1].scope is Scope.OTHER:
            self.push(Scope.OTHER, keyword, index)
            return
        self.make_room(scope, keyword)
        if scope is Scope.SERVER and self.open[-1] is self.root:
            self.error(
                "misplaced-block",
                "unknown command: a server block stands inside a virtual block only",
            )
            scope = Scope.OTHER
        name, closes = self.header_name(line)
        block = self.push(scope, name, index)
        if closes:
            block.closed = block.last = index
            self.open.pop()

    def make_room(self, scope: Scope, keyword: str) -> None:
        """Close what cannot hold the new block: there a `}` was forgotten."""
        fits = 1 if scope is not Scope.SERVER else 2
        if len(self.open) <= fits:
            return
        inner = self.open[-1]
        self.error(
            "missing-brace",
            f"unknown command: {keyword} cannot stand inside {inner.scope} "
            f"{inner.name}; a closing }} is missing before this line",
        )
        while len(self.open) > fits:
            self.pop(len(self.lines) - 2, None)

    def header_name(self, line: Line) -> tuple[str, bool]:
        """The block's name, and whether the same line closes it again."""
        words = line.words
        texts = [w.text for w in words]
        kind = texts[0].removesuffix("{")
        wanted = f"`{kind} NAME {{` with blanks between is needed"
        end = words[-1].end + 1
        if len(words) == 1 or (texts[1] == "{" and not words[1].quote):
            self.error(
                "bad-header", f"missing arguments: {wanted}, there is no name", end
            )
            self.brace_expected = "{" not in line.raw
            return "", texts[-1] == "}"
        name = texts[1]
        if len(words) == 2:
            self.error(
                "bad-header", f"missing arguments: {wanted}, there is no {{", end
            )
            self.brace_expected = not name.endswith("{")
            return name.removesuffix("{"), False
        opens = texts[2] == "{" and not words[2].quote
        if not opens or len(words) > 3:
            extra = words[3] if opens else words[2]
            self.error(
                "bad-header",
                f"unexpected arguments: {wanted}, the rest belongs on lines of its own",
                extra.start + 1,
            )
        elif line.comment >= 0:
            self.trailing_comment(line)
        if line.flaw is Flaw.UNCLOSED:
            self.error(
                "unclosed-quote", "quotation mismatch: the name has no closing quote"
            )
        return name, len(words) > 3 and texts[-1] == "}"

    def unknown_block(self, index: int, line: Line) -> None:
        word = line.words[0]
        if self.open[-1].scope is not Scope.OTHER:
            self.warn(
                "unknown-block",
                f"unknown command: {word.text} is no block that anybody knows here; it is "
                "left alone with all it holds",
            )
        self.push(Scope.OTHER, word.text, index)

    def close(self, index: int, line: Line) -> None:
        if len(self.open) == 1:
            self.error(
                "stray-brace",
                "unknown command: this } closes nothing; remove it, or look for a { that "
                "is missing above",
            )
            return
        if len(line.words) > 1:
            self.warn(
                "text-after-brace",
                "text after } is ignored, put it on a line of its own",
                line.words[1].start + 1,
            )
        self.pop(index, index)

    def push(self, scope: Scope, name: str, index: int) -> Block:
        parent = self.open[-1]
        key = (parent.opened, scope, name)
        count = self.seen[key] = self.seen.get(key, 0) + 1
        identity = f"{scope} {name}" + (f"#{count}" if count > 1 else "")
        block = Block(scope, name, identity, index, last=index)
        parent.blocks.append(block)
        self.open.append(block)
        return block

    def pop(self, last: int, closed: int | None) -> None:
        block = self.open.pop()
        block.last, block.closed = last, closed

    # Statements

    def statement(self, index: int, line: Line) -> None:
        if self.open[-1].scope is Scope.OTHER:
            return
        words = line.words
        broken = self.flaw(line)
        self.open[-1].statements.append(
            Statement(index, words[0].text, words[2:], broken=broken)
        )

    def flaw(self, line: Line) -> bool:
        """Report what is wrong with the form of a statement; True if it is unusable."""
        words = line.words
        keyword = words[0].text
        where = words[1].start + 1 if len(words) > 1 else words[0].end + 1
        if line.flaw is Flaw.UNCLOSED:
            self.error(
                "unclosed-quote",
                f"quotation mismatch: the value of {keyword} has no closing quote",
                words[-1].start + 1,
                keyword,
            )
        elif len(words) == 1 and "=" in keyword:
            name, _, value = keyword.partition("=")
            self.error(
                "blanks-around-equals",
                f"unknown command: blanks are needed around =, as in `{name} = {value}`",
                keyword.index("=") + words[0].start + 1,
                name,
            )
        elif len(words) == 1 or words[1].text != "=":
            self.error(
                "equals-expected",
                f"equal (=) expected after command: `{keyword} = VALUE` with blanks "
                "around = is needed",
                where,
                keyword,
            )
        elif len(words) == 2:
            self.error(
                "missing-value",
                f"missing arguments: {keyword} needs a value after =",
                words[1].end + 1,
                keyword,
            )
        else:
            if line.comment >= 0:
                self.trailing_comment(line)
            if line.flaw is Flaw.INNER:
                self.warn(
                    "inner-quote",
                    "a quote inside the quoted text is taken as text, as the original "
                    'did; write it as \\"',
                    words[-1].start + 1,
                )
            return False
        return True

    # The whole

    def finish(self, text: str) -> Document:
        for block in self.open[:0:-1]:
            self.problems.append(
                Problem(
                    Severity.WARNING,
                    "missing-last-brace",
                    f"unexpected end of file: {block.identity} is not closed; "
                    "the end of the file closes it",
                    block.opened + 1,
                    self.lines[block.opened].words[0].start + 1,
                    self.where(),
                )
            )
            self.pop(len(self.lines) - 1, None)
        self.root.last = len(self.lines) - 1
        self.problems += _of_the_whole(text, self.lines)
        self.problems.sort(key=lambda p: (p.line, p.column))
        return Document(self.lines, self.root, self.problems)

    def trailing_comment(self, line: Line) -> None:
        self.warn(
            "trailing-comment",
            "a comment behind a statement is accepted here, but the original refused it",
            line.comment + 1,
        )

    def error(
        self, code: str, message: str, column: int = 0, keyword: str = ""
    ) -> None:
        self.report(Severity.ERROR, code, message, column, keyword)

    def warn(self, code: str, message: str, column: int = 0) -> None:
        self.report(Severity.WARNING, code, message, column, "")

    def report(
        self, severity: Severity, code: str, message: str, column: int, keyword: str
    ) -> None:
        line = self.lines[-1]
        column = column or line.words[0].start + 1
        self.problems.append(
            Problem(
                severity, code, message, len(self.lines), column, self.where(), keyword
            )
        )

    def where(self) -> tuple[str, ...]:
        """The open blocks that are known; unknown ones may nest without end."""
        known = self.open[1 : 1 + _DEEPEST]
        return tuple(b.identity for b in known if b.scope is not Scope.OTHER)


def _of_the_whole(text: str, lines: list[Line]) -> list[Problem]:
    """What is said once per file: emptiness, line ends, byte order mark."""
    problems = []
    if not text:
        problems.append(
            Problem(
                Severity.ERROR,
                "empty",
                "Empty configuration: the file has no content at all",
            )
        )
    if text.startswith(BOM):
        problems.append(
            Problem(
                Severity.WARNING,
                "byte-order-mark",
                "the file begins with a byte order mark, which is ignored",
                1,
                1,
            )
        )
    if "\r" in text:
        odd = next(i for i, line in enumerate(lines) if "\r" in line.end)
        count = sum("\r" in line.end for line in lines)
        problems.append(
            Problem(
                Severity.WARNING,
                "carriage-return",
                f"{count} of {len(lines)} lines end in a carriage return; all lines are "
                "read, while the original read one or none of them",
                odd + 1,
                len(lines[odd].raw) + 1,
            )
        )
    return problems
