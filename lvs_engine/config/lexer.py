"""From text to lines and from a line to words; knows no keyword.

Blank is space or tab. LF, CR-LF and CR end a line alike (the original lost all but the
first line of a CR-LF file). A word that starts with a quote runs to the first matching
quote that no backslash escapes; escapes themselves are left as they are, because they
belong to the checks that send and expect them.
"""

from __future__ import annotations

import re

from lvs_engine.config.document import Flaw, Line, Word

BOM = "\ufeff"

# No more than eight, else each CR of a long row would look at all that follow.
_LINE = re.compile(r"([^\r\n]*)(\r{0,8}\n|\r)|([^\r\n]+)")
_BLANK_OR_WORD = re.compile(r"[ \t]*([^ \t]*)")
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
}


def split_lines(text: str) -> list[tuple[str, str]]:
    """Lines as (text, line end); the text before a missing last newline counts."""
    if "\r" in text:
        return [
            (m[3], "") if m[3] is not None else (m[1], m[2])
            for m in _LINE.finditer(text)
        ]
    lines = [(raw, "\n") for raw in text.split("\n")]
    last, _ = lines.pop()
    if last:
        lines.append((last, ""))
    return lines


def read_line(raw: str, end: str) -> Line:
    """Find the words of one line."""
    words: list[Word] = []
    flaw = Flaw.NONE
    position = 1 if raw.startswith(BOM) else 0
    while True:
        match = _BLANK_OR_WORD.match(raw, position)
        assert match is not None  # it matches the empty text too
        plain, start = match[1], match.start(1)
        if not plain:
            return Line(raw, end, tuple(words), flaw=flaw)
        if plain[0] == "#" and _starts_comment(raw, words, match.end()):
            return Line(raw, end, tuple(words), start if words else -1, flaw)
        if plain[0] in _QUOTED:
            word, oddity = _quoted(raw, start, plain)
            flaw = oddity or flaw
        else:
            word = Word(plain, start, match.end())
        words.append(word)
        position = word.end


def _starts_comment(raw: str, words: list[Word], end: int) -> bool:
    """Whether a word that begins with `#` begins a comment.

    Right after `=`, the original read it as a value: `expect = #` stays one. With more
    words behind it the original refused the line, and a comment is what people mean.
    """
    after_equals = len(words) == 2 and words[1].text == "=" and not words[1].quote
    return not after_equals or bool(raw[end:].strip(" \t"))


def _quoted(raw: str, start: int, plain: str) -> tuple[Word, Flaw]:
    quote = plain[0]
    match = _QUOTED[quote].match(raw, start)
    if match and raw[match.end() : match.end() + 1] in ("", " ", "\t"):
        return Word(match[1], start, match.end(), quote), Flaw.NONE
    # Without a blank inside, the original took the last character as closing quote.
    if len(plain) > 1 and plain[-1] == quote:
        return Word(plain[1:-1], start, start + len(plain), quote), Flaw.INNER
    if match:
        return Word(match[1], start, match.end(), quote), Flaw.NONE
    rest = raw[start:].rstrip(" \t")
    if len(rest) > 1 and rest[-1] == quote:  # `"ends with \"`
        return Word(rest[1:-1], start, start + len(rest), quote), Flaw.INNER
    return Word(rest[1:], start, start + len(rest), quote), Flaw.UNCLOSED
