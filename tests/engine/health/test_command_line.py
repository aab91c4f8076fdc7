"""The command line of `send_program`."""

from __future__ import annotations

import pytest

from lvs_engine.health.command_line import arguments


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/bin/check %h %p", ["/bin/check", "10.0.0.1", "53"]),
        ("get http://%h:%p/", ["get", "http://10.0.0.1:53/"]),  # KF-22
        ("get '%h %p'", ["get", "10.0.0.1 53"]),
        ('say "two words" "" it\'s', ["say", "two words", "", "it's"]),
        ("glue a'b c'd", ["glue", "ab cd"]),
        ("  many   blanks\t", ["many", "blanks"]),
        (r"match a\.b 100%", ["match", r"a\.b", "100%"]),
        ("x; rm $HOME `id` > y", ["x;", "rm", "$HOME", "`id`", ">", "y"]),
        ("half 'open", ["half", "'open"]),
        ("%%h", ["%10.0.0.1"]),
        ("", []),
    ],
)
def test_a_command_is_cut_into_these_words(command: str, words: list[str]) -> None:
    assert arguments(command, "10.0.0.1", 53) == words


def test_an_address_never_makes_two_words_of_one() -> None:
    assert arguments("c %h", "a 'b' c", 1) == ["c", "a 'b' c"]


def test_there_is_no_limit_of_39_words_or_254_bytes() -> None:
    """KF-21."""
    words = ["w" * 300] * 100
    assert arguments(" ".join(words), "h", 1) == words
