"""What makes a node of a pair unfit to be active: a lost link, an lvsd that keeps dying."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping

from lvs_engine.control.status import DaemonStatus
from lvs_engine.heartbeat.beat import Path
from lvs_engine.heartbeat.events import (
    ChildFailed,
    ChildRecovered,
    Event,
    LinkDown,
    LinkUp,
)
from lvs_engine.network.addresses import Interfaces

_TOO_MANY = 3
_WITHIN_S = 30.0
_SOUND_S = 10.0
_LVSD_PERIOD_S = 0.5

log = logging.getLogger(__name__)


class Links:
    """The links under the node's own addresses, one for each path.

    An address that is nowhere counts as no change: its link is not known.
    """

    def __init__(self) -> None:
        self._down: set[Path] = set()

    def look(self, found: Interfaces, own: Mapping[Path, str]) -> Iterator[Event]:
        """What changed since the last look, as events for the machine.

        Args:
            found: the node's interfaces now.
            own: our end of each path; empty: links are not watched.
        """
        devices = {a.key.address: a.key.device for a in found.addresses}
        down = {path for path, end in own.items() if devices.get(end) in found.linkless}
        for path in sorted(down - self._down):
            nic = "Primary" if path is Path.PUBLIC else "Private"
            log.warning("%s NIC: link down", nic)
            if path is Path.PUBLIC:
                log.warning("Local NIC link failure: Pulse disabled")
            yield LinkDown(path)
        for path in sorted(self._down - down):
            if path is Path.PUBLIC:
                log.info("Local NIC link(s) restored: Pulse enabled")
            yield LinkUp(path)
        self._down = down


class Deaths:
    """Tells an lvsd that died once from one that cannot live."""

    def __init__(self) -> None:
        self._known = 0
        self._at: list[float] = []
        self.failing = False

    def look(self, restarts: int, now: float) -> bool:
        """Whether it is failing now: three deaths in 30 s, until 10 s without one.

        Args:
            restarts: how often it was started again so far.
            now: monotonic seconds.
        """
        self._at += [now] * max(0, restarts - self._known)
        self._known = restarts
        self._at = [at for at in self._at if now - at < _WITHIN_S]
        if len(self._at) >= _TOO_MANY:
            self.failing = True
        if self.failing and (not self._at or now - self._at[-1] >= _SOUND_S):
            self.failing = False
            self._at.clear()
        return self.failing


async def watch_lvsd(
    status: Callable[[], DaemonStatus], feed: Callable[[Event], None]
) -> None:
    """Tell the machine of an lvsd that cannot live, and that it lives again; for ever."""
    deaths = Deaths()
    while True:
        await asyncio.sleep(_LVSD_PERIOD_S)
        lvsd, before = status(), deaths.failing
        failing = deaths.look(lvsd.restarts, time.monotonic())
        if failing and not before:
            feed(ChildFailed(f"lvsd {lvsd.message}, again and again"))
        elif before and not failing:
            feed(ChildRecovered())
