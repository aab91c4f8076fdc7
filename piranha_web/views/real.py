"""The panel REAL SERVER."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("real", __name__)


@blueprint.get("/virtual/<int:n>/real", endpoint="list")
def list_page(n: int) -> ResponseReturnValue:
    return render_template("base.html", panel="virtual")


@blueprint.get("/virtual/<int:n>/real/<int:m>")
def edit(n: int, m: int) -> ResponseReturnValue:
    return render_template("base.html", panel="virtual")
