from __future__ import annotations

import pytest

from lvs_engine.values import Protocol, Scheduler
from piranha_web.forms import choices
from tests.web.people import Person, Place

ACCEPT = ("vev_action", "ACCEPT")
ORIGINAL_ORDER = ["rr", "wlc", "wrr", "lc", "lblc", "lblcr", "dh", "sh"]


def press(piranha: Person, caption: str, n: int | None = 1) -> None:
    chosen = {} if n is None else {"selected_host": str(n)}
    answer = piranha.submit("/virtual", ("virtual_service", caption), **chosen)
    assert answer.status_code == 303, caption


def add(piranha: Person) -> str:
    """Press ADD; the address of the new entry's form."""
    answer = piranha.submit("/virtual", ("virtual_service", "ADD"))
    assert answer.status_code == 303
    location = answer.location
    assert location is not None
    return location


def test_check_91_the_list_shows_every_entry_with_its_columns(piranha: Person) -> None:
    html = piranha.get("/virtual").text
    for heading in (
        "STATUS",
        "NAME",
        "VIP",
        "NETMASK",
        "PORT",
        "PROTOCOL",
        "INTERFACE",
    ):
        assert f">{heading}</th>" in html
    for cell in ("HTTP", "192.168.26.10", "255.255.255.0", "80", "tcp", "eth0:1", "up"):
        assert cell in html


def test_check_92_edit_opens_the_chosen_one(piranha: Person) -> None:
    answer = piranha.submit("/virtual", ("virtual_service", "EDIT"), selected_host="1")
    assert answer.location == "/virtual/1"


def test_check_92_deactivate_toggles(piranha: Person, place: Place) -> None:
    press(piranha, "(DE)ACTIVATE")
    assert not place.cluster.virtuals[0].active
    press(piranha, "(DE)ACTIVATE")
    assert place.cluster.virtuals[0].active


def test_a_new_entry_is_not_blamed_for_what_it_cannot_have_yet(
    piranha: Person,
) -> None:
    page = piranha.get(add(piranha)).text
    assert "Fill in the new virtual server" in page
    assert "address must be set" not in page


@pytest.mark.parametrize("path", ["/virtual/1", "/virtual/1/real"])
def test_an_entry_that_is_down_says_how_it_gets_traffic(
    piranha: Person, path: str
) -> None:
    assert "gets no traffic" not in piranha.get(path).text
    press(piranha, "(DE)ACTIVATE")
    assert "gets no traffic while it is down" in piranha.get(path).text


def test_check_92_delete_asks_first_and_names_what_goes(
    piranha: Person, place: Place
) -> None:
    before = place.text()
    answer = piranha.submit("/virtual", ("virtual_service", "DELETE"))
    assert answer.location == "/virtual/1/delete"
    page = piranha.get("/virtual/1/delete").text
    for word in ("HTTP", "192.168.26.10", "one", "10.11.12.1", "two", "10.11.12.2"):
        assert word in page
    assert place.text() == before
    done = piranha.submit("/virtual/1/delete", ("virtual_service", "DELETE"))
    assert done.status_code == 303
    assert place.cluster.virtuals == ()
    assert "server one" not in place.text()


def test_check_93_a_new_entry_is_down_and_has_the_old_defaults(
    piranha: Person, place: Place
) -> None:
    assert add(piranha) == "/virtual/2"
    new = place.cluster.virtuals[1]
    assert new.name == "[server_name]"
    assert not new.active
    assert new.address is not None
    assert (new.address.address, new.address.device) == ("0.0.0.0", "eth0:2")
    assert (new.port, new.protocol, new.scheduler) == (80, Protocol.TCP, Scheduler.WLC)
    assert (new.timeout, new.reentry, new.quiesce_server) == (6, 15, False)
    assert (new.send, new.expect) == ("GET / HTTP/1.0\\r\\n\\r\\n", "HTTP")
    assert (new.load_monitor, new.fwmark, new.persistent) == ("none", 0, 0)
    assert (new.netmask, new.pmask, new.sorry_server) == (None, None, None)
    assert 'send = "GET / HTTP/1.0\\r\\n\\r\\n"\n' in place.text()


def test_new_entries_have_names_and_aliases_of_their_own(
    piranha: Person, place: Place
) -> None:
    for _ in range(3):
        add(piranha)
    new = place.cluster.virtuals[1:]
    assert [v.name for v in new] == [
        "[server_name]",
        "[server_name_2]",
        "[server_name_3]",
    ]
    devices = [v.address.device for v in new if v.address]
    assert devices == ["eth0:2", "eth0:3", "eth0:4"]


def test_a_new_entry_cannot_be_activated_before_it_has_address_and_name(
    piranha: Person, place: Place
) -> None:
    add(piranha)
    before = place.text()
    answer = piranha.submit(
        "/virtual", ("virtual_service", "(DE)ACTIVATE"), selected_host="2"
    )
    assert answer.status_code == 422
    assert "it has no address yet" in answer.text
    assert "give it a name of its own" in answer.text
    assert place.text() == before


def test_check_94_blanks_in_a_name_become_underscores(
    piranha: Person, place: Place
) -> None:
    piranha.submit("/virtual/1", ACCEPT, hostname="shop front")
    assert place.cluster.virtuals[0].name == "shop_front"


def test_a_blank_name_keeps_the_old_one(piranha: Person, place: Place) -> None:
    assert piranha.submit("/virtual/1", ACCEPT, hostname="").status_code == 303
    assert place.cluster.virtuals[0].name == "HTTP"


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_check_95_port_and_protocol_are_stored(
    piranha: Person, place: Place, protocol: str
) -> None:
    piranha.submit("/virtual/1", ACCEPT, port="8080", protocol=protocol)
    assert place.lines("port")[0] == "port = 8080"
    assert place.lines("protocol") == [f"protocol = {protocol}"]


def test_check_96_address_and_device_are_one_line(
    piranha: Person, place: Place
) -> None:
    piranha.submit("/virtual/1", ACCEPT, address="192.168.26.11", device="eth0:7")
    assert place.lines("address")[0] == "address = 192.168.26.11 eth0:7"


def test_check_97_unused_writes_no_mask(piranha: Person, place: Place) -> None:
    piranha.submit("/virtual/1", ACCEPT, vip_nmask="Unused")
    assert place.lines("vip_nmask") == []
    piranha.submit("/virtual/1", ACCEPT, vip_nmask="255.255.254.0")
    assert place.lines("vip_nmask") == ["vip_nmask = 255.255.254.0"]


def test_check_61_62_and_98_a_firewall_mark_is_stored_and_can_be_blank(
    piranha: Person, place: Place
) -> None:
    assert piranha.form("/virtual/1")["fwmark"] == ""
    piranha.submit("/virtual/1", ACCEPT, fwmark="80", persistent="300")
    assert place.lines("fwmark") == ["fwmark = 80"]
    assert place.lines("persistent") == ["persistent = 300"]
    piranha.submit("/virtual/1", ACCEPT, fwmark="", persistent="")
    assert place.lines("fwmark") == []
    assert place.lines("persistent") == []


def test_check_99_and_100_times_and_quiesce_are_stored(
    piranha: Person, place: Place
) -> None:
    piranha.submit("/virtual/1", ACCEPT, reentry="0", timeout="3", quiesce_server="1")
    assert place.lines("reentry") == ["reentry = 0"]
    assert place.lines("timeout") == ["timeout = 3"]
    assert place.lines("quiesce_server") == ["quiesce_server = 1"]


def test_check_101_load_monitors_have_the_caution_beside_them(
    piranha: Person, place: Place
) -> None:
    html = piranha.get("/virtual/1").text
    assert "rup needs rstatd" in html
    assert "ruptime needs rwhod" in html
    piranha.submit("/virtual/1", ACCEPT, load="ruptime")
    assert place.lines("load_monitor") == ["load_monitor = ruptime"]


def test_a_load_monitor_of_the_file_that_is_in_no_list_is_kept(
    piranha: Person, place: Place
) -> None:
    place.write(place.text().replace("load_monitor = none", "load_monitor = uptime"))
    assert piranha.form("/virtual/1")["load"] == "uptime"
    piranha.submit("/virtual/1", ACCEPT, port="81")
    assert place.lines("load_monitor") == ["load_monitor = uptime"]


@pytest.mark.parametrize(
    ("posted", "word"),
    [(word, word) for word in Scheduler]
    + [(label, word) for word, label in choices.SCHEDULERS],
)
def test_check_10_to_17_every_scheduler_is_stored_by_word_and_by_old_label(
    piranha: Person, place: Place, posted: str, word: str
) -> None:
    assert piranha.submit("/virtual/1", ACCEPT, sched=posted).status_code == 303
    assert place.lines("scheduler") == [f"scheduler = {word}"]


def test_check_102_schedulers_stand_in_the_old_order_and_wlc_is_chosen(
    piranha: Person,
) -> None:
    assert [word for word, _ in choices.SCHEDULERS] == ORIGINAL_ORDER
    values = choices.values(choices.ALL_SCHEDULERS)
    assert values == set(Scheduler)
    new = add(piranha)
    assert piranha.form(new)["sched"] == "wlc"


def test_check_26_27_and_103_persistence_and_its_mask_are_stored(
    piranha: Person, place: Place
) -> None:
    piranha.submit("/virtual/1", ACCEPT, persistent="600", pmask="255.255.255.0")
    assert place.lines("persistent") == ["persistent = 600"]
    assert place.lines("pmask") == ["pmask = 255.255.255.0"]


def test_check_104_values_survive_leaving_and_coming_back(piranha: Person) -> None:
    piranha.submit("/virtual/1", ACCEPT, port="8081", sorry_server="10.11.12.250")
    piranha.get("/global")
    form = piranha.form("/virtual/1")
    assert (form["port"], form["sorry_server"]) == ("8081", "10.11.12.250")


def test_check_60_several_virtual_servers_can_be_stored(
    piranha: Person, place: Place
) -> None:
    for number in (2, 3):
        new = add(piranha)
        piranha.submit(
            new, ACCEPT, hostname=f"web{number}", address=f"192.168.26.1{number}"
        )
        press(piranha, "(DE)ACTIVATE", number)
    assert [v.name for v in place.cluster.virtuals] == ["HTTP", "web2", "web3"]
    assert all(v.active for v in place.cluster.virtuals)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hostname", "a/b"),
        ("hostname", "x" * 61),
        ("hostname", "web {"),
        ("hostname", "web\n}"),
        ("port", ""),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "0"),
        ("port", "080"),
        ("port", "no-such-service"),
        ("protocol", "icmp"),
        ("address", ""),
        ("address", "192.168.26.256"),
        ("address", "127.0.0.1"),
        ("address", "239.1.2.3"),
        ("address", "192.168.26.10/24"),
        ("address", "0.0.0.0"),
        ("device", ""),
        ("device", "eth0:1 eth0:2"),
        ("device", "eth0:1234567890123"),
        ("vip_nmask", "255.255.255.1"),
        ("sorry_server", "192.168.26.10"),
        ("sorry_server", "sorry.example.com"),
        ("fwmark", "x"),
        ("fwmark", "-5"),
        ("fwmark", "2147483648"),
        ("reentry", "-1"),
        ("reentry", ""),
        ("timeout", "0"),
        ("timeout", "6s"),
        ("quiesce_server", "2"),
        ("load", "/bin/evil"),
        ("sched", "best"),
        ("persistent", "yes"),
        ("persistent", "99999999999"),
        ("pmask", "255.255.255.0"),
        ("scheduler_flags", "sh-port"),
        ("extra_ports", "0"),
        ("extra_addresses", "192.0.2.1"),
        ("pe", "sip"),
    ],
)
def test_a_wrong_value_is_422_at_its_field_and_writes_nothing(
    piranha: Person, place: Place, name: str, text: str
) -> None:
    before = place.text()
    answer = piranha.submit("/virtual/1", ACCEPT, **{name: text})
    assert answer.status_code == 422
    assert f'href="#{name}"' in answer.text
    assert place.text() == before


def test_a_name_is_unique(piranha: Person) -> None:
    new = add(piranha)
    answer = piranha.submit(new, ACCEPT, hostname="HTTP")
    assert answer.status_code == 422
    assert "there is another HTTP here" in answer.text


def test_a_service_that_another_has_cannot_be_activated(
    piranha: Person, place: Place
) -> None:
    new = add(piranha)
    piranha.submit(new, ACCEPT, hostname="twin", address="192.168.26.10")
    answer = piranha.submit(
        "/virtual", ("virtual_service", "(DE)ACTIVATE"), selected_host="2"
    )
    assert answer.status_code == 422
    assert "already the service of virtual HTTP" in answer.text
    assert not place.cluster.virtuals[1].active


def test_extensions_are_stored_and_removed_again(piranha: Person, place: Place) -> None:
    answer = piranha.submit(
        "/virtual/1",
        ACCEPT,
        sched="mh",
        scheduler_flags="mh-port, mh-fallback",
        extra_ports="443 8443",
        extra_addresses="192.168.26.11 eth0:2",
    )
    assert answer.status_code == 303
    web = place.cluster.virtuals[0]
    assert web.scheduler_flags == ("mh-port", "mh-fallback")
    assert web.extra_ports == (443, 8443)
    assert [a.device for a in web.extra_addresses] == ["eth0:2"]
    form = piranha.form("/virtual/1")
    assert form["extra_ports"] == "443 8443"
    piranha.submit(
        "/virtual/1",
        ACCEPT,
        sched="rr",
        scheduler_flags="",
        extra_ports="",
        extra_addresses="",
    )
    for keyword in ("scheduler_flags", "extra_ports", "extra_addresses"):
        assert place.lines(keyword) == []


def test_one_packet_scheduling_is_for_udp(piranha: Person, place: Place) -> None:
    answer = piranha.submit("/virtual/1", ACCEPT, one_packet="1")
    assert answer.status_code == 422
    answer = piranha.submit("/virtual/1", ACCEPT, one_packet="1", protocol="udp")
    assert answer.status_code == 303
    assert place.lines("one_packet") == ["one_packet = 1"]


def test_an_ipv6_virtual_server_is_stored(piranha: Person, place: Place) -> None:
    new = add(piranha)
    answer = piranha.submit(
        new, ACCEPT, hostname="six", address="2001:db8::80", vip_nmask="64"
    )
    assert answer.status_code == 303
    assert "address = 2001:db8::80 eth0:2" in place.text()
    assert place.cluster.virtuals[1].netmask == 64
    assert piranha.form(new)["vip_nmask"] == "64"


@pytest.mark.parametrize("path", ["/virtual/0", "/virtual/2", "/virtual/99999999999"])
def test_a_position_that_is_nobodys_is_404(piranha: Person, path: str) -> None:
    for suffix in ("", "/real", "/scripts", "/delete", "/real/1"):
        assert piranha.get(path + suffix).status_code == 404
    data = {**piranha.form("/virtual/1"), "vev_action": "ACCEPT"}
    assert piranha.client.post(path, data=data).status_code == 404


@pytest.mark.parametrize("chosen", ["", "x", "0", "-1", "7"])
def test_a_choice_that_is_none_changes_nothing(
    piranha: Person, place: Place, chosen: str
) -> None:
    before = place.text()
    for caption in ("DELETE", "EDIT", "(DE)ACTIVATE"):
        answer = piranha.submit(
            "/virtual", ("virtual_service", caption), selected_host=chosen
        )
        assert answer.status_code in (303, 404)
    assert place.text() == before


def test_what_the_file_lacks_and_nobody_touches_does_not_block_an_edit(
    piranha: Person, place: Place
) -> None:
    place.write("virtual bare {\n}\n")
    form = piranha.form("/virtual/1")
    assert (form["address"], form["load"]) == ("", "")
    assert piranha.submit("/virtual/1", ACCEPT, port="81").status_code == 303
    assert place.text() == "serial_no = 1\nvirtual bare {\n     port = 81\n}\n"


def test_cancel_goes_back_to_the_list(piranha: Person, place: Place) -> None:
    before = place.text()
    answer = piranha.submit("/virtual/1", ("vev_action", "CANCEL"), port="99")
    assert answer.location == "/virtual"
    assert place.text() == before


def test_an_empty_list_says_what_a_virtual_server_is(
    piranha: Person, place: Place
) -> None:
    place.write("")
    html = piranha.get("/virtual").text
    assert "No virtual server yet" in html
    assert 'value="ADD"' in html
    assert 'value="DELETE"' not in html
