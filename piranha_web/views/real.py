"""REAL SERVER: the pool of one virtual server, and the form of one of its servers."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lvs_engine.config.document import Scope
from lvs_engine.config.model import Cluster
from piranha_web import config_words, naming, workspace
from piranha_web.config_words import (
    edited,
    entry_name,
    sentence,
    with_server,
    with_virtual,
    without_server,
)
from piranha_web.forms import real as rows
from piranha_web.forms.panel import PanelForm, Posted, Source, build
from piranha_web.views import editing
from piranha_web.views.editing import Conflict, server_or_404, virtual_or_404
from piranha_web.workspace import EditRefusedError, Opened, opened

blueprint = Blueprint("real", __name__)


@blueprint.get("/virtual/<int:n>/real", endpoint="list")
def list_page(n: int) -> ResponseReturnValue:
    here = opened()
    virtual_or_404(here, n)
    return _list(here, n, request.args.get("selected", type=int) or 1)


@blueprint.post("/virtual/<int:n>/real", endpoint="list_press")
def press(n: int) -> ResponseReturnValue:
    return editing.again_when_stale(lambda here: _press(here, n))


def _press(here: Opened, n: int) -> ResponseReturnValue:
    if editing.stale(here):
        return editing.moved(here)
    virtual = virtual_or_404(here, n)
    button = request.form.get("real_service", "").strip().upper()
    if button == "ADD":
        return _add(here, n)
    if button == "CANCEL":
        return redirect(url_for("virtual.edit", n=n), code=303)
    m = request.form.get("selected", type=int)
    if m is None:
        flash("Choose a real server first.", "warning")
        return redirect(url_for("real.list", n=n), code=303)
    server_or_404(virtual, m)
    if button == "EDIT":
        return redirect(url_for("real.edit", n=n, m=m), code=303)
    if button == "DELETE":
        return redirect(url_for("real.delete", n=n, m=m), code=303)
    if button == "(DE)ACTIVATE":
        return _toggle(here, n, m)
    flash(f"There is no button {button}.", "warning")
    return redirect(url_for("real.list", n=n), code=303)


def _add(here: Opened, n: int) -> ResponseReturnValue:
    virtual = here.cluster.virtuals[n - 1]
    servers = (*virtual.servers, rows.new(virtual))
    cluster = with_virtual(here.cluster, n, replace(virtual, servers=servers))
    editing.tell(workspace.save(here, cluster, strict=False))
    flash("Fill in the new real server; it is not active yet.", "info")
    return redirect(url_for("real.edit", n=n, m=len(servers)), code=303)


def _toggle(here: Opened, n: int, m: int) -> ResponseReturnValue:
    virtual = here.cluster.virtuals[n - 1]
    server = virtual.servers[m - 1]
    turned = replace(server, active=not server.active)
    messages = naming.why_not_active(turned) if turned.active else []
    try:
        if not messages:
            pool = with_server(virtual, m, turned)
            cluster = with_virtual(here.cluster, n, pool)
            editing.tell(workspace.save(here, cluster, strict=turned.active))
            return redirect(url_for("real.list", n=n, selected=m), code=303)
    except EditRefusedError as error:
        messages = [sentence(p) for p in error.problems]
    return _list(here, n, m, messages), 422


def _list(
    here: Opened, n: int, selected: int, messages: list[str] | None = None
) -> str:
    servers = here.cluster.virtuals[n - 1].servers
    return render_template(
        "real/list.html",
        panel="virtual",
        n=n,
        row=naming.virtual_rows(here.cluster)[n - 1],
        servers=[naming.server_row(s, m) for m, s in enumerate(servers, 1)],
        selected=selected,
        revision=here.revision,
        messages=messages or [],
    )


@blueprint.get("/virtual/<int:n>/real/<int:m>/delete")
def delete(n: int, m: int) -> ResponseReturnValue:
    """Ask first: what goes is named."""
    here = opened()
    server = server_or_404(virtual_or_404(here, n), m)
    return render_template(
        "real/delete.html",
        panel="virtual",
        n=n,
        m=m,
        row=naming.virtual_rows(here.cluster)[n - 1],
        server=naming.server_row(server, m),
        revision=here.revision,
    )


@blueprint.post("/virtual/<int:n>/real/<int:m>/delete", endpoint="delete_confirmed")
def delete_confirmed(n: int, m: int) -> ResponseReturnValue:
    def handle(here: Opened) -> ResponseReturnValue:
        if editing.stale(here):
            return editing.moved(here)
        virtual = virtual_or_404(here, n)
        server_or_404(virtual, m)
        cluster = with_virtual(here.cluster, n, without_server(virtual, m))
        editing.tell(workspace.save(here, cluster, strict=False))
        return redirect(url_for("real.list", n=n), code=303)

    return editing.again_when_stale(handle)


@blueprint.get("/virtual/<int:n>/real/<int:m>")
def edit(n: int, m: int) -> ResponseReturnValue:
    here = opened()
    server_or_404(virtual_or_404(here, n), m)
    return _Page(n, m).draw(here, _form(here, n, m))


@blueprint.post("/virtual/<int:n>/real/<int:m>", endpoint="accept")
def accept(n: int, m: int) -> ResponseReturnValue:
    if request.form.get("edit_action") == "CANCEL":
        return redirect(url_for("real.list", n=n), code=303)
    return editing.again_when_stale(_Page(n, m).accept)


class _Page:
    """The form of real server number `m` of virtual server number `n`."""

    def __init__(self, n: int, m: int) -> None:
        self.n, self.m = n, m

    def accept(self, here: Opened) -> ResponseReturnValue:
        if not editing.same_entry(here, self.n, self.m):
            return editing.moved(
                here, lambda base: _form(base, self.n, self.m, request.form)
            )
        virtual = virtual_or_404(here, self.n)
        server = server_or_404(virtual, self.m)
        form = _form(here, self.n, self.m, request.form)
        if editing.stale(here):
            return editing.conflict(
                here, form, lambda base: _form(base, self.n, self.m), self.draw
            )
        others = [s.name for s in virtual.servers if s is not server]
        name = naming.new_name(form, "name", server.name, others)
        if not form.parse():
            return self.draw(here, form), 422
        changed = edited(replace(server, name=name), form.values)
        pool = with_server(virtual, self.m, changed)
        cluster = with_virtual(here.cluster, self.n, pool)
        place = config_words.where(cluster, self.n, self.m)
        back = url_for("real.edit", n=self.n, m=self.m)
        return editing.store(here, form, cluster, place, self.draw, back, self._trial)

    def _trial(self, cluster: Cluster) -> Cluster:
        virtual = cluster.virtuals[self.n - 1]
        server = replace(virtual.servers[self.m - 1], active=True)
        pool = replace(with_server(virtual, self.m, server), active=True)
        return with_virtual(cluster, self.n, pool)

    def draw(
        self, here: Opened, form: PanelForm, conflict: Conflict | None = None
    ) -> str:
        return render_template(
            "real/edit.html",
            panel="virtual",
            n=self.n,
            m=self.m,
            row=naming.virtual_rows(here.cluster)[self.n - 1],
            entry=entry_name(here.cluster, self.n, self.m),
            form=form.fields,
            basic=rows.BASIC,
            more=rows.MORE,
            revision=here.revision,
            conflict=conflict,
        )


def _form(here: Opened, n: int, m: int, posted: Posted | None = None) -> PanelForm:
    block = here.root.of(Scope.VIRTUAL)[n - 1].of(Scope.SERVER)[m - 1]
    server = here.cluster.virtuals[n - 1].servers[m - 1]
    return build(rows.entries(), Source(server, block, here.ports), posted)
