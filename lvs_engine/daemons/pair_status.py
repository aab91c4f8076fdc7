"""The other router for the status, out of what the heartbeat has heard."""

from __future__ import annotations

import math
import time

from lvs_engine.adapters.heartbeat_udp import Heartbeat, PathView, Way
from lvs_engine.control.status import PathStatus, PeerStatus
from lvs_engine.daemons.pair import UNSIGNED, Setting


def peer_status(setting: Setting, driver: Heartbeat, now: float) -> PeerStatus:
    """The partner as it was last heard.

    Args:
        setting: of the driver.
        driver: the heartbeat.
        now: loop time, which the heartbeat counts in.
    """
    partner, envelope = driver.machine.partner, driver.partner.envelope
    since_boot = time.time() - now
    same = None
    if setting.key is not None and envelope is not None:
        same = envelope.configuration == driver.identity.configuration
    return PeerStatus(
        address=setting.ways[0].partner,
        state=partner.word.state.value if partner else "",
        silent=partner is None or now >= partner.heard_at + setting.timing.deadtime,
        term=partner.word.term if partner else 0,
        paths=tuple(_path(w, driver.paths[w.path], since_boot) for w in setting.ways),
        signed=setting.key is not None and not driver.identity.lenient,
        same_configuration=same,
        rejected={reason.value: n for reason, n in driver.rejected.items()},
        warning="" if setting.key is not None else UNSIGNED,
    )


def _path(way: Way, view: PathView, since_boot: float) -> PathStatus:
    heard = view.heard_at > -math.inf
    known = not math.isnan(view.round_trip_s)
    return PathStatus(
        way.path.value,
        way.partner,
        view.heard_at + since_boot if heard else 0.0,
        view.round_trip_s if known else -1.0,
    )
