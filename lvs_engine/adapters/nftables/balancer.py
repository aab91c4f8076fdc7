"""Keeping slots in step with live connections, for the schedulers that want that.

Pure: it is told the connections, and says which services need other slots.
"""

from __future__ import annotations

from collections.abc import Mapping

from lvs_engine.adapters.nftables.connections import Loads
from lvs_engine.adapters.nftables.ruleset import shares
from lvs_engine.adapters.nftables.schedule import fill_up, is_dynamic, slots
from lvs_engine.table.model import DestinationKey, Pool, ServiceKey, Table

Slots = tuple[DestinationKey, ...]


class Balancer:
    """The last known load, and who is over a threshold.

    Attributes:
        held: the word for the slots that the kernel has for each service.
    """

    def __init__(self) -> None:
        self.held: Mapping[ServiceKey, str] = {}
        self._loads: Loads = {}
        self._full: dict[ServiceKey, frozenset[DestinationKey]] = {}

    def learn(self, loads: Loads) -> None:
        self._loads = loads

    def decide(self, pools: Table) -> dict[ServiceKey, Slots]:
        """Slots of those services that follow their load."""
        dynamic = {key: pool for key, pool in pools.items() if is_dynamic(pool)}
        for key, pool in dynamic.items():
            self._full[key] = self._full_in(key, pool)
        return {
            key: slots(pool, self._loads.get(key, {}), self._full[key])
            for key, pool in dynamic.items()
        }

    def changed(self, table: Table) -> dict[ServiceKey, Slots]:
        """As `decide`, but only the services whose slots are not those held."""
        found = self.decide(table)
        return {k: new for k, new in found.items() if self.held.get(k) != shares(new)}

    def loaded(self, chosen: Mapping[ServiceKey, Slots]) -> None:
        """The kernel has these now."""
        self.held = {**self.held, **{key: shares(new) for key, new in chosen.items()}}

    def forget(self, key: ServiceKey) -> None:
        """The service is gone."""
        self._full.pop(key, None)

    def _full_in(self, key: ServiceKey, pool: Pool) -> frozenset[DestinationKey]:
        were = self._full.get(key, frozenset())
        return fill_up(pool, self._loads.get(key, {}), were)
