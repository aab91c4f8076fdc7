"""The panel REDUNDANCY."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("redundancy", __name__)


@blueprint.get("/redundancy")
def panel() -> ResponseReturnValue:
    return render_template("base.html", panel="redundancy")
