"""The panel MONITORING SCRIPTS."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("scripts", __name__)


@blueprint.get("/virtual/<int:n>/scripts")
def edit(n: int) -> ResponseReturnValue:
    return render_template("base.html", panel="virtual")
