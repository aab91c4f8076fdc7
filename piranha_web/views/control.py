"""CONTROL/MONITORING: what runs now. Reads only; nothing here ever writes lvs.cf."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import (
    Blueprint,
    Response,
    g,
    json,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from lvs_engine.adapters.config_file import ConfigFile, service_ports
from lvs_engine.adapters.control_socket import ask, ask_node
from lvs_engine.config.loading import load
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import ServiceStatus
from lvs_engine.errors import ConfigError, ControlError, NotRunningError
from piranha_web import control_page, live_tables, presentation
from piranha_web.control_page import Answer, Banner
from piranha_web.settings import settings

LONGEST_QUERY = 200
ANSWER_WITHIN_S = 10.0
"""Seconds for a whole snapshot; one of 37,000 real servers takes its time."""
BRIEFLY_WITHIN_S = 2.0

Plain = dict[str, object]

blueprint = Blueprint("control", __name__)

for word in (
    presentation.amount,
    presentation.bits_per_second,
    presentation.moment,
    presentation.number,
    presentation.rate,
    presentation.span,
):
    blueprint.add_app_template_filter(word)


@dataclass(frozen=True, slots=True)
class Saved:
    """The file as it is now; both empty when it cannot be read."""

    text: str = ""
    revision: str = ""


@blueprint.get("/control")
def panel() -> ResponseReturnValue:
    if "control_action" in request.args:
        return redirect(url_for("auth.password"), code=303)
    rate = control_page.update_rate(request.args.get("rate"))
    return render_template(
        "control/panel.html",
        panel="control",
        auto_update=request.args.get("auto_update") == "1",
        rate=rate,
        query=_query(),
        **_live(),
    )


@blueprint.get("/control/data")
def data() -> ResponseReturnValue:
    """The live part of the page again, as HTML in JSON; 304 when nothing changed."""
    values = _live()
    answer = node_answer()
    parts = {
        "running": answer.status is not None,
        "banner": render_template("control/banner.html", banner=node_banner()),
        "live": render_template("control/live.html", query=_query(), **values),
    }
    etag = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    response = make_response(json.jsonify(at=time.time(), **parts))
    response.set_etag(etag)
    return _without_body_if_known(response)


def node_answer() -> Answer:
    """What the daemon says; it is asked once in a request."""
    if "node_answer" not in g:
        g.node_answer = _answer(_ask)
    answer = g.node_answer
    assert isinstance(answer, Answer)
    return answer


def node_banner() -> Banner | None:
    """The most urgent thing that the daemon and the file say together."""
    answer = node_answer() if "node_answer" in g else _answer(_ask_briefly)
    saved = _saved()
    empty = bool(saved.revision) and not saved.text.strip()
    return control_page.banner(answer, saved.revision, empty=empty)


def node_name() -> str:
    """The host name of this router, as the bar shows it."""
    return platform.node().partition(".")[0]


def _ask() -> Plain:
    return ask_node(settings().runtime_dir, "status", timeout_s=ANSWER_WITHIN_S)


def _ask_briefly() -> Plain:
    """What the banner needs is lvsd's, and lvsd can leave out the long part."""
    runtime = settings().runtime_dir
    try:
        lvsd = runtime / "lvsd.sock"
        return ask(lvsd, "status", timeout_s=BRIEFLY_WITHIN_S, brief=True)
    except NotRunningError:
        return ask_node(runtime, "status", timeout_s=BRIEFLY_WITHIN_S)


def _answer(request: Callable[[], Plain]) -> Answer:
    try:
        return Answer(from_dict(request()))
    except NotRunningError as error:
        return Answer(None, str(error), stopped=True)
    except (ControlError, ValueError) as error:
        return Answer(None, str(error))


def _saved() -> Saved:
    if "saved" not in g:
        try:
            stored = ConfigFile(settings().config).read()
            g.saved = Saved(stored.text, stored.revision)
        except ConfigError:
            g.saved = Saved()
    saved = g.saved
    assert isinstance(saved, Saved)
    return saved


def _live() -> dict[str, object]:
    """What the live part of the page is drawn from."""
    answer = node_answer()
    status = answer.status
    services = status.services if status else _services_of_the_file()
    # Times in words are those of the snapshot: drawn again, they change with it alone.
    now = status.at if status else time.time()
    saved = _saved().revision
    same = status is None or not control_page.not_applied(status.configuration, saved)
    return {
        "answer": answer,
        # Links go by position in the file, so only if that is the file that is shown.
        "positions": live_tables.positions(services) if same else {},
        "status": status,
        "now": now,
        "config_path": settings().config,
        "saved_revision": saved,
        "window": live_tables.window(services, _query(), _page()),
        "services": services,
        "traffic": live_tables.total_traffic(services),
        "tables": live_tables,
        "words": presentation,
        "page_of": control_page,
    }


def _services_of_the_file() -> tuple[ServiceStatus, ...]:
    return live_tables.configured(load(_saved().text, service_ports()).cluster)


def _query() -> str:
    return request.args.get("q", "").strip()[:LONGEST_QUERY]


def _page() -> int:
    typed = request.args.get("page", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 1


def _without_body_if_known(response: Response) -> Response:
    response.make_conditional(request)
    return response
