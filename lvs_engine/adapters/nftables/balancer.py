"""Keeping slots in step with live connections, for the schedulers that want that.

Pure: it is told the connections, and says which services need other slots.
"""

from __future__ import annotations

from lvs_engine.adapters.nftables.connections import Loads
from lvs_engine.adapters.nftables.schedule import fill_up, is_dynamic, slots
from lvs_engine.table.model import DestinationKey, Pool, ServiceKey, Table

Slots = tuple[DestinationKey, ...]


class Balancer:
    """The last known load, who is over a threshold, and the slots that follow.

    Attributes:
        chosen: slots of each service that follows its load, as they were last decided.
    """

    def __init__(self) -> None:
        self.chosen: dict[ServiceKey, Slots] = {}
        self._loads: Loads = {}
        self._full: dict[ServiceKey, frozenset[DestinationKey]] = {}

    def learn(self, loads: Loads) -> None:
        self._loads = loads

    def decide(self, table: Table) -> dict[ServiceKey, Slots]:
        """Slots of the services that follow their load; `chosen` becomes the same."""
        dynamic = {key: pool for key, pool in table.items() if is_dynamic(pool)}
        self._full = {key: self._full_in(key, pool) for key, pool in dynamic.items()}
        self.chosen = {key: self._slots(key, pool) for key, pool in dynamic.items()}
        return self.chosen

    def changed(self, table: Table) -> dict[ServiceKey, Slots]:
        """Those of `decide` that are other ones than before."""
        before = self.chosen
        return {
            key: found
            for key, found in self.decide(table).items()
            if before.get(key) != found
        }

    def forget(self, key: ServiceKey) -> None:
        """What was decided did not reach the kernel."""
        self.chosen.pop(key, None)

    def _full_in(self, key: ServiceKey, pool: Pool) -> frozenset[DestinationKey]:
        were = self._full.get(key, frozenset())
        return fill_up(pool, self._loads.get(key, {}), were)

    def _slots(self, key: ServiceKey, pool: Pool) -> Slots:
        return slots(pool, self._loads.get(key, {}), self._full[key])
