"""An epoll loop with timers, as small as thousands of short connections want it.

A turn hands over all events that are there, and only then fires the timers that are
due. Two rules follow from that order:

* a time limit never strikes an answer that has already arrived, however late we are;
* only timers may open descriptors, so a number in the events of a turn never belongs
  to something opened in the same turn.
"""

from __future__ import annotations

import heapq
import math
import select
import time
from collections.abc import Callable

TICK_S = 0.01  # timers are fired together, every 10 ms for all that is due
_EVENTS = 256
_TIMERS_IN_A_TURN = 256

OnEvent = Callable[[int, float], None]
OnTimer = Callable[[float], None]


class Loop:
    """Descriptors and timers. Callbacks get the monotonic time of their batch."""

    __slots__ = ("_buckets", "_epoll", "_on_event", "_stopped", "_ticks")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._on_event: dict[int, OnEvent] = {}
        self._buckets: dict[int, list[OnTimer]] = {}
        self._ticks: list[int] = []
        self._stopped = False

    def watch(self, fd: int, events: int, on_event: OnEvent) -> None:
        """Call `on_event(events, now)` when one of `events` is there, or an error."""
        self._epoll.register(fd, events)
        self._on_event[fd] = on_event

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def redirect(self, fd: int, on_event: OnEvent) -> None:
        """Give the events of a watched descriptor to another callback."""
        self._on_event[fd] = on_event

    def closing(self, fd: int) -> None:
        """Forget a descriptor that the caller closes now; the kernel does the rest."""
        self._on_event.pop(fd, None)

    def forget(self, fd: int) -> None:
        """Watch a descriptor no longer that stays open."""
        if self._on_event.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def at(self, when: float, on_timer: OnTimer) -> None:
        """Call `on_timer(now)` at the first tick that is not before `when`.

        There is no way to take a timer back: whoever sets one looks, when it fires,
        whether it still matters.
        """
        tick = math.ceil(when / TICK_S)
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = bucket = []
            heapq.heappush(self._ticks, tick)
        bucket.append(on_timer)

    def run(self) -> None:
        """Turn until `stop` is called, be it before or after."""
        while not self._stopped:
            self.turn()

    def stop(self) -> None:
        self._stopped = True

    def turn(self, limit_s: float = 1.0) -> None:
        """Wait for the next event or timer, at most `limit_s`, and serve all there is."""
        wait = limit_s
        if self._ticks:
            wait = min(wait, self._ticks[0] * TICK_S - time.monotonic())
        events = self._epoll.poll(max(wait, 0.0), _EVENTS)
        self._hand_over(events)
        while len(events) == _EVENTS:
            events = self._epoll.poll(0, _EVENTS)
            self._hand_over(events)
        if self._ticks:
            self._fire(time.monotonic())

    def close(self) -> None:
        self._on_event.clear()
        self._buckets.clear()
        self._ticks.clear()
        self._epoll.close()

    def _hand_over(self, events: list[tuple[int, int]]) -> None:
        now = time.monotonic()
        get = self._on_event.get
        for fd, mask in events:
            on_event = get(fd)
            if on_event is not None:
                on_event(mask, now)

    def _fire(self, now: float) -> None:
        left = _TIMERS_IN_A_TURN
        while self._ticks and left > 0 and self._ticks[0] * TICK_S <= now:
            bucket = self._buckets[self._ticks[0]]
            if len(bucket) <= left:
                del self._buckets[heapq.heappop(self._ticks)]
            else:
                # The rest waits for the next turn, behind the events.
                self._buckets[self._ticks[0]] = bucket[left:]
                del bucket[left:]
            left -= len(bucket)
            for on_timer in bucket:
                on_timer(now)
