"""Lines, words and blocks, and how the parser goes on after a slip."""

from __future__ import annotations

import time

import pytest

from lvs_engine.config.document import Flaw, Scope
from lvs_engine.config.lexer import read_line, split_lines
from lvs_engine.config.parser import parse


def outline(text: str) -> list[tuple[str, int, int, int | None]]:
    """Scope, header, last line and closing line of each block, lines from 0."""
    return [
        (f"{b.scope} {b.name}", b.opened, b.last, b.closed)
        for b in parse(text).walk()
        if b.scope is not Scope.GLOBAL
    ]


def codes(text: str) -> list[str]:
    return [f"{p.line}:{p.column} {p.code}" for p in parse(text).problems]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("", []),
        ("  # note", []),
        ("port =\t80", ["port", "=", "80"]),
        ("port = 80 # x", ["port", "=", "80"]),
        ("port = 80#x", ["port", "=", "80#x"]),
        ("expect = #", ["expect", "=", "#"]),
        ("expect = #OK", ["expect", "=", "#OK"]),
        ("expect = # a note", ["expect", "="]),
        ('send = "a b" # x', ["send", "=", "a b"]),
        (r'send = "a \"b\" c"', ["send", "=", r"a \"b\" c"]),
        ("send = 'a \"b'", ["send", "=", 'a "b']),
        ('send = "a"b"', ["send", "=", 'a"b']),
        ('send = "ab cd"x', ["send", "=", "ab cd", "x"]),
        ('send = "ab" "cd"', ["send", "=", "ab", "cd"]),
        ('send = ""', ["send", "=", ""]),
        ('send = "a\\"', ["send", "=", "a\\"]),
        ('send = "a b\\"  ', ["send", "=", "a b\\"]),
        ('send = a"b', ["send", "=", 'a"b']),
        ("a\x0bb\x0c", ["a\x0bb\x0c"]),  # only space and tab are blank
        ("\ufeffport = 1", ["port", "=", "1"]),
    ],
)
def test_a_line_is_parted_into_words(raw: str, words: list[str]) -> None:
    line = read_line(raw, "\n")
    assert [w.text for w in line.words] == words
    for word in line.words:
        assert word.text in raw[word.start : word.end]


@pytest.mark.parametrize("raw", ['x = "', 'x = "abc', 'x = "a b', "x = '"])
def test_a_quote_without_end_is_a_flaw(raw: str) -> None:
    assert read_line(raw, "\n").flaw is Flaw.UNCLOSED


def test_every_kind_of_line_end_ends_a_line() -> None:
    text = "a\nb\r\nc\r\r\nd\re\n\nf"
    assert split_lines(text) == [
        ("a", "\n"),
        ("b", "\r\n"),
        ("c", "\r\r\n"),
        ("d", "\r"),
        ("e", "\n"),
        ("", "\n"),
        ("f", ""),
    ]


def test_blocks_know_their_lines() -> None:
    text = "virtual a {\nserver b {\n}\nport = 1\n}\nfailover c {\n}\n"
    assert outline(text) == [
        ("virtual a", 0, 4, 4),
        ("server b", 1, 2, 2),
        ("failover c", 5, 6, 6),
    ]
    assert codes(text) == []


def test_a_forgotten_brace_costs_one_error_and_ends_before_the_next_header() -> None:
    text = "virtual a {\nserver b {\nserver c {\n}\nvirtual d {\n}\n"
    assert outline(text) == [
        ("virtual a", 0, 3, None),
        ("server b", 1, 1, None),
        ("server c", 2, 3, 3),
        ("virtual d", 4, 5, 5),
    ]
    assert codes(text) == ["3:1 missing-brace", "5:1 missing-brace"]


def test_the_end_of_the_file_closes_what_is_open() -> None:
    text = "virtual a {\n  server b {\n"
    assert outline(text) == [("virtual a", 0, 1, None), ("server b", 1, 1, None)]
    assert codes(text) == ["1:1 missing-last-brace", "2:3 missing-last-brace"]


def test_a_brace_on_the_next_line_belongs_to_the_header_and_nothing_else_does() -> None:
    assert codes("virtual a\n\n{\n}\n") == ["1:10 bad-header"]
    assert codes("virtual a\n{ x\n}\n") == ["1:10 bad-header", "2:1 stray-brace"]
    assert codes("{\n") == ["1:1 stray-brace"]


def test_an_unknown_block_is_left_alone_with_all_it_holds() -> None:
    text = "vrrp x {\nodd\nserver a {\n}\nno {\n}\n}\nport = 1\n"
    assert codes(text) == ["1:1 unknown-block"]
    assert [s.keyword for s in parse(text).root.statements] == ["port"]


def test_a_block_that_is_called_like_an_assignment_is_none() -> None:
    document = parse("virtual = 1\nserver = 2\n")
    assert document.root.blocks == []
    assert [s.keyword for s in document.root.statements] == ["virtual", "server"]


def test_a_name_in_quotes_may_be_any_word() -> None:
    names = ["two words", "=", "{", "}", "#x", ""]
    text = "".join(f'virtual "{name}" {{\n}}\n' for name in names)
    assert [b.name for b in parse(text).root.blocks] == names
    assert codes(text) == []


def test_a_problem_names_the_blocks_around_it_by_identity() -> None:
    text = "virtual a {\n}\nvirtual a {\nserver s {\nport\n}\n}\n"
    (problem,) = parse(text).problems
    assert problem.where == ("virtual a#2", "server s")
    assert problem.render("f") == (
        "f:5:5: error: virtual a#2, server s: equal (=) expected after command: `port = "
        "VALUE` with blanks around = is needed   [equals-expected]"
    )


def test_blocks_inside_unknown_blocks_cost_no_more_than_others() -> None:
    """Each problem once named all open blocks: a small file took all the memory."""
    text = "virtual a {\n" + "what {\n" * 20_000
    found = parse(text).problems
    assert {p.code for p in found} == {"unknown-block", "missing-last-brace"}
    assert {p.where for p in found} == {("virtual a",)}


def test_a_long_row_of_carriage_returns_is_read_in_a_moment() -> None:
    """Each one once looked for a line feed behind all the others."""
    started = time.process_time()
    assert len(split_lines("\r" * 300_000)) == 300_000
    assert time.process_time() - started < 5


def test_a_brace_in_quotes_opens_no_block() -> None:
    assert codes('virtual a "{"\n}\n') == ["1:11 bad-header"]
