from __future__ import annotations

import pytest

from piranha_web import throttle
from piranha_web.throttle import Throttle

HERE, THERE = "192.0.2.1", "192.0.2.2"


def failed(times: int, address: str = HERE, start: float = 0.0) -> Throttle:
    door = Throttle(free=3)
    for i in range(times):
        door.failed(address, "piranha", start + i)
    return door


def test_the_first_mistakes_cost_nothing() -> None:
    assert failed(2).wait_s(HERE, "piranha", 2.0) == 0


def test_the_wait_grows_and_passes() -> None:
    door = failed(3)
    assert door.wait_s(HERE, "piranha", 2.0) == pytest.approx(2.0)
    assert door.wait_s(HERE, "piranha", 4.1) == 0
    door.failed(HERE, "piranha", 5.0)
    assert door.wait_s(HERE, "piranha", 5.0) == pytest.approx(4.0)


def test_the_wait_of_an_address_has_a_limit() -> None:
    assert failed(40).wait_s(HERE, "piranha", 39.0) == throttle.ADDRESS_LIMIT_S


def test_another_address_does_not_wait() -> None:
    assert failed(5).wait_s(THERE, "piranha", 5.0) == 0


def test_guessing_from_many_addresses_slows_everybody_new_a_little() -> None:
    door = Throttle(free=3)
    for i in range(40):
        door.failed(f"198.51.100.{i}", "piranha", 0.0)
    assert door.wait_s(THERE, "piranha", 0.0) == throttle.ACCOUNT_LIMIT_S


def test_the_administrator_cannot_be_kept_out_from_elsewhere() -> None:
    door = Throttle(free=3)
    door.succeeded(HERE, "piranha", 0.0)
    for i in range(40):
        door.failed(f"198.51.100.{i}", "piranha", 1.0)
    assert door.wait_s(HERE, "piranha", 1.0) == 0


def test_a_success_and_an_hour_forget() -> None:
    door = failed(5)
    assert door.wait_s(HERE, "piranha", 4000.0) == 0
    door = failed(5)
    door.succeeded(HERE, "piranha", 6.0)
    assert door.wait_s(HERE, "piranha", 6.0) == 0


def test_the_memory_of_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_ENTRIES", 10)
    door = Throttle(free=1)
    for i in range(50):
        door.failed(f"a{i}", "piranha", float(i))
        door.succeeded(f"b{i}", "piranha", float(i))
    assert door.wait_s("a0", "piranha", 50.0) == 0
    assert sum(len(x) for x in (door._addresses, door._known)) <= 21
