"""The panel GLOBAL SETTINGS."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("settings", __name__)


@blueprint.get("/global")
def panel() -> ResponseReturnValue:
    return render_template("base.html", panel="global")
