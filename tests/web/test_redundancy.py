from __future__ import annotations

import pytest

from tests.web.people import Person, Place

ACCEPT = ("redundancy_action", "ACCEPT")


@pytest.fixture
def pair(place: Place) -> Place:
    place.write(
        place.text()
        .replace("backup_active = 0\n", "backup_active = 1\nbackup = 192.168.26.8\n")
        .replace("primary = ", "primary_private = 10.11.12.9\nprimary = ")
    )
    return place


def test_check_83_enable_stores_1_and_opens_the_fields(
    piranha: Person, place: Place
) -> None:
    assert "hb_interval" not in piranha.form("/redundancy")
    answer = piranha.submit("/redundancy", ("full_enable", "ENABLE"))
    assert answer.status_code == 303
    assert place.lines("backup_active") == ["backup_active = 1"]
    assert piranha.form("/redundancy")["hb_interval"] == "6"


def test_check_83_disable_stores_0_and_keeps_the_other_values(
    piranha: Person, pair: Place
) -> None:
    piranha.submit("/redundancy", ("redundancy_action", "DISABLE"), dead_after="99")
    assert pair.lines("backup_active") == ["backup_active = 0"]
    assert pair.lines("backup") == ["backup = 192.168.26.8"]
    assert pair.lines("deadtime") == ["deadtime = 18"]


def test_while_it_is_inactive_the_fields_are_shown_with_a_reason(
    piranha: Person,
) -> None:
    html = piranha.get("/redundancy").text
    assert "press ENABLE first" in html
    assert "Heartbeat interval (seconds):" in html


def test_check_84_to_88_accept_stores_every_field(piranha: Person, pair: Place) -> None:
    answer = piranha.submit(
        "/redundancy",
        ACCEPT,
        redundant="192.168.26.7",
        redundant_private="10.11.12.7",
        hb_interval="4",
        dead_after="12",
        hb_port="1050",
    )
    assert answer.status_code == 303
    assert pair.lines("backup") == ["backup = 192.168.26.7"]
    assert pair.lines("backup_private") == ["backup_private = 10.11.12.7"]
    assert pair.lines("keepalive") == ["keepalive = 4"]
    assert pair.lines("deadtime") == ["deadtime = 12"]
    assert pair.lines("heartbeat_port") == ["heartbeat_port = 1050"]


def test_check_85_the_private_field_waits_for_the_primary_private_ip(
    piranha: Person, pair: Place
) -> None:
    assert "redundant_private" in piranha.form("/redundancy")
    pair.write(pair.text().replace("primary_private = 10.11.12.9\n", ""))
    assert "redundant_private" not in piranha.form("/redundancy")
    assert "Needs a primary server private IP" in piranha.get("/redundancy").text


def test_check_86_and_87_defaults_are_6_and_18_and_accept_stores_them(
    piranha: Person, place: Place
) -> None:
    place.write("primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_active = 1\n")
    form = piranha.form("/redundancy")
    assert (form["hb_interval"], form["dead_after"]) == ("6", "18")
    assert "Not in the file yet; ACCEPT stores it." in piranha.get("/redundancy").text
    piranha.submit("/redundancy", ACCEPT)
    assert (place.cluster.keepalive, place.cluster.deadtime) == (6, 18)


def test_check_88_a_blank_heartbeat_port_means_539(
    piranha: Person, pair: Place
) -> None:
    pair.write(pair.text().replace("heartbeat_port = 539", "heartbeat_port = 1050"))
    assert piranha.submit("/redundancy", ACCEPT, hb_port="").status_code == 303
    assert pair.cluster.heartbeat_port == 539


def test_check_89_reset_restores_the_defaults_and_leaves_the_rest(
    piranha: Person, pair: Place
) -> None:
    pair.write(
        pair.text()
        .replace("keepalive = 6", "keepalive = 3")
        .replace("heartbeat_port = 539", "heartbeat_port = 1050\nmonitor_links = 1")
    )
    piranha.submit("/redundancy", ("redundancy_action", "RESET"))
    cluster = pair.cluster
    assert (cluster.backup, cluster.backup_private) == ("0.0.0.0", None)
    assert (cluster.keepalive, cluster.deadtime) == (6, 18)
    assert cluster.heartbeat_port == 539
    assert cluster.monitor_links
    assert cluster.backup_active


def test_check_90_links_and_sync_daemon_are_stored(
    piranha: Person, pair: Place
) -> None:
    piranha.submit(
        "/redundancy",
        ACCEPT,
        monitor_links="1",
        syncdaemon="1",
        syncd_iface="eth1",
        syncd_id="7",
    )
    assert pair.lines("monitor_links") == ["monitor_links = 1"]
    assert pair.lines("syncdaemon") == ["syncdaemon = 1"]
    assert pair.lines("syncd_iface") == ["syncd_iface = eth1"]
    assert pair.lines("syncd_id") == ["syncd_id = 7"]
    piranha.submit("/redundancy", ACCEPT, monitor_links=None, syncdaemon=None)
    assert not pair.cluster.monitor_links
    assert not pair.cluster.syncdaemon


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hb_interval", "0"),
        ("hb_interval", ""),
        ("hb_interval", "six"),
        ("dead_after", "6"),
        ("dead_after", "5"),
        ("hb_port", "0"),
        ("hb_port", "65536"),
        ("hb_port", "no-such-service"),
        ("redundant", "192.168.26.9"),
        ("redundant", "127.0.0.1"),
        ("redundant", "10.0.0.1 eth0"),
        ("syncd_id", "256"),
        ("syncd_iface", "eth0 down"),
    ],
)
def test_a_wrong_value_is_422_at_its_field_and_writes_nothing(
    piranha: Person, pair: Place, name: str, text: str
) -> None:
    before = pair.text()
    answer = piranha.submit("/redundancy", ACCEPT, **{name: text})
    assert answer.status_code == 422
    assert f'href="#{name}"' in answer.text
    assert pair.text() == before


def test_accept_without_enable_stores_nothing(piranha: Person, place: Place) -> None:
    before = place.text()
    answer = piranha.submit("/redundancy", ACCEPT, hb_interval="3")
    assert answer.status_code == 303
    assert place.text() == before
