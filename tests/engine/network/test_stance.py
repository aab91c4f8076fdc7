from __future__ import annotations

import pytest

from lvs_engine.config.model import Cluster
from lvs_engine.network.stance import decide
from lvs_engine.values import Role

ALONE = Cluster(primary="192.0.2.11", backup="192.0.2.12")
PAIR = Cluster(primary="192.0.2.11", backup="192.0.2.12", backup_active=True)
PRIMARY = ["127.0.0.1", "10.0.0.1", "192.0.2.11"]
BACKUP = ["127.0.0.1", "192.0.2.12"]
STRANGER = ["127.0.0.1"]


def test_any_address_of_the_node_may_be_the_primary_one() -> None:
    stance = decide(PAIR, PRIMARY, {})
    assert (stance.role, stance.paired) == (Role.PRIMARY, True)


@pytest.mark.parametrize("own", [PRIMARY, BACKUP])
def test_of_a_pair_nobody_is_active_without_agreement(own: list[str]) -> None:
    stance = decide(PAIR, own, {})
    assert (stance.paired, stance.active, stance.needed) == (True, False, True)
    assert stance.warning == ""


def test_without_a_backup_there_is_nobody_to_agree_with() -> None:
    assert not decide(ALONE, PRIMARY, {}).paired
    assert not decide(ALONE, BACKUP, {}).paired


def test_a_backup_that_is_not_in_use_has_nothing_to_do() -> None:
    stance = decide(ALONE, BACKUP, {})
    assert (stance.role, stance.active, stance.needed) == (Role.BACKUP, False, False)


def test_a_stranger_is_the_only_router_unless_a_backup_is_active() -> None:
    assert decide(ALONE, STRANGER, {}).active
    assert "192.0.2.11 is not an address" in decide(ALONE, STRANGER, {}).warning
    assert not decide(PAIR, STRANGER, {}).active
    assert "neither primary 192.0.2.11" in decide(PAIR, STRANGER, {}).reason


def test_a_file_that_names_no_router_needs_no_warning() -> None:
    stance = decide(Cluster(), STRANGER, {})
    assert (stance.role, stance.active, stance.warning) == (Role.NEITHER, True, "")


def test_an_active_backup_without_address_is_no_backup() -> None:
    stance = decide(Cluster(primary="192.0.2.11", backup_active=True), PRIMARY, {})
    assert stance.active
    assert stance.warning == "Undefined backup node marked as active"


def test_names_are_compared_by_their_addresses() -> None:
    named = Cluster(primary="one.example", backup="two.example", backup_active=True)
    resolve = {"one.example": "192.0.2.11", "two.example": "192.0.2.12"}
    assert decide(named, PRIMARY, resolve).role is Role.PRIMARY
    assert decide(named, BACKUP, resolve).role is Role.BACKUP


@pytest.mark.parametrize("own", [PRIMARY, BACKUP, STRANGER])
def test_an_operator_may_force_any_node(own: list[str]) -> None:
    assert decide(PAIR, own, {}, forced=True).active


@pytest.mark.parametrize("one", [PRIMARY, BACKUP, STRANGER])
@pytest.mark.parametrize("other", [BACKUP, STRANGER])
def test_two_nodes_of_a_pair_are_never_both_active(
    one: list[str], other: list[str]
) -> None:
    assert not (decide(PAIR, one, {}).active and decide(PAIR, other, {}).active)
