"""Which real server each slot of a service leads to: the schedulers as lists of slots.

nftables picks a slot by counting (`numgen inc`) or by a hash of the client (`jhash`).
What a scheduler of IPVS does with a live count of connections at every new connection
is approximated here: from counts that are up to a second old, as shares of the slots.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lvs_engine.table.model import Destination, DestinationKey, Pool

COUNTING: Final = ("rr", "wrr", "fo")
HASHING: Final = ("sh", "dh", "mh")
BY_LOAD: Final = ("lc", "wlc", "sed", "nq")
SCHEDULERS: Final = (*COUNTING, *HASHING, *BY_LOAD)

MAX_EXACT_SLOTS: Final = 256
"""Weights whose reduced sum is at most this are met exactly, larger ones in parts of it."""
LOAD_SLOTS: Final = 100
HASH_SLOTS: Final = 251
"""A prime, as the filling of the hash table needs it."""


class Load(NamedTuple):
    """Live connections of a real server."""

    active: int = 0
    inactive: int = 0

    @property
    def total(self) -> int:
        return self.active + self.inactive


Loads = Mapping[DestinationKey, Load]


def is_dynamic(pool: Pool) -> bool:
    """Whether the slots follow live connections, so that they must be kept up to date."""
    return pool.service.scheduler in BY_LOAD or any(
        d.upper for d in pool.destinations.values()
    )


def live(pool: Pool, full: frozenset[DestinationKey]) -> dict[DestinationKey, int]:
    """Weights of the real servers that may get new connections.

    Sorted: the kernel does not keep the order in which they were added, and the slots
    must not depend on who reads the table.
    """
    return {
        key: entry.weight
        for key, entry in sorted(pool.destinations.items())
        if entry.weight and key not in full
    }


def fill_up(
    pool: Pool, loads: Loads, full: frozenset[DestinationKey]
) -> frozenset[DestinationKey]:
    """Which real servers are over their upper threshold, given those that were.

    One that is full takes connections again when it has less than `lower`, or, where
    that is 0, less than three quarters of `upper`: the kernel's rule.
    """
    return frozenset(
        key
        for key, entry in pool.destinations.items()
        if entry.upper and _is_full(entry, loads.get(key, Load()), key in full)
    )


def slots(
    pool: Pool, loads: Loads, full: frozenset[DestinationKey] = frozenset()
) -> tuple[DestinationKey, ...]:
    """The real server of each slot; empty when none may get a connection."""
    weights = live(pool, full)
    if not weights:
        return ()
    match pool.service.scheduler:
        case "rr":
            return tuple(weights)
        case "wrr":
            return _interleaved(_reduced(weights))
        case "fo":
            return (max(weights, key=lambda key: weights[key]),)
        case "sh" | "dh" | "mh":
            return _hash_table(_reduced(weights))
        case scheduler:
            return _interleaved(_by_load(scheduler, weights, loads))


def _is_full(entry: Destination, load: Load, was_full: bool) -> bool:
    if load.total >= entry.upper:
        return True
    if not was_full:
        return False
    if entry.lower:
        return load.total >= entry.lower
    return load.total * 4 >= entry.upper * 3


def _by_load(
    scheduler: str, weights: Mapping[DestinationKey, int], loads: Loads
) -> dict[DestinationKey, int]:
    """Shares proportional to weight / (connections + 1), as whole slots."""
    chosen = dict(weights)
    if scheduler == "nq":
        idle = {k: w for k, w in weights.items() if not loads.get(k, Load()).active}
        chosen = idle or chosen
    shares = {}
    for key, weight in chosen.items():
        load = loads.get(key, Load())
        busy = float(load.active)
        if scheduler in ("lc", "wlc"):
            # The kernel counts an inactive connection as 1/256 of an active one.
            busy += load.inactive / 256
        shares[key] = (1 if scheduler == "lc" else weight) / (busy + 1)
    return _quantised(shares, LOAD_SLOTS)


def _reduced(weights: Mapping[DestinationKey, int]) -> dict[DestinationKey, int]:
    divisor = math.gcd(*weights.values())
    exact = {key: weight // divisor for key, weight in weights.items()}
    if sum(exact.values()) <= MAX_EXACT_SLOTS:
        return exact
    return _quantised(dict(weights), MAX_EXACT_SLOTS)


def _quantised(
    shares: Mapping[DestinationKey, float], count: int
) -> dict[DestinationKey, int]:
    """Shares as about `count` whole slots; each keeps at least one."""
    total = sum(shares.values())
    whole = {k: max(1, round(count * share / total)) for k, share in shares.items()}
    divisor = math.gcd(*whole.values())
    return {key: slots // divisor for key, slots in whole.items()}


def _interleaved(weights: Mapping[DestinationKey, int]) -> tuple[DestinationKey, ...]:
    """Each key as often as its weight, spread evenly, the heaviest first."""
    total = sum(weights.values())
    credit = dict.fromkeys(weights, 0)
    order = []
    for _ in range(total):
        for key, weight in weights.items():
            credit[key] += weight
        chosen = max(credit, key=lambda key: credit[key])
        credit[chosen] -= total
        order.append(chosen)
    return tuple(order)


def _hash_table(weights: Mapping[DestinationKey, int]) -> tuple[DestinationKey, ...]:
    """Slots that keep their server as far as possible when another one comes or goes.

    Every server walks the table in an order of its own and takes turns, as often as its
    weight, to claim its next free slot (the way of Google's Maglev).
    """
    walks = {key: iter(_walk(key)) for key in weights}
    table: list[DestinationKey | None] = [None] * HASH_SLOTS
    for key in _turns(weights):
        for slot in walks[key]:
            if table[slot] is None:
                table[slot] = key
                break
    return tuple(key for key in table if key is not None)


def _turns(weights: Mapping[DestinationKey, int]) -> Sequence[DestinationKey]:
    order = _interleaved(dict(sorted(weights.items())))
    return (order * (HASH_SLOTS // len(order) + 1))[:HASH_SLOTS]


def _walk(key: DestinationKey) -> list[int]:
    digest = hashlib.blake2b(str(key).encode(), digest_size=8).digest()
    offset = int.from_bytes(digest[:4], "big") % HASH_SLOTS
    skip = int.from_bytes(digest[4:], "big") % (HASH_SLOTS - 1) + 1
    return [(offset + skip * step) % HASH_SLOTS for step in range(HASH_SLOTS)]
