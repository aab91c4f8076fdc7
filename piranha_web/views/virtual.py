"""VIRTUAL SERVERS: the list, and VIRTUAL SERVER, the form of one of them."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lvs_engine.config.model import Cluster
from piranha_web import config_words, naming, workspace
from piranha_web.config_words import (
    edited,
    entry_name,
    sentence,
    with_virtual,
    without_virtual,
)
from piranha_web.forms import virtual as rows
from piranha_web.forms.panel import PanelForm, Posted, build
from piranha_web.views import editing
from piranha_web.views.editing import Conflict, virtual_or_404, virtual_source
from piranha_web.workspace import EditRefusedError, Opened, opened

blueprint = Blueprint("virtual", __name__)


@blueprint.get("/virtual", endpoint="list")
def list_page() -> ResponseReturnValue:
    return _list(opened(), request.args.get("selected_host", type=int) or 1)


@blueprint.post("/virtual", endpoint="list_press")
def press() -> ResponseReturnValue:
    return editing.again_when_stale(_press)


def _press(here: Opened) -> ResponseReturnValue:
    if editing.stale(here):
        return editing.moved(here)
    button = request.form.get("virtual_service", "").strip().upper()
    if button == "ADD":
        return _add(here)
    n = request.form.get("selected_host", type=int)
    if n is None:
        flash("Choose a virtual server first.", "warning")
        return redirect(url_for("virtual.list"), code=303)
    virtual_or_404(here, n)
    if button == "EDIT":
        return redirect(url_for("virtual.edit", n=n), code=303)
    if button == "DELETE":
        return redirect(url_for("virtual.delete", n=n), code=303)
    if button == "(DE)ACTIVATE":
        return _toggle(here, n)
    flash(f"There is no button {button}.", "warning")
    return redirect(url_for("virtual.list"), code=303)


def _add(here: Opened) -> ResponseReturnValue:
    virtuals = (*here.cluster.virtuals, rows.new(here.cluster))
    editing.tell(
        workspace.save(here, replace(here.cluster, virtuals=virtuals), strict=False)
    )
    flash("Fill in the new virtual server; it is not active yet.", "info")
    return redirect(url_for("virtual.edit", n=len(virtuals)), code=303)


def _toggle(here: Opened, n: int) -> ResponseReturnValue:
    virtual = virtual_or_404(here, n)
    turned = replace(virtual, active=not virtual.active)
    messages = naming.why_not_active(turned) if turned.active else []
    try:
        if not messages:
            cluster = with_virtual(here.cluster, n, turned)
            editing.tell(workspace.save(here, cluster, strict=turned.active))
            return redirect(url_for("virtual.list", selected_host=n), code=303)
    except EditRefusedError as error:
        messages = [sentence(p) for p in error.problems]
    return _list(here, n, messages), 422


def _list(here: Opened, selected: int, messages: list[str] | None = None) -> str:
    return render_template(
        "virtual/list.html",
        panel="virtual",
        virtuals=naming.virtual_rows(here.cluster),
        failovers=len(here.cluster.failovers),
        service=here.cluster.service,
        selected=selected,
        revision=here.revision,
        messages=messages or [],
    )


@blueprint.get("/virtual/<int:n>/delete")
def delete(n: int) -> ResponseReturnValue:
    """Ask first: what goes is named."""
    here = opened()
    virtual = virtual_or_404(here, n)
    return render_template(
        "virtual/delete.html",
        panel="virtual",
        row=naming.virtual_rows(here.cluster)[n - 1],
        servers=[naming.server_row(s, i) for i, s in enumerate(virtual.servers, 1)],
        revision=here.revision,
        n=n,
    )


@blueprint.post("/virtual/<int:n>/delete", endpoint="delete_confirmed")
def delete_confirmed(n: int) -> ResponseReturnValue:
    def handle(here: Opened) -> ResponseReturnValue:
        if editing.stale(here):
            return editing.moved(here)
        virtual_or_404(here, n)
        cluster = without_virtual(here.cluster, n)
        editing.tell(workspace.save(here, cluster, strict=False))
        return redirect(url_for("virtual.list"), code=303)

    return editing.again_when_stale(handle)


@blueprint.get("/virtual/<int:n>")
def edit(n: int) -> ResponseReturnValue:
    here = opened()
    virtual_or_404(here, n)
    return _Page(n).draw(here, _form(here, n))


@blueprint.post("/virtual/<int:n>", endpoint="accept")
def accept(n: int) -> ResponseReturnValue:
    if request.form.get("vev_action") == "CANCEL":
        return redirect(url_for("virtual.list"), code=303)
    return editing.again_when_stale(_Page(n).accept)


class _Page:
    """The form of virtual server number `n`."""

    def __init__(self, n: int) -> None:
        self.n = n

    def accept(self, here: Opened) -> ResponseReturnValue:
        if not editing.same_entry(here, self.n):
            return editing.moved(here, lambda base: _form(base, self.n, request.form))
        virtual = virtual_or_404(here, self.n)
        form = _form(here, self.n, request.form)
        if editing.stale(here):
            return editing.conflict(
                here, form, lambda base: _form(base, self.n), self.draw
            )
        others = [v.name for v in here.cluster.virtuals if v is not virtual]
        name = naming.new_name(form, "hostname", virtual.name, others)
        if not form.parse():
            return self.draw(here, form), 422
        changed = edited(replace(virtual, name=name), form.values)
        cluster = with_virtual(here.cluster, self.n, changed)
        place = config_words.where(cluster, self.n)
        back = url_for("virtual.edit", n=self.n)
        return editing.store(here, form, cluster, place, self.draw, back, self._trial)

    def _trial(self, cluster: Cluster) -> Cluster:
        virtual = replace(cluster.virtuals[self.n - 1], active=True)
        return with_virtual(cluster, self.n, virtual)

    def draw(
        self, here: Opened, form: PanelForm, conflict: Conflict | None = None
    ) -> str:
        return render_template(
            "virtual/edit.html",
            panel="virtual",
            n=self.n,
            row=naming.virtual_rows(here.cluster)[self.n - 1],
            entry=entry_name(here.cluster, self.n),
            form=form.fields,
            groups=rows.GROUPS,
            more=rows.MORE,
            revision=here.revision,
            conflict=conflict,
        )


def _form(here: Opened, n: int, posted: Posted | None = None) -> PanelForm:
    return build(rows.entries(), virtual_source(here, n), posted)
