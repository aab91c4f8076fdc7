"""MONITORING SCRIPTS: what is sent to a real server, and what it should answer."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from lvs_engine.config.model import Cluster
from piranha_web import config_words, naming
from piranha_web.config_words import edited, entry_name, with_virtual
from piranha_web.forms import scripts as rows
from piranha_web.forms.panel import PanelForm, Posted, build
from piranha_web.views import editing
from piranha_web.views.editing import Conflict, virtual_or_404, virtual_source
from piranha_web.workspace import Opened, opened

blueprint = Blueprint("scripts", __name__)


@blueprint.get("/virtual/<int:n>/scripts")
def edit(n: int) -> ResponseReturnValue:
    here = opened()
    virtual_or_404(here, n)
    return _Page(n).draw(here, _form(here, n))


@blueprint.post("/virtual/<int:n>/scripts", endpoint="accept")
def accept(n: int) -> ResponseReturnValue:
    if request.form.get("gen_service") == "CANCEL":
        return redirect(url_for("virtual.edit", n=n), code=303)
    return editing.again_when_stale(_Page(n).accept)


class _Page:
    """The form of the checks of virtual server number `n`."""

    def __init__(self, n: int) -> None:
        self.n = n

    def accept(self, here: Opened) -> ResponseReturnValue:
        if not editing.same_entry(here, self.n):
            return editing.moved(here, lambda base: _form(base, self.n, _posted()))
        virtual = virtual_or_404(here, self.n)
        form = _form(here, self.n, _posted())
        if editing.stale(here):
            return editing.conflict(
                here, form, lambda base: _form(base, self.n), self.draw
            )
        if not form.parse():
            return self.draw(here, form), 422
        cluster = with_virtual(here.cluster, self.n, edited(virtual, form.values))
        place = config_words.where(cluster, self.n)
        back = url_for("scripts.edit", n=self.n)
        return editing.store(here, form, cluster, place, self.draw, back, self._trial)

    def _trial(self, cluster: Cluster) -> Cluster:
        virtual = replace(cluster.virtuals[self.n - 1], active=True)
        return with_virtual(cluster, self.n, virtual)

    def draw(
        self, here: Opened, form: PanelForm, conflict: Conflict | None = None
    ) -> str:
        return render_template(
            "scripts/edit.html",
            panel="virtual",
            n=self.n,
            row=naming.virtual_rows(here.cluster)[self.n - 1],
            entry=entry_name(here.cluster, self.n),
            form=form.fields,
            blanking=rows.BLANKING,
            revision=here.revision,
            conflict=conflict,
        )


def _posted() -> Posted:
    """What was posted; a blanking button empties its field and keeps the others."""
    posted = MultiDict(request.form)
    emptied = rows.BLANKING.get(posted.get("gen_service", ""))
    if emptied:
        posted[emptied] = ""
    return posted


def _form(here: Opened, n: int, posted: Posted | None = None) -> PanelForm:
    return build(rows.entries(), virtual_source(here, n), posted)
