from __future__ import annotations

import re

import pytest

from lvs_engine.values import Forwarding
from piranha_web.forms.global_settings import NETWORK_BUTTONS
from tests.web.people import PASSWORD, Person, Place

ACCEPT = ("global_action", "ACCEPT")


def test_check_77_the_primary_public_ip_is_stored(
    piranha: Person, place: Place
) -> None:
    answer = piranha.submit("/global", ACCEPT, PriLVSIP="192.168.26.7")
    assert answer.status_code == 303
    assert answer.location == "/global"
    assert place.lines("primary") == ["primary = 192.168.26.7"]


def test_check_78_a_blank_private_ip_removes_both_private_addresses(
    piranha: Person, place: Place
) -> None:
    place.write(
        "primary = 192.0.2.1\nprimary_private = 10.0.0.1\nnetwork = direct\n"
        "backup_private = 10.0.0.2\n"
    )
    piranha.submit("/global", ACCEPT, primary_private="")
    assert place.lines("primary_private") == []
    assert place.lines("backup_private") == []


def test_check_78_a_private_ip_is_stored(piranha: Person, place: Place) -> None:
    piranha.submit("/global", ACCEPT, primary_private="10.11.12.9")
    assert place.lines("primary_private") == ["primary_private = 10.11.12.9"]


@pytest.mark.parametrize(
    ("caption", "word"),
    [("Direct Routing", "direct"), ("Tunneling", "tunnel"), ("tunnel", "tunnel")],
)
def test_check_79_and_81_another_network_type_is_stored_and_drops_the_nat_router(
    piranha: Person, place: Place, caption: str, word: str
) -> None:
    assert piranha.submit("/global", ("network", caption)).status_code == 303
    assert place.lines("network") == [f"network = {word}"]
    assert place.lines("nat_router") == []
    assert f"<b>{word}</b>" in piranha.get("/global").text


def test_check_79_nat_can_be_chosen_before_its_router_is_known(
    piranha: Person, place: Place
) -> None:
    place.write("primary = 192.0.2.1\nnetwork = direct\n")
    assert piranha.submit("/global", ("network", "NAT")).status_code == 303
    assert place.cluster.network is Forwarding.NAT


@pytest.mark.parametrize("caption", ["NAT", "Tunneling"])
def test_a_network_type_that_nobody_can_read_goes_when_one_is_chosen(
    piranha: Person, place: Place, caption: str
) -> None:
    place.write("primary = 192.0.2.1\nnetwork = DIRECT\n")
    assert piranha.submit("/global", ("network", caption)).status_code == 303
    assert "Errors in lvs.cf" not in piranha.get("/global").text
    assert place.cluster.network is NETWORK_BUTTONS[caption]


def test_a_network_button_stores_what_was_typed_beside_it(
    piranha: Person, place: Place
) -> None:
    piranha.submit("/global", ("network", "Tunneling"), tcp_timeout="900")
    assert place.lines("tcp_timeout") == ["tcp_timeout = 900"]


def test_check_80_the_nat_router_is_stored_as_ip_and_device(
    piranha: Person, place: Place
) -> None:
    answer = piranha.submit(
        "/global",
        ACCEPT,
        NATRtrIP="10.11.12.20",
        NATRtrDev="eth2:3",
        nat_nmask="255.255.254.0",
    )
    assert answer.status_code == 303
    assert place.lines("nat_router") == ["nat_router = 10.11.12.20 eth2:3"]
    assert place.lines("nat_nmask") == ["nat_nmask = 255.255.254.0"]


def test_check_80_nat_fields_are_disabled_with_a_reason_without_nat(
    piranha: Person, place: Place
) -> None:
    place.write("network = tunnel\n")
    html = piranha.get("/global").text
    assert "Only for the network type NAT; the current one is tunnel." in html
    assert "NATRtrIP" not in piranha.form("/global")


@pytest.mark.parametrize("missing", ["NATRtrIP", "NATRtrDev"])
def test_nat_needs_a_router_address_and_a_device(
    piranha: Person, place: Place, missing: str
) -> None:
    before = place.text()
    answer = piranha.submit("/global", ACCEPT, **{missing: ""})
    assert answer.status_code == 422
    assert place.text() == before


def test_a_netmask_of_the_file_that_is_in_no_list_is_shown_and_kept(
    piranha: Person, place: Place
) -> None:
    place.write("network = nat\nnat_router = 10.0.0.1 eth1:1\nnat_nmask = 255.0.0.0\n")
    assert piranha.form("/global")["nat_nmask"] == "255.0.0.0"
    piranha.submit("/global", ACCEPT, PriLVSIP="192.0.2.1")
    assert place.lines("nat_nmask") == ["nat_nmask = 255.0.0.0"]


@pytest.mark.parametrize("name", ["tcp_timeout", "tcpfin_timeout", "udp_timeout"])
def test_timeouts_are_stored_and_a_blank_one_goes(
    piranha: Person, place: Place, name: str
) -> None:
    piranha.submit("/global", ACCEPT, **{name: "120"})
    assert place.lines(name) == [f"{name} = 120"]
    piranha.submit("/global", ACCEPT, **{name: ""})
    assert place.lines(name) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PriLVSIP", "192.168.26.300"),
        ("PriLVSIP", "127.0.0.1"),
        ("PriLVSIP", "224.0.0.1"),
        ("PriLVSIP", "255.255.255.255"),
        ("PriLVSIP", "192.168.26.9\nservice = fos"),
        ("PriLVSIP", "192.168.26.9\rx"),
        ("PriLVSIP", "a b"),
        ("primary_private", "x;y"),
        ("primary_private", "10.0.0.1\0"),
        ("tcp_timeout", "-1"),
        ("tcp_timeout", "six"),
        ("tcp_timeout", "010"),
        ("tcp_timeout", "0x10"),
        ("tcp_timeout", "1.5"),
        ("udp_timeout", "99999999999"),
        ("NATRtrDev", "eth1 up"),
        ("NATRtrDev", "averyveryverylongname:1"),
        ("NATRtrDev", "eth1:1;reboot"),
        ("nat_nmask", "255.0.255.0"),
        ("nat_nmask", "anything"),
    ],
)
def test_a_wrong_value_is_422_keeps_what_was_typed_and_writes_nothing(
    piranha: Person, place: Place, name: str, text: str
) -> None:
    before = place.text()
    answer = piranha.submit("/global", ACCEPT, **{name: text})
    assert answer.status_code == 422
    assert place.text() == before
    assert f'href="#{name}"' in answer.text
    assert 'class="message"' in answer.text


def test_what_was_typed_wrong_is_still_there(piranha: Person) -> None:
    answer = piranha.submit("/global", ACCEPT, PriLVSIP="not an <address>")
    assert 'value="not an &lt;address&gt;"' in answer.text


def test_in_an_empty_file_direct_is_proposed_and_stored_by_accept(
    piranha: Person, place: Place
) -> None:
    place.write("")
    assert "<b>direct</b>" in piranha.get("/global").text
    assert piranha.submit("/global", ACCEPT, PriLVSIP="192.0.2.1").status_code == 303
    assert place.cluster.network is Forwarding.DIRECT


def test_a_file_with_services_and_without_the_keyword_stays_nat(
    piranha: Person, place: Place
) -> None:
    place.write(place.text().replace("network = nat\n", ""))
    assert "<b>nat</b>" in piranha.get("/global").text
    piranha.submit("/global", ACCEPT, tcp_timeout="7")
    assert place.cluster.network is Forwarding.NAT


def test_the_address_that_the_browser_used_is_proposed_as_primary(
    stranger: Person, place: Place
) -> None:
    place.write("")
    browser = stranger.client
    here = "http://192.0.2.7:3636"
    found = re.search(
        r'csrf_token" value="([^"]+)"', browser.get("/login", base_url=here).text
    )
    assert found
    data = {"username": "piranha", "password": PASSWORD, "csrf_token": found[1]}
    browser.post("/login", base_url=here, data=data)
    page = browser.get("/global", base_url=here)
    assert 'value="192.0.2.7"' in page.text
    assert place.text() == ""


def test_check_41_and_122_failover_blocks_and_service_fos_stay(
    piranha: Person, place: Place
) -> None:
    block = (
        "failover files {\n  active = 1\n  address = 192.0.2.91 eth0:2\n"
        '  start_cmd = "/bin/true"\n  stop_cmd = "/bin/true"\n}\n'
    )
    place.write(f"service = fos\nprimary = 192.0.2.1\nnetwork = direct\n{block}")
    assert piranha.submit("/global", ACCEPT, PriLVSIP="192.0.2.2").status_code == 303
    assert "service = fos\n" in place.text()
    assert block in place.text()


def test_ipv6_is_taken_wherever_an_address_stands(
    piranha: Person, place: Place
) -> None:
    answer = piranha.submit("/global", ACCEPT, PriLVSIP="2001:DB8::9")
    assert answer.status_code == 303
    assert place.lines("primary") == ["primary = 2001:db8::9"]
