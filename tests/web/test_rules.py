from __future__ import annotations

from collections.abc import Callable

import pytest

from piranha_web.forms import rules

REFUSED: list[tuple[Callable[[str], None], str]] = [
    *((rules.one_line, f"a{c}b") for c in "\n\r\t\0\x0b\x0c\x1b\x7f\x85\u2028\u2029"),
    (rules.one_line, "x" * 1001),
    *((rules.name, text) for text in ("", "a b", "a/b", "ä", "x" * 61, "{", "a#")),
    *((rules.device, text) for text in ("", "eth0:", ":1", "eth0:1:2", "a/b", "e 0")),
    (rules.device, "x" * 16),
    *((rules.decimal, text) for text in ("010", "0x10", "00", "-1", "+1")),
    *((rules.mark, text) for text in ("2147483648", "01")),
    *((rules.machine, text) for text in ("127.0.0.1", "::1", "224.0.0.1", "ff02::1")),
    (rules.machine, "255.255.255.255"),
    *((rules.script_text, text) for text in ('"', r"\q", "\\", "é", "x" * 256)),
    *((rules.program, text) for text in ("", "true", "/nowhere/x", "/bin", "/bin/é")),
]
TAKEN: list[tuple[Callable[[str], None], str]] = [
    (rules.one_line, "any text, ä € too"),
    *((rules.name, text) for text in ("web", "[server_name_2]", "a.b-c_D9", "x" * 60)),
    *((rules.device, text) for text in ("eth0", "eth0:1", "br-lan.7:12", "wlan0@if2")),
    *((rules.decimal, text) for text in ("0", "7", "65535", "http")),
    *((rules.mark, text) for text in ("1", "2147483647")),
    *((rules.machine, text) for text in ("10.0.0.1", "0.0.0.0", "::", "2001:db8::1")),
    (rules.machine, "lvs1.example.com"),
    *((rules.script_text, text) for text in ("", r"\r\n\t\\\'\"", "{}#'", "x" * 255)),
    (rules.program, "/bin/true %h %p"),
]


@pytest.mark.parametrize(("rule", "text"), REFUSED)
def test_a_rule_refuses_with_a_sentence(rule: Callable[[str], None], text: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has|names) .{10,}"):
        rule(text)


@pytest.mark.parametrize(("rule", "text"), TAKEN)
def test_a_rule_takes_what_is_sound(rule: Callable[[str], None], text: str) -> None:
    rule(text)


def test_a_name_that_another_has_is_refused() -> None:
    rules.unique("web", ["mail"])
    with pytest.raises(ValueError, match="unique"):
        rules.unique("web", ["mail", "web"])
