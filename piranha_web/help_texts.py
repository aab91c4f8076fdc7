"""The texts of HELP: panel by panel, field by field, from the directives table."""

from __future__ import annotations


def panels() -> list[object]:
    return []
