"""The last events of a daemon: a ring of values, newest first."""

from __future__ import annotations

from collections import deque

from lvs_engine.control.status import Event

LIMIT = 200


class Timeline:
    """Keeps the newest `limit` events; the oldest fall out."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._events: deque[Event] = deque(maxlen=limit)

    def record(self, at: float, severity: str, subject: str, text: str) -> Event:
        """Add an event.

        Args:
            at: Unix seconds.
            severity: ok, info, warning or bad.
            subject: `web/app3`, `web`, `configuration`, `lvsd` ...
            text: what happened, in a sentence.
        """
        event = Event(at, severity, subject, text)
        self._events.appendleft(event)
        return event

    def newest_first(self) -> tuple[Event, ...]:
        return tuple(self._events)


def merged(*timelines: tuple[Event, ...], limit: int = LIMIT) -> tuple[Event, ...]:
    """Several timelines as one, newest first."""
    events = sorted((e for t in timelines for e in t), key=lambda e: e.at, reverse=True)
    return tuple(events[:limit])
