"""Which service and real server each of conntrack's connections belongs to.

Pure. A connection of a service by mark is known by its real server alone: the mark is
not in conntrack. One real server in several such services counts for the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from lvs_engine.adapters.nftables import ruleset
from lvs_engine.adapters.nftables.conntrack import Flow
from lvs_engine.adapters.nftables.schedule import Load
from lvs_engine.table.model import DestinationKey, ServiceKey, Table

Loads = dict[ServiceKey, dict[DestinationKey, Load]]


def loads(table: Table, flows: Iterable[Flow]) -> Loads:
    """Live connections of every real server that has any."""
    owners = _owners(table)
    counted: dict[tuple[ServiceKey, DestinationKey], list[int]] = {}
    for flow in flows:
        if not flow.translated:
            continue
        for element in _elements(flow):
            owner = owners.get(element)
            if owner is not None:
                counted.setdefault(owner, [0, 0])[not flow.active] += 1
                break
    found: Loads = {}
    for (service, destination), (active, inactive) in counted.items():
        found.setdefault(service, {})[destination] = Load(active, inactive)
    return found


def stray(
    before: Table, after: Table, touched: Collection[ServiceKey], flows: Iterable[Flow]
) -> list[Flow]:
    """Connections of the touched services that lead nowhere now.

    Those of a real server that was removed: IPVS would let them hang, or reset them with
    `expire_nodest_conn`, which is what we do. A client of udp with a constant port would
    otherwise keep the dead server alive for ever. And those that were not translated,
    because the service, or a real server in it, came after they did.
    """
    selectors = {(k.address, k.protocol, k.port) for k in touched if not k.fwmark}
    marked = _owners({k: before[k] for k in touched if k.fwmark and k in before})
    valid = _owners(after)
    found = []
    for flow in flows:
        elements = _elements(flow)
        ports = (flow.port, 0)
        if any((flow.destination, flow.protocol, p) in selectors for p in ports):
            # A daemon of the router may have connections from before the service was.
            local = not flow.translated and flow.protocol == "tcp"
            lost = not local and not any(e in valid for e in elements[:2])
        else:
            was_marked = flow.translated and any(e in marked for e in elements[2:])
            lost = was_marked and not any(e in valid for e in elements)
        if lost:
            found.append(flow)
    return found


def _owners(
    table: Table,
) -> Mapping[ruleset.Element, tuple[ServiceKey, DestinationKey]]:
    owners: dict[ruleset.Element, tuple[ServiceKey, DestinationKey]] = {}
    for key in sorted(table):
        pool = table[key]
        for destination in pool.destinations:
            element = ruleset.flow(key, pool.service, destination)
            owners.setdefault(element, (key, destination))
    return owners


def _elements(flow: Flow) -> tuple[ruleset.Element, ...]:
    """Under which keys the maps of the table would find this connection, best first."""
    n, server = flow.family, flow.server
    client_side = f"{flow.destination} . {flow.protocol}"
    return (
        (f"flows{n}", f"{client_side} . {flow.port} . {server} . {flow.server_port}"),
        (f"flows-any{n}", f"{client_side} . {server}"),
        (f"flows-mark{n}", f"{server} . {flow.server_port}"),
        (f"flows-mark-any{n}", server),
    )
