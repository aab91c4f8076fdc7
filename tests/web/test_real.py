from __future__ import annotations

import pytest

from lvs_engine.values import Forwarding, TunnelType
from tests.web.people import Person, Place

ACCEPT = ("edit_action", "ACCEPT")


def pool(place: Place) -> list[str]:
    return [server.name for server in place.cluster.virtuals[0].servers]


def test_check_105_the_list_shows_the_pool_of_this_virtual_server_only(
    piranha: Person, place: Place
) -> None:
    place.write(
        place.text() + "virtual other {\n address = 192.168.26.11 eth0:2\n"
        " server elsewhere {\n  address = 10.11.12.77\n }\n}\n"
    )
    html = piranha.get("/virtual/1/real").text
    for heading in ("STATUS", "NAME", "ADDRESS"):
        assert f">{heading}</th>" in html
    assert "10.11.12.1" in html
    assert "10.11.12.2" in html
    assert "elsewhere" not in html


def test_check_18_and_106_a_new_real_server_is_down_with_weight_1(
    piranha: Person, place: Place
) -> None:
    answer = piranha.submit("/virtual/1/real", ("real_service", "ADD"))
    assert answer.status_code == 303
    assert answer.location == "/virtual/1/real/3"
    new = place.cluster.virtuals[0].servers[2]
    assert (new.name, new.address, new.active) == ("[unnamed]", "0.0.0.0", False)
    assert (new.port, new.weight) == (None, 1)


def test_check_106_deactivate_toggles_the_chosen_one(
    piranha: Person, place: Place
) -> None:
    for expected in (True, False):
        answer = piranha.submit(
            "/virtual/1/real", ("real_service", "(DE)ACTIVATE"), selected="2"
        )
        assert answer.location == "/virtual/1/real?selected=2"
        assert place.cluster.virtuals[0].servers[1].active is expected


def test_check_106_delete_asks_first_and_takes_one(
    piranha: Person, place: Place
) -> None:
    before = place.text()
    answer = piranha.submit("/virtual/1/real", ("real_service", "DELETE"), selected="1")
    assert answer.location == "/virtual/1/real/1/delete"
    page = piranha.get(answer.location).text
    assert "10.11.12.1" in page
    assert "10.11.12.2" not in page
    assert place.text() == before
    piranha.submit("/virtual/1/real/1/delete", ("real_service", "DELETE"))
    assert pool(place) == ["two"]


def test_a_new_one_cannot_be_activated_before_it_has_address_and_name(
    piranha: Person, place: Place
) -> None:
    piranha.submit("/virtual/1/real", ("real_service", "ADD"))
    before = place.text()
    answer = piranha.submit(
        "/virtual/1/real", ("real_service", "(DE)ACTIVATE"), selected="3"
    )
    assert answer.status_code == 422
    assert "no address yet" in answer.text
    assert place.text() == before


def test_check_107_and_108_the_form_stores_its_fields(
    piranha: Person, place: Place
) -> None:
    answer = piranha.submit(
        "/virtual/1/real/2",
        ACCEPT,
        name="app 2",
        address="10.11.12.22",
        port="8080",
        weight="40",
    )
    assert answer.status_code == 303
    server = place.cluster.virtuals[0].servers[1]
    assert (server.name, server.address) == ("app_2", "10.11.12.22")
    assert (server.port, server.weight) == (8080, 40)
    piranha.submit("/virtual/1/real/2", ACCEPT, port="")
    assert place.cluster.virtuals[0].servers[1].port is None


def test_a_blank_name_keeps_the_old_one(piranha: Person, place: Place) -> None:
    assert piranha.submit("/virtual/1/real/1", ACCEPT, name="").status_code == 303
    assert pool(place) == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "text", "at"),
    [
        ("name", "two", "name"),
        ("name", "a b{", "name"),
        ("address", "10.11.12.1:80", "address"),
        ("address", "[2001:db8::1]:80", "address"),
        ("address", "10.11.12", "address"),
        ("address", "", "address"),
        ("address", "127.0.0.1", "address"),
        ("address", "10.11.12.1\n}", "address"),
        ("address", "2001:db8::1", "address"),
        ("port", "70000", "port"),
        ("port", "http:", "port"),
        ("weight", "", "weight"),
        ("weight", "-1", "weight"),
        ("weight", "65536", "weight"),
        ("weight", "heavy", "weight"),
        ("forward", "magic", "forward"),
        ("tunnel_port", "99999", "tunnel_port"),
        ("upper_threshold", "-3", "upper_threshold"),
    ],
)
def test_a_wrong_value_is_422_at_its_field_and_writes_nothing(
    piranha: Person, place: Place, name: str, text: str, at: str
) -> None:
    before = place.text()
    answer = piranha.submit("/virtual/1/real/1", ACCEPT, **{name: text})
    if (name, text) == ("address", "10.11.12"):
        # The file takes short notations as C does: 10.11.12 is 10.11.0.12.
        assert answer.status_code == 303
        assert place.cluster.virtuals[0].servers[0].address == "10.11.0.12"
        return
    assert answer.status_code == 422
    assert f'href="#{at}"' in answer.text
    assert place.text() == before


def test_check_107_an_address_with_a_port_is_told_where_the_port_goes(
    piranha: Person,
) -> None:
    answer = piranha.submit("/virtual/1/real/1", ACCEPT, address="10.11.12.1:8080")
    assert "put 8080 into Port" in answer.text


def test_extensions_of_a_real_server_are_stored(piranha: Person, place: Place) -> None:
    answer = piranha.submit(
        "/virtual/1/real/1",
        ACCEPT,
        forward="tunnel",
        tunnel_type="gue",
        tunnel_port="6080",
        tunnel_checksum="remcsum",
        upper_threshold="100",
        lower_threshold="50",
    )
    assert answer.status_code == 303
    server = place.cluster.virtuals[0].servers[0]
    assert (server.forwarding, server.tunnel_type) == (
        Forwarding.TUNNEL,
        TunnelType.GUE,
    )
    assert (server.upper_threshold, server.lower_threshold) == (100, 50)


def test_weight_0_takes_no_new_connections_and_is_allowed(
    piranha: Person, place: Place
) -> None:
    assert piranha.submit("/virtual/1/real/1", ACCEPT, weight="0").status_code == 303
    assert place.cluster.virtuals[0].servers[0].weight == 0


@pytest.mark.parametrize("path", ["/virtual/1/real/0", "/virtual/1/real/3"])
def test_a_position_that_is_nobodys_is_404(piranha: Person, path: str) -> None:
    assert piranha.get(path).status_code == 404
    assert piranha.get(path + "/delete").status_code == 404


def test_cancel_leads_back(piranha: Person) -> None:
    answer = piranha.submit("/virtual/1/real", ("real_service", "CANCEL"))
    assert answer.location == "/virtual/1"
    answer = piranha.submit("/virtual/1/real/1", ("edit_action", "CANCEL"))
    assert answer.location == "/virtual/1/real"


def test_what_a_save_makes_questionable_is_told_once(piranha: Person) -> None:
    answer = piranha.submit("/virtual/1/real/1", ("edit_action", "ACCEPT"), weight="0")
    assert answer.status_code == 303
    told = "virtual HTTP, server one, weight 0 takes no new connections"
    assert told in piranha.get("/virtual/1/real/1").text
    piranha.submit("/virtual/1/real/1", ("edit_action", "ACCEPT"), port="81")
    page = piranha.get("/virtual/1/real/1").text
    assert "Saved" in page
    assert told not in page
