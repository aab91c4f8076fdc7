from __future__ import annotations

from lvs_engine.daemons.pair_watch import Deaths, Links
from lvs_engine.heartbeat.beat import Path
from lvs_engine.heartbeat.events import LinkDown, LinkUp
from lvs_engine.network.addresses import AddressKey, Interfaces, PresentAddress

OWN = AddressKey("eth0", "192.0.2.11", 24)
INSIDE = AddressKey("eth1", "10.20.0.1", 24)
ENDS = {Path.PUBLIC: OWN.address, Path.PRIVATE: INSIDE.address}


def node(*linkless: str) -> Interfaces:
    present = (PresentAddress(OWN, "eth0"), PresentAddress(INSIDE, "eth1"))
    return Interfaces(present, linkless=frozenset(linkless))


def test_a_lost_link_is_told_once_and_so_is_its_return() -> None:
    links = Links()
    assert list(links.look(node(), ENDS)) == []
    assert list(links.look(node("eth0"), ENDS)) == [LinkDown(Path.PUBLIC)]
    assert list(links.look(node("eth0"), ENDS)) == []
    assert list(links.look(node("eth1"), ENDS)) == [
        LinkDown(Path.PRIVATE),
        LinkUp(Path.PUBLIC),
    ]


def test_links_that_are_not_watched_any_more_count_as_up() -> None:
    links = Links()
    list(links.look(node("eth0"), ENDS))
    assert list(links.look(Interfaces(), {})) == [LinkUp(Path.PUBLIC)]


def test_a_link_under_no_address_of_ours_does_not_matter() -> None:
    assert list(Links().look(node("eth2"), ENDS)) == []


def test_two_deaths_are_bad_luck_and_three_are_a_failure_until_it_lives() -> None:
    deaths = Deaths()
    assert not deaths.look(0, 0)
    assert not deaths.look(2, 1)
    assert deaths.look(3, 2)
    assert deaths.look(3, 11.9)
    assert not deaths.look(3, 12)
    assert not deaths.look(4, 13)


def test_deaths_long_apart_are_no_failure() -> None:
    deaths = Deaths()
    assert not any(deaths.look(n, n * 31) for n in range(1, 9))
