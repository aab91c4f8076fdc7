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

    def decide(self, pools: Table) -> dict[ServiceKey, Slots]:
        """Slots of those services that follow their load, to be loaded now."""
        found = {}
        for key, pool in pools.items():
            if is_dynamic(pool):
                self._full[key] = self._full_in(key, pool)
                found[key] = slots(pool, self._loads.get(key, {}), self._full[key])
        self.chosen.update(found)
        return found

    def changed(self, table: Table) -> dict[ServiceKey, Slots]:
        """As `decide`, but only the services whose slots are other ones than before."""
        before = dict(self.chosen)
        found = self.decide(table)
        return {key: new for key, new in found.items() if before.get(key) != new}

    def forget(self, key: ServiceKey) -> None:
        """The service is gone, or what was decided did not reach the kernel."""
        self.chosen.pop(key, None)
        self._full.pop(key, None)

    def _full_in(self, key: ServiceKey, pool: Pool) -> frozenset[DestinationKey]:
        were = self._full.get(key, frozenset())
        return fill_up(pool, self._loads.get(key, {}), were)
