r"""The escapes of send and expect, as the checks carry them out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.config.escapes import bad_escape, translate
from lvs_engine.config.posix_regex import compiled


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (r"\r\n\t\\\'\"", None),
        ("plain", None),
        ("", None),
        ("\\", None),  # one character is never translated
        (r"a\.b", 1),
        (r"\\.", None),
        (r"\\\.", 2),
        ("ends\\", 4),
        ("a\\\n", 1),
    ],
)
def test_the_first_unknown_escape_is_found(text: str, place: int | None) -> None:
    assert bad_escape(text) == place


def test_escapes_mean_what_they_say() -> None:
    assert translate(r"\r\n\t\\\'\"n") == "\r\n\t\\'\"n"
    assert translate("\\") == "\\"
    assert translate(r"\\n") == r"\n"


@given(st.text(st.sampled_from("\\ab\r\n\t'"), max_size=8))
def test_every_text_can_be_said_with_escapes(text: str) -> None:
    written = text.replace("\\", r"\\").replace("\r", r"\r").replace("\n", r"\n")
    assert bad_escape(written) is None
    assert translate(written) == text


@given(st.text(st.sampled_from("ab[]()*+?{}|^$.\\:1,-d"), max_size=10))
def test_every_regular_expression_compiles_or_is_refused_with_a_reason(
    text: str,
) -> None:
    try:
        compiled(text.encode())
    except ValueError as error:
        assert str(error)
