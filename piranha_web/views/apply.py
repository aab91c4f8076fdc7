"""The button Apply now: the daemons read lvs.cf again, and the page says how it went."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from lvs_engine.adapters import control_socket
from lvs_engine.errors import ControlError, NotRunningError
from piranha_web.settings import settings

# A reload reads and checks the file and reconciles: seconds on the largest files.
LIMIT_S = 20.0


def apply() -> ResponseReturnValue:
    try:
        control_socket.ask_node(settings().runtime_dir, "reload", timeout_s=LIMIT_S)
    except NotRunningError:
        flash(
            "Nothing was applied: no daemon runs on this router. It reads lvs.cf when"
            " it starts.",
            "error",
        )
    except ControlError as error:
        flash(f"The daemons did not take lvs.cf over: {error}", "error")
    else:
        flash("The daemons run the saved lvs.cf now.", "ok")
    return redirect(_back(), code=303)


def _back() -> str:
    """The page with the button, if it is one of ours."""
    here = request.host_url
    page = request.referrer or ""
    return page if page.startswith(here) else url_for("control.panel")
