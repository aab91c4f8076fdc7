"""The Piranha Configuration Tool: the panels that edit lvs.cf and show what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from piranha_web.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The application; without `settings` those of the environment."""
    # Imported late, so that piranha-passwd need not load all of the pages.
    from piranha_web import app

    return app.create(settings)
