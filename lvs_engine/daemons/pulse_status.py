"""One status of the node out of what pulse and lvsd say, as plain values.

lvsd's part passes through as it is, so that a newer lvsd may say more than we know;
its services are not even decoded.
"""

from __future__ import annotations

from collections.abc import Mapping

from lvs_engine.control.events import LIMIT
from lvs_engine.control.protocol import to_dict
from lvs_engine.control.status import Status

_OURS = ("version", "at", "node", "addresses", "peer")


def merged(pulse: Status, lvsd: Mapping[str, object] | None) -> dict[str, object]:
    """What pulse knows over what lvsd knows; `None` when lvsd does not answer."""
    ours = to_dict(pulse)
    if lvsd is None:
        return ours
    result = {**lvsd, **{key: ours[key] for key in _OURS}}
    known = {d.name for d in pulse.daemons}
    theirs = [d for d in _entries(lvsd, "daemons") if d.get("name") not in known]
    result["daemons"] = [*_entries(ours, "daemons"), *theirs]
    events = [*_entries(ours, "events"), *_entries(lvsd, "events")]
    events.sort(key=_at, reverse=True)
    result["events"] = events[:LIMIT]
    return result


def _entries(plain: Mapping[str, object], key: str) -> list[dict[str, object]]:
    found = plain.get(key)
    if not isinstance(found, list):
        return []
    return [entry for entry in found if isinstance(entry, dict)]


def _at(event: Mapping[str, object]) -> float:
    at = event.get("at")
    return at if isinstance(at, int | float) else 0.0
