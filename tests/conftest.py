"""Joins the plugins with fixtures; each theme has a file of its own."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

pytest_plugins = [f"tests.{path.stem}" for path in sorted(_HERE.glob("fix_*.py"))]
