"""A data plane in memory, for dry runs and tests: it refuses what the kernel refuses.

The same suite runs against it and against the kernel
(`tests/engine/adapters/test_data_planes.py`). It forwards nothing, so its counters
stay at zero.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from lvs_engine.ports import (
    Counters,
    DestinationStatistics,
    ServiceStatistics,
    Timeouts,
)
from lvs_engine.table.model import Pool, ServiceKey, Table
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    Refusal,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from lvs_engine.table.refusals import impossible, impossible_in, refused
from lvs_engine.values import Scheduler

_SCHEDULERS = frozenset(Scheduler)
_ENGINES = frozenset({"", "sip"})


class MemoryPlane:
    """A table that lives as long as this object.

    Attributes:
        applied: every change that was asked for, in order, refused ones too.
        schedulers: names that are not refused; take one out to play a kernel without it.
    """

    name = "memory"
    notes: tuple[str, ...] = (
        "the table is kept in memory only: no traffic is balanced",
    )

    def __init__(self, table: Table | None = None) -> None:
        """Start with a copy of `table`, which may be what others left behind."""
        self._lock = threading.Lock()
        self._table = _copy(table or {})
        self._timeouts = Timeouts(tcp=900, tcpfin=120, udp=300)  # the kernel's own
        self.applied: list[Change] = []
        self.schedulers: frozenset[str] = _SCHEDULERS

    @property
    def messages_sent(self) -> int:
        """Changes asked for so far."""
        return len(self.applied)

    def unsupported(self, table: Table) -> list[Refusal]:
        return impossible_in(table)

    def dump(self) -> Table:
        with self._lock:
            return _copy(self._table)

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        with self._lock:
            refusals = []
            for change in changes:
                self.applied.append(change)
                refusal = impossible(change)
                if refusal is None and (errno := self._carry_out(change)):
                    refusal = refused(change, errno)
                if refusal is not None:
                    refusals.append(refusal)
            return refusals

    def statistics(self) -> dict[ServiceKey, ServiceStatistics]:
        idle = DestinationStatistics(Counters())
        return {
            key: ServiceStatistics(Counters(), dict.fromkeys(pool.destinations, idle))
            for key, pool in self.dump().items()
        }

    def timeouts(self) -> Timeouts:
        return self._timeouts

    def set_timeouts(self, timeouts: Timeouts) -> None:
        held = self._timeouts
        self._timeouts = Timeouts(
            tcp=timeouts.tcp or held.tcp,
            tcpfin=timeouts.tcpfin or held.tcpfin,
            udp=timeouts.udp or held.udp,
        )

    def close(self) -> None:
        """Nothing to let go of."""

    def _carry_out(self, change: Change) -> str:
        """Do it, or say the kernel's error name. The service is looked for first."""
        match change:
            case AddService() | SetService() | RemoveService():
                return self._change_service(change)
            case AddDestination() | SetDestination() | RemoveDestination():
                return self._change_destination(change)
            case _:
                assert_never(change)

    def _change_service(self, change: AddService | SetService | RemoveService) -> str:
        pool = self._table.get(change.key)
        if isinstance(change, AddService):
            if pool is not None:
                return "EEXIST"
            pool = Pool(change.service)
        elif pool is None:
            return "ESRCH"
        if isinstance(change, RemoveService):
            del self._table[change.key]
            return ""
        wanted = change.service
        if wanted.scheduler not in self.schedulers:
            return "ENOENT"
        if wanted.persistence_engine not in _ENGINES:
            return "ENOENT"
        self._table[change.key] = replace(pool, service=wanted)
        return ""

    def _change_destination(
        self, change: AddDestination | SetDestination | RemoveDestination
    ) -> str:
        pool = self._table.get(change.service)
        if pool is None:
            return "ESRCH"
        present = change.key in pool.destinations
        if isinstance(change, AddDestination):
            if present:
                return "EEXIST"
        elif not present:
            return "ENOENT"
        if isinstance(change, RemoveDestination):
            del pool.destinations[change.key]
        else:
            pool.destinations[change.key] = change.destination
        return ""


def _copy(table: Table) -> Table:
    return {key: Pool(p.service, dict(p.destinations)) for key, p in table.items()}
