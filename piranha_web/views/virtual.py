"""The panel VIRTUAL SERVERS."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("virtual", __name__)


@blueprint.get("/virtual", endpoint="list")
def list_page() -> ResponseReturnValue:
    return render_template("base.html", panel="virtual")


@blueprint.get("/virtual/<int:n>")
def edit(n: int) -> ResponseReturnValue:
    return render_template("base.html", panel="virtual")
