"""What our table must hold for a virtual server table: chains, counters, sets, elements.

Each service has a chain that chooses a real server, each real server two: one that
sends a new connection to it, and one that counts its packets. Nothing here talks to
the kernel: see `transaction.py` for how one state becomes another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from lvs_engine.adapters.nftables import names
from lvs_engine.adapters.nftables.frame import (
    PROTOCOLS,
    TABLE,
    TIMEOUTS,
    Rule,
    family,
)
from lvs_engine.adapters.nftables.schedule import HASHING, slots
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)

MAX_CLIENTS: Final = 65536
"""Persistent clients that are remembered for one real server; further ones are
balanced as if they came for the first time."""

HASH_SEED: Final = 0x50495248
"""Always the same, so that a new rule, and the other router, hash as before."""

Element = tuple[str, str]
"""Name of a map or set, and the key in nft's words."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything in the table that belongs to one service, elements of maps aside.

    Attributes:
        chains: rules by chain name; a chain comes after those it leads to.
        sets: declarations by name.
    """

    chains: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    counters: tuple[str, ...] = ()


def parts(
    key: ServiceKey, pool: Pool, chosen: tuple[DestinationKey, ...] | None = None
) -> Parts:
    """The parts of a service, with the real server of each slot in `chosen`.

    None: the slots that it has without any connection.
    """
    name = names.service_name(key)
    chains: dict[str, tuple[Rule, ...]] = {}
    sets: dict[str, str] = {}
    counters = _counters(name)
    for destination, entry in pool.destinations.items():
        to = names.destination_name(key, destination)
        chains[to] = _translate(key, pool.service, destination, entry)
        chains[f"{to}-{names.TRAFFIC}"] = _traffic(name, to)
        counters += _counters(to)
        if remembers(pool.service, entry):
            clients = f"{to}-{names.CLIENTS}"
            sets[clients] = (
                f"set {TABLE} {clients} {{ type {family(key).type}; "
                f"size {MAX_CLIENTS}; flags dynamic,timeout; }}"
            )
    chains[name] = choose(key, pool, slots(pool, {}) if chosen is None else chosen)
    return Parts(chains, sets, counters)


def choose(
    key: ServiceKey, pool: Pool, chosen: tuple[DestinationKey, ...]
) -> tuple[Rule, ...]:
    """The chain of a service: its entry, clients who are known, then the scheduler."""
    # Not the slots: they follow the load, and a new load is not a change by hand.
    mark = names.fingerprint(key, pool.service, sorted(pool.destinations.items()))
    # The first rule carries the entry. A marked packet may be of any protocol.
    first = f"meta l4proto != {PROTOCOLS} return" if key.fwmark else "continue"
    rules = [Rule(first, names.service_comment(pool.service, mark))]
    for destination, entry in pool.destinations.items():
        if remembers(pool.service, entry):
            to = names.destination_name(key, destination)
            known = f"{_client(key, pool.service)} @{to}-{names.CLIENTS} goto {to}"
            rules.append(Rule(known, f"persistence {mark}"))
    schedule = _schedule(key, pool.service, chosen)
    rules.append(Rule(schedule, names.schedule_comment(mark, shares(chosen))))
    return tuple(rules)


def shares(chosen: tuple[DestinationKey, ...]) -> str:
    """A short word for these slots, by which they are known again."""
    return names.fingerprint(*chosen)


def elements(table: Table) -> dict[Element, str]:
    """Every element of the maps and sets, with its target; empty for one of a set.

    A packet of a service without address is attributed by its real server alone. One
    that stands in several such services is counted in the first of them.
    """
    found: dict[Element, str] = {}
    for key in sorted(table):
        pool = table[key]
        name = names.service_name(key)
        kind, selector = _selector(key)
        verdict = "jump" if key.fwmark else "goto"
        found[f"services{kind}{key.family}", selector] = f"{verdict} {name}"
        if not any(entry.weight for entry in pool.destinations.values()):
            found[f"refused{kind}{key.family}", selector] = ""
        for destination in pool.destinations:
            to = names.destination_name(key, destination)
            element = flow(key, pool.service, destination)
            found.setdefault(element, f"goto {to}-{names.TRAFFIC}")
    return found


def remembers(service: Service, entry: Destination) -> bool:
    """Whether clients come back to this real server.

    Not at weight 0: whoever drains a server wants no new connection on it, and a server
    that failed must not get those of its old clients. (The kernel's IPVS does the same
    with `expire_quiescent_template`.)
    """
    return bool(service.persistent) and entry.weight > 0


def keeps_port(key: ServiceKey, service: Service, destination: DestinationKey) -> bool:
    """Whether a packet goes to the port that the client named, as IPVS does it.

    So it is for a service without port that is persistent: it bundles several ports
    (80 and 443), and each must reach its own.
    """
    return not destination.port or (not key.port and bool(service.persistent))


def _counters(name: str) -> tuple[str, ...]:
    return tuple(f"{name}-{part}" for part in (names.NEW, names.IN, names.OUT))


def _translate(
    key: ServiceKey, service: Service, destination: DestinationKey, entry: Destination
) -> tuple[Rule, ...]:
    to = names.destination_name(key, destination)
    mark = names.fingerprint(key, service, destination, entry)
    rules = [Rule(f"jump {TIMEOUTS}", f"timeouts {mark}")]
    if remembers(service, entry):
        client = _client(key, service)
        element = f"{client} timeout {service.persistent}s"
        remember = f"update @{to}-{names.CLIENTS} {{ {element} }}"
        rules.append(Rule(remember, f"persistence {mark}"))
    counted = " ".join(
        f'counter name "{name}-{names.NEW}"' for name in (to, names.service_name(key))
    )
    target = destination.address
    if not keeps_port(key, service, destination):
        host = f"[{target}]" if key.family == 6 else target
        target = f"{host}:{destination.port}"
    protocol = key.protocol or PROTOCOLS
    translate = f"dnat {family(key).word} to {target}"
    rules.append(
        Rule(
            f"meta l4proto {protocol} {counted} {translate}",
            names.destination_comment(entry, mark),
        )
    )
    return tuple(rules)


def _traffic(name: str, to: str) -> tuple[Rule, ...]:
    def count(part: str) -> str:
        return " ".join(f'counter name "{owner}-{part}"' for owner in (to, name))

    mark = names.fingerprint(name, to)
    return (
        Rule(f"ct direction original {count(names.IN)}", f"in {mark}"),
        Rule(f"ct direction reply {count(names.OUT)}", f"out {mark}"),
    )


def _schedule(
    key: ServiceKey, service: Service, chosen: tuple[DestinationKey, ...]
) -> str:
    if not chosen:
        return "accept"  # the input chain refuses it
    pick = "numgen inc"
    if service.scheduler in HASHING:
        pick = f"jhash {_hashed(key, service)}"
    seed = f" seed {HASH_SEED:#x}" if service.scheduler in HASHING else ""
    targets = ", ".join(
        f"{slot} : goto {names.destination_name(key, destination)}"
        for slot, destination in enumerate(chosen)
    )
    return f"{pick} mod {len(chosen)}{seed} vmap {{ {targets} }}"


def _hashed(key: ServiceKey, service: Service) -> str:
    word = family(key).word
    if service.scheduler == "dh":
        return f"{word} daddr"
    with_port = f"{service.scheduler}-port" in service.flags
    return f"{word} saddr . th sport" if with_port else f"{word} saddr"


def _client(key: ServiceKey, service: Service) -> str:
    """The address of the client, cut to the netmask that groups clients."""
    f = family(key)
    widest = 128 if f.number == 6 else 32
    if service.netmask >= widest:
        return f"{f.word} saddr"
    nothing = "::" if f.number == 6 else "0.0.0.0"  # noqa: S104 - never bound
    mask = ip_network(f"{nothing}/{service.netmask}").netmask
    return f"{f.word} saddr & {mask}"


def _selector(key: ServiceKey) -> tuple[str, str]:
    """Which kind of map finds the service, and its key there."""
    if key.fwmark:
        return "-mark", str(key.fwmark)
    if not key.port:
        return "-any", _joined(key.address, key.protocol)
    return "", _joined(key.address, key.protocol, key.port)


def flow(key: ServiceKey, service: Service, destination: DestinationKey) -> Element:
    kept = keeps_port(key, service, destination)
    kind, selector = _selector(key)
    if key.fwmark:
        kind, selector = ("-mark-any", "") if kept else ("-mark", "")
    words: list[object] = [selector] if selector else []
    words.append(destination.address)
    if kind in ("", "-mark"):
        words.append(destination.port or key.port)
    return f"flows{kind}{key.family}", _joined(*words)


def _joined(*words: object) -> str:
    return " . ".join(str(word) for word in words)


def element_lines(verb: str, found: Iterable[tuple[Element, str]]) -> list[str]:
    """`add element` or `delete element`, one line for each map."""
    grouped: dict[str, list[str]] = {}
    for (container, key), target in found:
        entry = f"{key} : {target}" if target and verb == "add" else key
        grouped.setdefault(container, []).append(entry)
    return [
        f"{verb} element {TABLE} {container} {{ {', '.join(entries)} }}"
        for container, entries in grouped.items()
    ]
