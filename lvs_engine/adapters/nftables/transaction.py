"""From what our table holds to what it shall hold: the lines of one transaction.

nft carries out all lines or none, so no packet ever meets half a change. Only what
differs is touched: counters go on, and so does the memory of persistent clients.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain

from lvs_engine.adapters.nftables import frame, ruleset
from lvs_engine.adapters.nftables.frame import TABLE, Rule, add_rule
from lvs_engine.adapters.nftables.observed import (
    DAMAGED,
    Observed,
    intact_frame,
    owned,
)
from lvs_engine.table.model import DestinationKey, ServiceKey, Table

Chosen = Mapping[ServiceKey, tuple[DestinationKey, ...]]
"""The real server of each slot, for services whose slots follow the load."""


def transaction(
    seen: Observed,
    wanted: Table,
    touched: Collection[ServiceKey],
    chosen: Chosen,
    frame_more: Sequence[str] = (),
) -> list[str]:
    """The lines that make the touched services as `wanted` has them.

    A table whose frame was changed by hand is made anew, with the counts so far. The
    last service takes the table with it.

    Args:
        seen: what the kernel holds.
        wanted: all services, the untouched ones as they are.
        touched: services that may differ; one that is not in `wanted` goes.
        chosen: slots by service, where they are not those of an idle service.
        frame_more: lines that follow a new frame.
    """
    if not wanted:
        # Nothing to balance leaves no trace: not even an empty table.
        return [f"delete table {TABLE}"] if seen.present else []
    if intact_frame(seen):
        return _changes(seen, wanted, touched, chosen)
    everything = {
        key: pool for key, pool in wanted.items() if pool.service.scheduler != DAMAGED
    }
    lines = [f"delete table {TABLE}"] if seen.present else []
    lines += [*frame.script(), *frame_more]
    # An element may lead to a chain of the frame only: there are no others yet.
    return lines + _changes(Observed(), everything, everything, chosen, seen.counters)


def replace_chain(name: str, rules: Sequence[Rule]) -> list[str]:
    return [f"flush chain {TABLE} {name}", *(add_rule(name, rule) for rule in rules)]


def _new_chain(name: str, rules: Sequence[Rule]) -> list[str]:
    return [add_rule(name, rule) for rule in rules]


def _changes(
    seen: Observed,
    wanted: Table,
    touched: Collection[ServiceKey],
    chosen: Chosen,
    counts: Mapping[str, tuple[int, int]] | None = None,
) -> list[str]:
    parts = [
        ruleset.parts(key, wanted[key], chosen.get(key))
        for key in touched
        if key in wanted
    ]
    chains = dict(chain.from_iterable(p.chains.items() for p in parts))
    sets = dict(chain.from_iterable(p.sets.items() for p in parts))
    counters = list(chain.from_iterable(p.counters for p in parts))
    lines = [
        f"add counter {TABLE} {name}{_start(name, counts or {})}"
        for name in counters
        if name not in seen.counters
    ]
    lines += [
        f"add {text}" for name, text in sets.items() if name not in seen.containers
    ]
    lines += [f"add chain {TABLE} {name}" for name in chains if name not in seen.chains]
    for name, rules in chains.items():
        held = seen.chains.get(name, [])
        if held != [rule.comment for rule in rules]:
            lines += (replace_chain if held else _new_chain)(name, rules)
    lines += _element_changes(seen, wanted, chains)
    kept = {*chains, *sets, *counters}
    have = owned(seen)
    stale = [name for key in touched for name in have.get(key, ()) if name not in kept]
    return lines + _removals(seen, stale)


def _start(name: str, counts: Mapping[str, tuple[int, int]]) -> str:
    if name not in counts:
        return ""
    packets, octets = counts[name]
    return f" {{ packets {packets} bytes {octets} }}"


def _element_changes(
    seen: Observed, wanted: Table, chains: Collection[str]
) -> list[str]:
    expected = ruleset.elements(wanted)
    stale = [
        (element, target)
        for element, target in seen.elements.items()
        if expected.get(element) != target
    ]
    # A service that is damaged and not touched now may lack its chains.
    new = [
        (element, target)
        for element, target in expected.items()
        if seen.elements.get(element) != target
        and (not target or _chain_of(target) in {*seen.chains, *chains})
    ]
    return [
        *ruleset.element_lines("delete", stale),
        *ruleset.element_lines("add", new),
    ]


def _chain_of(target: str) -> str:
    return target.rsplit(maxsplit=1)[-1]


def _removals(seen: Observed, stale: Sequence[str]) -> list[str]:
    """Lines that remove chains, sets and counters; all rules first, as they refer."""
    chains = [name for name in stale if name in seen.chains]
    return [
        *(f"flush chain {TABLE} {name}" for name in chains),
        *(f"delete chain {TABLE} {name}" for name in chains),
        *(f"delete set {TABLE} {name}" for name in stale if name in seen.containers),
        *(f"delete counter {TABLE} {name}" for name in stale if name in seen.counters),
    ]
