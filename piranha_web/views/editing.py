"""What all forms share: 303 after a save, 422 with messages, 409 when the file moved on.

A panel gives a `Draw` that renders its page for a form. A conflict renders the same
page: what was typed is kept, the rest shows the file as it is now, and the page tells
what both sides changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from lvs_engine.config.document import Scope
from lvs_engine.config.model import Cluster, RealServer, VirtualServer
from lvs_engine.errors import StaleRevisionError
from piranha_web import workspace
from piranha_web.config_words import entry_name, sentence
from piranha_web.forms.entries import readable
from piranha_web.forms.panel import Difference, PanelForm, Source
from piranha_web.workspace import EditRefusedError, Opened, Saved

MOST_LINES = 200
MOST_WARNINGS = 5


@dataclass(frozen=True, slots=True)
class Conflict:
    """What happened to the file while a page was open.

    Attributes:
        theirs: changed lines of the file, with `+` and `-`; empty when not known.
        yours: what the page wanted to change.
    """

    theirs: list[str]
    yours: list[Difference]


Draw = Callable[[Opened, PanelForm, Conflict | None], str]
Form = Callable[[Opened], PanelForm]


def stale(here: Opened) -> bool:
    """Whether the page was loaded from another state of the file."""
    return request.form.get("revision", "") != here.revision


def again_when_stale(
    handle: Callable[[Opened], ResponseReturnValue],
) -> ResponseReturnValue:
    """Open the file and handle the request; once more when somebody saves in between.

    The second time `stale` is true, so the handler answers 409.
    """
    try:
        return handle(workspace.opened())
    except StaleRevisionError:
        return handle(workspace.opened())


def conflict(
    here: Opened, form: PanelForm, unedited: Form, draw: Draw
) -> ResponseReturnValue:
    """The page again, 409: typed values kept, both sides' changes shown.

    Args:
        here: the file as it is now.
        form: what was posted, on the file as it is now.
        unedited: makes the form as a page shows it before anybody types.
        draw: renders the page.
    """
    base = workspace.earlier(request.form.get("revision", ""))
    if base is not None:
        form.merge(unedited(base))
    theirs = changes(base, here) if base else []
    return draw(here, form, Conflict(theirs, form.differences())), 409


def moved(here: Opened, typed: Form | None = None) -> ResponseReturnValue:
    """The entry of the page is not where it was, 409: nothing was done.

    Args:
        here: the file as it is now.
        typed: makes the form with what was typed, on the file as the page knew it.
    """
    base = workspace.earlier(request.form.get("revision", ""))
    page = render_template(
        "virtual/moved.html",
        panel="virtual",
        theirs=changes(base, here) if base else [],
        yours=typed(base).differences() if base and typed else [],
    )
    return page, 409


def changes(base: Opened, here: Opened) -> list[str]:
    """The lines that differ between two states of the file, for people."""
    old, new = readable(base.text).splitlines(), readable(here.text).splitlines()
    return list(_changed(old, new))[:MOST_LINES]


def _changed(old: list[str], new: list[str]) -> Iterator[str]:
    for line in difflib.unified_diff(old, new, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield line


def tell(saved: Saved) -> None:
    if saved.changed:
        flash(f"Saved, serial {saved.serial_no}.", "ok")
        for problem in saved.warnings[:MOST_WARNINGS]:
            flash(sentence(problem), "warning")
    else:
        flash("Nothing was changed, so nothing was saved.", "info")


def store(
    here: Opened,
    form: PanelForm,
    wanted: Cluster,
    where: tuple[str, ...],
    draw: Draw,
    back: str,
    trial: workspace.Trial | None = None,
) -> ResponseReturnValue:
    """Save what a form says and go on to `back`; or the page again with messages.

    Args:
        here: the file that the form was checked against.
        form: parsed without errors.
        wanted: the cluster with the values of the form in it.
        where: identities of the blocks that the form is about.
        draw: renders the page.
        back: address of the page after a save.
        trial: see `workspace.save`.
    """
    try:
        saved = workspace.save(here, wanted, form.dropped, trial=trial)
    except EditRefusedError as error:
        form.refuse_problems(error.problems, where)
        return draw(here, form, None), 422
    tell(saved)
    return redirect(back, code=303)


def virtual_or_404(here: Opened, n: int) -> VirtualServer:
    virtuals = here.cluster.virtuals
    if not 1 <= n <= len(virtuals):
        abort(404)
    return virtuals[n - 1]


def server_or_404(virtual: VirtualServer, m: int) -> RealServer:
    if not 1 <= m <= len(virtual.servers):
        abort(404)
    return virtual.servers[m - 1]


def virtual_source(here: Opened, n: int) -> Source:
    block = here.root.of(Scope.VIRTUAL)[n - 1]
    return Source(here.cluster.virtuals[n - 1], block, here.ports)


def same_entry(here: Opened, n: int, m: int | None = None) -> bool:
    """Whether position n (and m) still holds the entry that the page was about.

    With the same revision it does. Else the name that the page carries decides.
    """
    if not stale(here):
        return True
    return entry_name(here.cluster, n, m) == request.form.get("entry", "")
