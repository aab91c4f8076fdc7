"""Whether the table is fit for traffic yet; asked before an address is brought up."""

from __future__ import annotations

from collections.abc import Mapping

from lvs_engine.config.model import Cluster, pools
from lvs_engine.daemons.health_book import HealthBook
from lvs_engine.table.desired import service_keys
from lvs_engine.table.model import ServiceKey, Table


def waiting(
    cluster: Cluster, book: HealthBook, table: Table, resolve: Mapping[str, str]
) -> list[str]:
    """Virtual servers that nobody serves yet while a first check result may change that.

    A virtual server whose servers all failed is not waited for.
    """
    found = []
    for name, virtual, servers in pools(cluster):
        if not virtual.active:
            continue
        unknown = book.without_result(k for k, server in servers if server.active)
        if unknown and not _served(table, service_keys(virtual, resolve)):
            found.append(f"virtual {name}: {len(unknown)} servers not checked yet")
    return found


def _served(table: Table, keys: tuple[ServiceKey, ...]) -> bool:
    return any(
        destination.weight > 0
        for key in keys
        if key in table
        for destination in table[key].destinations.values()
    )
