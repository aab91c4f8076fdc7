"""REDUNDANCY: the backup router and the heartbeat."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from piranha_web import workspace
from piranha_web.config_words import edited
from piranha_web.forms import redundancy as rows
from piranha_web.forms.panel import PanelForm, Posted, Source, build
from piranha_web.views import editing
from piranha_web.views.editing import Conflict
from piranha_web.workspace import EditRefusedError, Opened, opened

blueprint = Blueprint("redundancy", __name__)

BUTTONS = {"ENABLE": rows.enabled, "DISABLE": rows.disabled, "RESET": rows.reset}


@blueprint.get("/redundancy")
def panel() -> ResponseReturnValue:
    here = opened()
    return _draw(here, _form(here))


@blueprint.post("/redundancy")
def change() -> ResponseReturnValue:
    pressed = request.form.get("redundancy_action") or request.form.get("full_enable")
    button = (pressed or "").strip().upper()
    return editing.again_when_stale(_press if button in BUTTONS else _accept)


def _press(here: Opened) -> ResponseReturnValue:
    """ENABLE, DISABLE and RESET act at once and leave typed values alone."""
    if editing.stale(here):
        return editing.conflict(here, _form(here, request.form), _form, _draw)
    pressed = request.form.get("redundancy_action") or request.form["full_enable"]
    try:
        act = BUTTONS[pressed.strip().upper()]
        saved = workspace.save(here, act(here.cluster))
    except EditRefusedError as error:
        form = _form(here)
        form.refuse_problems(error.problems, ())
        return _draw(here, form), 422
    editing.tell(saved)
    return redirect(url_for("redundancy.panel"), code=303)


def _accept(here: Opened) -> ResponseReturnValue:
    form = _form(here, request.form)
    if editing.stale(here):
        return editing.conflict(here, form, _form, _draw)
    if not here.cluster.backup_active:
        flash("Nothing was saved: press ENABLE first.", "warning")
        return redirect(url_for("redundancy.panel"), code=303)
    if not form.parse():
        return _draw(here, form), 422
    cluster = edited(here.cluster, form.values)
    if cluster.deadtime <= cluster.keepalive:
        form.refuse(
            "dead_after",
            f"must be more than the heartbeat interval ({cluster.keepalive} s); three"
            " times as much is good",
        )
        return _draw(here, form), 422
    return editing.store(here, form, cluster, (), _draw, url_for("redundancy.panel"))


def _form(here: Opened, posted: Posted | None = None) -> PanelForm:
    source = Source(here.cluster, here.root, here.ports)
    return build(rows.entries(), source, posted, rows.reasons(here.cluster))


def _draw(here: Opened, form: PanelForm, conflict: Conflict | None = None) -> str:
    return render_template(
        "redundancy/panel.html",
        panel="redundancy",
        form=form.fields,
        revision=here.revision,
        conflict=conflict,
        active=here.cluster.backup_active,
    )
