"""Samples of the kernel's counters: totals, rates per second, and a short history.

Reads no counter itself and no clock: the statistics of one moment come in with their
time. For a large table the daemon samples less often (`period`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lvs_engine.control.status import Traffic
from lvs_engine.ports import Counters, ServiceStatistics
from lvs_engine.table.model import DestinationKey, ServiceKey

HISTORY = 60
"""Values in a history."""

Place = tuple[ServiceKey, DestinationKey | None]
"""A destination of a service; None: the service as a whole."""


@dataclass(frozen=True, slots=True)
class _Sample:
    counters: Counters
    active: int = 0
    inactive: int = 0


class Sampler:
    """The last two samples of every service and destination, and histories of rates."""

    def __init__(self) -> None:
        self._at = 0.0
        self._elapsed_s = 0.0
        self._now: dict[Place, _Sample] = {}
        self._before: dict[Place, _Sample] = {}
        # Only for places that had traffic: most of a large table is quiet.
        self._histories: dict[Place, array[float]] = {}

    def take(
        self, statistics: Mapping[ServiceKey, ServiceStatistics], at: float
    ) -> None:
        """A new sample, taken at monotonic time `at`."""
        self._elapsed_s = at - self._at if self._now else 0.0
        self._at = at
        self._before, self._now = self._now, dict(_samples(statistics))
        if self._elapsed_s <= 0:
            return
        fresh = {}
        for place in self._now:
            rate = self._rate(place)
            history = self._histories.get(place)
            if history is None:
                if not rate:
                    continue
                history = array("d", bytes(8 * (HISTORY - 1)))
            history.append(rate)
            del history[:-HISTORY]
            if any(history):
                fresh[place] = history
        self._histories = fresh

    def traffic(self, places: Iterable[Place]) -> Traffic:
        """Totals and rates of several places together."""
        total = [0] * 7
        rates = [0.0] * 3
        for place in places:
            sample = self._now.get(place)
            if sample is None:
                continue
            for i, value in enumerate(
                (sample.active, sample.inactive, *sample.counters)
            ):
                total[i] += value
            for i, rate in enumerate(self._rates(place, sample)):
                rates[i] += rate
        return Traffic(*total, *(round(rate, 3) for rate in rates))

    def history(self, places: Iterable[Place]) -> tuple[float, ...]:
        """Connections per second, oldest first; empty where there never were any."""
        found = [h for h in map(self._histories.get, places) if h is not None]
        return tuple(round(sum(values), 3) for values in zip(*found, strict=False))

    def _rate(self, place: Place) -> float:
        return self._rates(place, self._now[place])[0]

    def _rates(self, place: Place, sample: _Sample) -> tuple[float, float, float]:
        before = self._before.get(place)
        if before is None or self._elapsed_s <= 0:
            return (0.0, 0.0, 0.0)
        now, then = sample.counters, before.counters
        # An entry that was made again counts from zero; there is no negative traffic.
        return (
            max(0, now.connections - then.connections) / self._elapsed_s,
            max(0, now.bytes_in - then.bytes_in) / self._elapsed_s,
            max(0, now.bytes_out - then.bytes_out) / self._elapsed_s,
        )


def period(took_s: float) -> float:
    """Seconds between two samples, when one takes `took_s`: at most 5 % of one core."""
    return min(60.0, max(2.0, 20 * took_s))


def _samples(
    statistics: Mapping[ServiceKey, ServiceStatistics],
) -> Iterable[tuple[Place, _Sample]]:
    for key, service in statistics.items():
        active = inactive = 0
        for place, destination in service.destinations.items():
            active += destination.active_connections
            inactive += destination.inactive_connections
            yield (
                (key, place),
                _Sample(
                    destination.counters,
                    destination.active_connections,
                    destination.inactive_connections,
                ),
            )
        yield (key, None), _Sample(service.counters, active, inactive)
