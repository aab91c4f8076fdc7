"""Escapes and expectations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.health.matching import (
    Beginning,
    Verdict,
    expectation,
    quoted,
    translate,
)


def test_the_six_escapes_are_translated() -> None:
    assert translate(r"a\n\r\t\\\'\"z") == b"a\n\r\t\\'\"z"


@pytest.mark.parametrize("text", [r"HTTP/1\.1", r"\0", r"\x41", r"a\ ", "a\\\n", r"\N"])
def test_an_unknown_escape_is_refused_and_the_allowed_ones_are_named(text: str) -> None:
    """KF-5: the original looped for ever on these."""
    with pytest.raises(ValueError, match=r"is not an escape; allowed are \\n"):
        translate(text)


@pytest.mark.parametrize("text", ["abc\\", "\\\\\\"])
def test_a_backslash_at_the_end_is_refused(text: str) -> None:
    """KF-5."""
    with pytest.raises(ValueError, match="backslash at the end is not an escape"):
        translate(text)


def test_a_text_of_one_character_is_itself_even_if_it_is_a_backslash() -> None:
    assert translate("\\") == b"\\"
    assert translate("") == b""


def test_bytes_of_the_file_that_are_not_utf8_are_sent_as_they_were() -> None:
    assert translate("\udcff\xe9\\n") == b"\xff\xc3\xa9\n"


def test_an_expression_with_a_backslash_needs_two_of_them() -> None:
    """KF-5 and KF-23: `\\.` of the file reaches the expression as `\\.`."""
    wanted = expectation(r"1\\.1", regex=True)
    assert wanted.of_stream(b"HTTP/1.1") is Verdict.MATCH
    assert wanted.of_stream(b"HTTP/1x1") is Verdict.MORE


def test_a_bad_expression_is_refused_when_it_is_made() -> None:
    """KF-23: not once with every probe."""
    with pytest.raises(ValueError, match="is not a regular expression"):
        expectation("(", regex=True)


def test_a_plain_text_is_compared_with_the_beginning_of_the_answer() -> None:
    wanted = expectation("HTTP")
    assert wanted.of_stream(b"HTTP/1.1 200 OK") is Verdict.MATCH
    assert wanted.of_stream(b"SSH-2.0") is Verdict.MISMATCH
    assert wanted.of_stream(b" HTTP") is Verdict.MISMATCH


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_pieces_of_an_answer_never_contradict_the_whole(
    text: bytes, answer: bytes
) -> None:
    """KF-17: an early verdict is the verdict on the whole answer; else it says more."""
    wanted = Beginning(text)
    whole = wanted.of_stream(answer)
    for end in range(len(answer)):
        assert wanted.of_stream(answer[:end]) in {Verdict.MORE, whole}


def test_an_answer_in_two_segments_matches_when_it_is_complete() -> None:
    """KF-17."""
    wanted = expectation("220 ready")
    assert wanted.of_stream(b"220 r") is Verdict.MORE
    assert wanted.of_stream(b"220 ready\r\n") is Verdict.MATCH


def test_a_star_is_satisfied_by_one_byte_but_not_by_none() -> None:
    """KF-18."""
    wanted = expectation("*", regex=True)
    assert wanted.of_stream(b"") is Verdict.MORE
    assert wanted.of_stream(b"\0") is Verdict.MATCH
    assert not wanted.of_output(b"")


def test_an_empty_text_asks_for_nothing() -> None:
    assert expectation("").of_stream(b"") is Verdict.MATCH


def test_a_program_must_print_exactly_the_text() -> None:
    wanted = expectation("OK")
    assert not wanted.of_output(b"OK\nmore\n")
    assert not wanted.of_output(b"OKAY\n")
    assert not wanted.of_output(b"")


def test_the_last_newline_of_a_program_is_dropped_only_where_there_is_one() -> None:
    """KF-15."""
    wanted = expectation("OK")
    assert wanted.of_output(b"OK\n")
    assert wanted.of_output(b"OK")
    assert not wanted.of_output(b"OK\n\n")
    assert expectation(r"OK\n").of_output(b"OK\n")


def test_a_regular_expression_is_searched_in_the_output_of_a_program() -> None:
    """KF-23: the original compared it as plain text."""
    wanted = expectation("load: [0-9]+$", regex=True)
    assert wanted.of_output(b"now\nload: 12\n")
    assert not wanted.of_output(b"load: high\n")


def test_an_answer_is_quoted_on_one_line_without_control_characters() -> None:
    assert (
        quoted(b"HTTP/1.1 503\r\n\x1b[2J\xff%n") == r'"HTTP/1.1 503\r\n\x1b[2J\xff%n"'
    )
    assert quoted(b"x" * 41) == '"' + "x" * 40 + '..."'


def test_an_expectation_says_what_it_wants() -> None:
    assert str(expectation("OK")) == '"OK"'
    assert str(expectation("^OK", regex=True)) == 'a match of "^OK"'
    assert str(expectation("*")) == "any answer"
