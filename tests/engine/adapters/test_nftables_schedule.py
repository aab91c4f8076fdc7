"""Schedulers as slots: who gets how many, and who keeps them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.adapters.nftables.schedule import (
    HASH_SLOTS,
    LOAD_SLOTS,
    MAX_EXACT_SLOTS,
    SCHEDULERS,
    Load,
    fill_up,
    slots,
)
from lvs_engine.table.model import Destination, DestinationKey, Pool, Service
from lvs_engine.values import Forwarding

A, B, C = (DestinationKey(f"10.0.0.{n}", 8080) for n in (1, 2, 3))


def nat(weight: int = 1, upper: int = 0, lower: int = 0) -> Destination:
    return Destination(Forwarding.NAT, weight, upper, lower)


def pool(scheduler: str, weights: dict[DestinationKey, int]) -> Pool:
    return Pool(
        Service(scheduler), {key: nat(weight) for key, weight in weights.items()}
    )


def test_round_robin_has_one_slot_for_each_live_server() -> None:
    assert slots(pool("rr", {A: 5, B: 1, C: 0}), {}) == (A, B)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_slots_do_not_depend_on_the_order_of_the_servers(scheduler: str) -> None:
    one, other = (
        pool(scheduler, {A: 2, B: 2, C: 1}),
        pool(scheduler, {C: 1, B: 2, A: 2}),
    )
    assert slots(one, {}) == slots(other, {})


def test_weights_are_met_exactly_and_spread() -> None:
    assert slots(pool("wrr", {A: 2, B: 1}), {}) == (A, B, A)
    assert slots(pool("wrr", {A: 100, B: 100, C: 50}), {}) == (A, B, C, A, B)


def test_extreme_weights_keep_a_slot_each_and_few_slots() -> None:
    order = slots(pool("wrr", {A: 65535, B: 1, C: 32768}), {})
    count = Counter(order)
    assert len(order) <= MAX_EXACT_SLOTS + 2
    assert count[B] == 1
    assert 1.9 < count[A] / count[C] < 2.1


@given(
    st.lists(st.integers(0, 65535), min_size=1, max_size=12),
    st.sampled_from(SCHEDULERS),
)
def test_weight_zero_gets_no_slot_and_every_scheduler_finds_the_others(
    weights: list[int], scheduler: str
) -> None:
    keys = [DestinationKey("10.0.0.1", port) for port in range(len(weights))]
    given_ = dict(zip(keys, weights, strict=True))
    alive = {key for key, weight in given_.items() if weight}
    order = slots(pool(scheduler, given_), {})
    assert set(order) <= alive
    assert bool(order) == bool(alive)
    if scheduler in ("rr", "wrr", "lc", "wlc", "sed", "nq"):
        assert set(order) == alive


@pytest.mark.parametrize(
    ("scheduler", "load", "share"),
    [
        ("wlc", {}, {A: 0.75, B: 0.25}),
        ("lc", {}, {A: 0.5, B: 0.5}),
        ("lc", {A: Load(9)}, {A: 1 / 11, B: 10 / 11}),
        ("wlc", {A: Load(2)}, {A: 0.5, B: 0.5}),
        ("wlc", {A: Load(0, 512)}, {A: 0.5, B: 0.5}),  # 256 inactive weigh as one
        ("sed", {A: Load(0, 512)}, {A: 0.75, B: 0.25}),
        ("nq", {A: Load(1)}, {B: 1.0}),
        ("nq", {A: Load(1), B: Load(1)}, {A: 0.75, B: 0.25}),
    ],
)
def test_load_moves_the_shares(
    scheduler: str, load: dict[DestinationKey, Load], share: dict[DestinationKey, float]
) -> None:
    order = slots(pool(scheduler, {A: 3, B: 1}), load)
    assert len(order) <= LOAD_SLOTS + 1
    found = {key: count / len(order) for key, count in Counter(order).items()}
    assert found == pytest.approx(share, abs=0.01)


def test_the_least_loaded_server_comes_first() -> None:
    assert slots(pool("lc", {A: 1, B: 1}), {A: Load(3)})[0] == B


@given(st.integers(2, 20), st.integers(0, 19))
def test_a_hash_table_keeps_its_servers_when_one_leaves(count: int, index: int) -> None:
    keys = [DestinationKey(f"10.0.0.{n}", 80) for n in range(count)]
    before = slots(pool("mh", dict.fromkeys(keys, 1)), {})
    gone = keys[index % count]
    after = slots(pool("mh", {key: 1 for key in keys if key != gone}), {})
    assert len(before) == len(after) == HASH_SLOTS
    assert max(Counter(before).values()) - min(Counter(before).values()) <= 1
    moved = sum(b not in (gone, a) for b, a in zip(before, after, strict=True))
    assert moved / HASH_SLOTS < 0.25


def test_a_full_server_waits_until_it_is_below_its_lower_threshold() -> None:
    limited = Pool(Service("rr"), {A: nat(1, upper=10, lower=4), B: nat(1, upper=8)})
    none: frozenset[DestinationKey] = frozenset()
    full = fill_up(limited, {A: Load(9, 1), B: Load(7)}, none)
    assert full == {A}
    assert slots(limited, {}, full) == (B,)
    assert fill_up(limited, {A: Load(4)}, full) == {A}
    assert fill_up(limited, {A: Load(3)}, full) == none
    # Without a lower threshold three quarters of the upper one count.
    assert fill_up(limited, {B: Load(6)}, frozenset({B})) == {B}
    assert fill_up(limited, {B: Load(5)}, frozenset({B})) == none
