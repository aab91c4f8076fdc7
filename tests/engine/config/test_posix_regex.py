"""POSIX extended regular expressions in Python's notation."""

from __future__ import annotations

import pytest

from lvs_engine.config.posix_regex import compiled


@pytest.mark.parametrize(
    ("expression", "data", "matches"),
    [
        ("^2[[:digit:]]{2}", b"220 mail", True),
        ("^2[[:digit:]]{2}", b"2x0 mail", False),
        ("[[:space:]]OK", b"said\tOK", True),
        ("[^[:alpha:]]", b"abc", False),
        ("[[:xdigit:]]+$", b"CAFE", True),
        ("HTTP/1.[01] (200|30[12])", b"HTTP/1.1 302 Found", True),
        ("HTTP/1.[01] (200|30[12])", b"HTTP/1.1 500 No", False),
        (r"HTTP/1\.1", b"HTTP/1x1", False),
        ("a.b", b"a\nb", True),  # a dot is any byte, the newline included
        ("^b", b"a\nb", False),  # anchors are those of the whole answer
        ("a$", b"a\n", False),
        ("[]x]", b"]", True),  # a bracket that comes first is itself
        ("[^]x]", b"]", False),
        ("[a-]", b"-", True),
        ("[-a]", b"-", True),
        (r"[\.]", b"\\", True),  # a backslash in brackets is itself
        ("[[]", b"[", True),
        ("[a||b]", b"|", True),
        ("[a&&b]", b"&", True),
        ("[[.a.]]", b"a", True),
        ("[[=a=]]", b"a", True),
        ("*OK*", b"O", True),  # the GNU library ignores a leading quantifier
        ("(*OK)", b"OK", True),
        ("a|*b", b"b", True),
        ("^xa+?$", b"x", True),  # an optional `a+`, not a lazy one
        ("^xa**$", b"xaaa", True),
        ("^x(ab){2}*$", b"x", True),
        ("^a{,2}$", b"aa", True),
        ("a{b", b"a{b", True),
        ("a{1", b"a{1", True),
        (r"\<up\>", b"it is up now", True),
        (r"\<up\>", b"supper", False),
        (r"\`up\'", b"up", True),
        (r"(ab)\1", b"abab", True),
        (r"\d\w\s", b"1a ", True),
        (r"\$\{x\}", b"${x}", True),
        ("(?i)ok", b"OK", True),
        ("(?:ab)+c", b"ababc", True),
        ("(?P<word>ab)c", b"abc", True),
        ("()", b"", True),
        ("\xe9", "\xe9".encode("latin-1"), True),
    ],
)
def test_an_expression_matches_as_posix_says(
    expression: str, data: bytes, matches: bool
) -> None:
    found = compiled(expression.encode("latin-1")).search(data)
    assert (found is not None) is matches


@pytest.mark.parametrize("expression", ["(", ")", "[a", "[[:digt:]]", "a\\", "[z-a]"])
def test_what_is_no_expression_is_refused_with_a_sentence(expression: str) -> None:
    with pytest.raises(ValueError, match=r"regular expression|class of characters"):
        compiled(expression.encode())
