"""Joins the plugins with fixtures; each theme has a file of its own."""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings

# A busy machine is slow now and then; a test that hangs is ended by hand or by CI.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_HERE = Path(__file__).parent

pytest_plugins = [f"tests.{path.stem}" for path in sorted(_HERE.glob("fix_*.py"))]
