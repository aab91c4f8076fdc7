"""GLOBAL SETTINGS: addresses of the primary router, timeouts, network type, NAT router."""

from __future__ import annotations

import ipaddress

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lvs_engine.values import Forwarding
from piranha_web.config_words import edited
from piranha_web.forms import global_settings as rows
from piranha_web.forms.choices import NETWORKS
from piranha_web.forms.panel import PanelForm, Posted, Source, build
from piranha_web.views import editing
from piranha_web.views.editing import Conflict
from piranha_web.workspace import Opened, opened

blueprint = Blueprint("settings", __name__)


@blueprint.get("/global")
def panel() -> ResponseReturnValue:
    here = opened()
    return _draw(here, _form(here))


@blueprint.post("/global")
def accept() -> ResponseReturnValue:
    return editing.again_when_stale(_accept)


def _accept(here: Opened) -> ResponseReturnValue:
    network = rows.NETWORK_BUTTONS.get(request.form.get("network", ""), _network(here))
    form = _form(here, request.form, network)
    if editing.stale(here):
        return editing.conflict(here, form, _form, _draw)
    if not form.parse() or not rows.complete(form, network, pressed=_pressed()):
        return _draw(here, form), 422
    if _pressed():
        form.dropped |= rows.unreadable_network(here.root)
    changed = edited(here.cluster, form.values)
    cluster = rows.settled(here.cluster, rows.with_network(changed, network))
    return editing.store(here, form, cluster, (), _draw, url_for("settings.panel"))


def _pressed() -> bool:
    """Whether a button of the network type was pressed, and not ACCEPT."""
    return "network" in request.form


def _form(
    here: Opened, posted: Posted | None = None, network: Forwarding | None = None
) -> PanelForm:
    source = Source(here.cluster, here.root, here.ports)
    reasons = rows.reasons(network or _network(here))
    return build(rows.entries(_this_machine()), source, posted, reasons)


def _draw(here: Opened, form: PanelForm, conflict: Conflict | None = None) -> str:
    return render_template(
        "global/panel.html",
        panel="global",
        form=form.fields,
        revision=here.revision,
        conflict=conflict,
        networks=NETWORKS,
        network=_network(here),
        network_in_file=bool(here.root.named("network")),
    )


def _network(here: Opened) -> Forwarding:
    return rows.network_of(here.cluster, in_file=bool(here.root.named("network")))


def _this_machine() -> str:
    """The address that the browser connected to, as a proposal; empty for a name."""
    host = request.host.rpartition(":")[0] if ":" in request.host else request.host
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return ""
    return "" if address.is_loopback or address.is_unspecified else str(address)
