"""What our table holds in the kernel, read from `nft -j list table`, and what it means.

The kernel is the only witness: the virtual server table is read back from names and
comments, and every part that we would have made for it is looked for. A service of
which anything is missing, added or replaced appears with the scheduler `damaged`, and
without the real servers that lack a part, so that a comparison with the wanted table
finds it and the repair follows from the ordinary changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from itertools import zip_longest
from typing import Any, Final

from lvs_engine.adapters.nftables import conntrack, frame, names, ruleset
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)

DAMAGED: Final = "damaged"
NO_SLOTS: Final = ()
"""Slots follow the load, so they are not compared, and need not be made for that."""


@dataclass(slots=True)
class Observed:
    """The contents of our table.

    Attributes:
        present: whether there is such a table at all.
        chains: comments of the rules by chain, in order; empty for one without.
        hooks: where the base chains hang.
        containers: names of maps and sets.
        elements: targets by map and key; empty for an element of a set. Without
            remembered clients.
        counters: packets and bytes by name.
        timeouts: seconds by timeout object and state.
    """

    present: bool = False
    chains: dict[str, list[str]] = field(default_factory=dict)
    hooks: dict[str, frame.Hook] = field(default_factory=dict)
    containers: set[str] = field(default_factory=set)
    elements: dict[ruleset.Element, str] = field(default_factory=dict)
    counters: dict[str, tuple[int, int]] = field(default_factory=dict)
    timeouts: dict[str, dict[str, int]] = field(default_factory=dict)


def observe(listing: Mapping[str, Any]) -> Observed:
    """Read nft's JSON of our table."""
    seen = Observed()
    for item in listing.get("nftables", ()):
        for kind, value in item.items():
            match kind:
                case "table":
                    seen.present = True
                case "chain":
                    _chain(seen, value)
                case "rule":
                    comments = seen.chains.setdefault(value["chain"], [])
                    comments.append(value.get("comment", ""))
                case "map" | "set":
                    _container(seen, value)
                case "counter":
                    amount = int(value["packets"]), int(value["bytes"])
                    seen.counters[value["name"]] = amount
                case "ct timeout":
                    seen.timeouts[value["name"]] = dict(value["policy"])
                case _:
                    pass  # metainfo, and what a person may have added
    return seen


def intact_frame(seen: Observed) -> bool:
    """Whether everything is there that does not depend on the services."""
    return (
        seen.hooks == frame.BASES
        and frame.TIMEOUTS in seen.chains
        and all(name in seen.containers for name in frame.containers())
        and all(
            seen.chains.get(name) == [rule.comment for rule in rules]
            for name, rules in frame.chains().items()
        )
    )


def table(seen: Observed) -> Table:
    """The virtual server table that these contents amount to."""
    grouped = owned(seen)
    intact = intact_frame(seen)
    readable = {key: _readable(seen, key, names_) for key, names_ in grouped.items()}
    expected = ruleset.elements(readable)
    needed = _by_service(expected, expected)
    added = {e: to for e, to in seen.elements.items() if expected.get(e) != to}
    too_many = _by_service(added, expected)
    found: Table = {}
    for key, pool in readable.items():
        missing = {
            element
            for element, target in needed.get(key, {}).items()
            if seen.elements.get(element) != target
        }
        whole = Pool(pool.service, _with_flow(key, pool, missing))
        wanted = ruleset.parts(key, whole, NO_SLOTS)
        if (
            not intact
            or missing
            or key in too_many
            or not _as_wanted(seen, wanted)
            or set(grouped[key]) != _names(wanted)
        ):
            whole = Pool(pool.service._replace(scheduler=DAMAGED), whole.destinations)
        found[key] = whole
    return found


def shares(seen: Observed) -> dict[ServiceKey, str]:
    """Which slots each service has, as the word for them."""
    found = {}
    for name, comments in seen.chains.items():
        belongs = names.owner(name)
        if belongs and belongs.destination is None and comments:
            found[belongs.service] = names.read_shares(comments[-1])
    return found


def owned(seen: Observed) -> dict[ServiceKey, list[str]]:
    """Names of chains, sets and counters by the service that they belong to."""
    grouped: dict[ServiceKey, list[str]] = {}
    for name in (*seen.chains, *seen.containers, *seen.counters):
        belongs = names.owner(name)
        if belongs is not None:
            grouped.setdefault(belongs.service, []).append(name)
    return grouped


def _names(wanted: ruleset.Parts) -> set[str]:
    return {*wanted.chains, *wanted.sets, *wanted.counters}


def _as_wanted(seen: Observed, wanted: ruleset.Parts) -> bool:
    return all(
        _same(seen.chains.get(name), rules) for name, rules in wanted.chains.items()
    )


def _same(comments: list[str] | None, rules: tuple[frame.Rule, ...]) -> bool:
    """Whether these are the comments of the rules, whatever the slots."""
    if comments is None or len(comments) != len(rules):
        return False
    return all(
        held.removesuffix(names.read_shares(held))
        == rule.comment.removesuffix(names.read_shares(rule.comment))
        for held, rule in zip(comments, rules, strict=True)
    )


def _readable(seen: Observed, key: ServiceKey, owned_names: list[str]) -> Pool:
    """The entries as the comments tell them, without broken real servers."""
    comments = seen.chains.get(names.service_name(key), [])
    service = names.read_service(comments[0]) if comments else None
    service = service or Service(DAMAGED)
    destinations: dict[DestinationKey, Destination] = {}
    for name in owned_names:
        belongs = names.owner(name)
        if belongs is None or belongs.destination is None or belongs.part:
            continue
        comments = seen.chains.get(name, [])
        entry = names.read_destination(comments[-1]) if comments else None
        if entry is not None:
            destinations[belongs.destination] = entry
    pool = Pool(service, destinations)
    known = service.scheduler != DAMAGED
    wanted = ruleset.parts(key, pool, NO_SLOTS) if known else None
    if wanted is not None:
        destinations = {
            destination: entry
            for destination, entry in destinations.items()
            if _complete(seen, wanted, names.destination_name(key, destination))
        }
    return Pool(service, destinations)


def _complete(seen: Observed, wanted: ruleset.Parts, to: str) -> bool:
    """Whether all parts of one real server are there, elements aside."""
    chains = {to, f"{to}-{names.TRAFFIC}"}
    counters = [f"{to}-{part}" for part in (names.NEW, names.IN, names.OUT)]
    clients = f"{to}-{names.CLIENTS}"
    return (
        all(_same(seen.chains.get(name), wanted.chains[name]) for name in chains)
        and all(name in seen.counters for name in counters)
        and (clients not in wanted.sets or clients in seen.containers)
    )


def _by_service(
    elements: Mapping[ruleset.Element, str], expected: Mapping[ruleset.Element, str]
) -> dict[ServiceKey, dict[ruleset.Element, str]]:
    """Elements by the service that they lead to."""
    grouped: dict[ServiceKey, dict[ruleset.Element, str]] = {}
    for element, target in elements.items():
        container, selector = element
        # A refusal leads nowhere; the same selector finds its service.
        chooser = container.replace("refused", "services"), selector
        chain = (target or expected.get(chooser, "-")).rsplit(maxsplit=1)[-1]
        belongs = names.owner(chain)
        if belongs is not None:
            grouped.setdefault(belongs.service, {})[element] = target
    return grouped


def _with_flow(
    key: ServiceKey, pool: Pool, missing: set[ruleset.Element]
) -> dict[DestinationKey, Destination]:
    lost = {
        destination
        for destination in pool.destinations
        if ruleset.flow(key, pool.service, destination) in missing
    }
    return {k: d for k, d in pool.destinations.items() if k not in lost}


def _chain(seen: Observed, value: Mapping[str, Any]) -> None:
    seen.chains.setdefault(value["name"], [])
    if "hook" in value:
        seen.hooks[value["name"]] = frame.Hook(
            value["type"], value["hook"], int(value["prio"]), value["policy"]
        )


def _container(seen: Observed, value: Mapping[str, Any]) -> None:
    name = value["name"]
    seen.containers.add(name)
    if name not in frame.containers():
        return  # remembered clients come and go by themselves
    parts = value["type"] if isinstance(value["type"], list) else [value["type"]]
    for element in value.get("elem", ()):
        key, target = element, ""
        if isinstance(element, list):
            key, verdict = element
            (verb, arguments), *_ = verdict.items()
            # By hand it may be `drop`, which leads nowhere.
            target = f"{verb} {(arguments or {}).get('target', '-')}"
        seen.elements[name, _key(key, parts)] = target


def _key(value: Any, parts: Sequence[str]) -> str:
    """The selector in our words; `parts` are the types of what it consists of."""
    if isinstance(value, dict) and "elem" in value:  # carries a comment or the like
        return _key(value["elem"]["val"], parts)
    words = value.get("concat", [value]) if isinstance(value, dict) else [value]
    return " . ".join(
        _word(word, part) for word, part in zip_longest(words, parts, fillvalue="")
    )


def _word(value: Any, part: str) -> str:
    if part == "inet_proto":
        # nft has the names from /etc/protocols, which a small system may lack.
        return conntrack.PROTOCOLS.get(value, str(value))
    text = str(value)
    if ":" not in text or not isinstance(value, str):
        return text
    # nft writes ::ffff:192.0.2.1 where Python writes ::ffff:c000:201.
    return str(IPv6Address(text))
