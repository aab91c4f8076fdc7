"""Every pair of colours that carries text or meaning can be read, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "static" / "css" / "tokens.css"

TEXT = [
    (ink, ground)
    for ink in ("ink", "ink2", "ink3")
    for ground in ("bg", "panel", "raised")
] + [
    ("accent", "panel"),
    ("accent", "bg"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-hover"),
    ("ink", "accent-bg"),
    ("ink2", "accent-bg"),
    ("bar-ink", "bar"),
    ("bar-ink2", "bar"),
    ("bad", "panel"),
    ("warn", "panel"),
    ("ok", "panel"),
    ("ink3", "off-bg"),
    ("ink", "warn-bg"),
    ("ink", "bad-bg"),
    *((kind, f"{kind}-bg") for kind in ("ok", "warn", "bad", "off")),
]
MEANING = [("control", "panel"), ("control", "bg"), ("bar-mark", "bar")]


def scheme(name: str) -> dict[str, str]:
    """The colours of `light` or `dark`; dark ones are written over the light ones."""
    light, _, dark = TOKENS.read_text().partition("@media (prefers-color-scheme: dark)")
    pattern = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{6});")
    colours = dict(pattern.findall(light))
    return colours | dict(pattern.findall(dark)) if name == "dark" else colours


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_the_most_there_is() -> None:
    assert round(contrast("#000000", "#ffffff")) == 21


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(name: str, ink: str, ground: str) -> None:
    colours = scheme(name)
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("mark", "ground"), MEANING)
def test_borders_and_marks_that_carry_meaning_can_be_seen(
    name: str, mark: str, ground: str
) -> None:
    colours = scheme(name)
    assert contrast(colours[mark], colours[ground]) >= 3.0
