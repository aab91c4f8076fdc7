"""Reading and saving lvs.cf through the pages: what stays, what counts, what conflicts."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from lvs_engine.adapters.config_file import service_ports
from lvs_engine.config.loading import load
from lvs_engine.control.status import ConfigurationStatus, Status
from piranha_web import auth
from tests.browser.daemon import RecordedDaemon
from tests.web.people import PASSWORD, Person, Place, fields_of
from tests.web.test_auth import every_route

GLOBAL = ("global_action", "ACCEPT")
VIRTUAL = ("vev_action", "ACCEPT")
PAGES = (
    *("/control", "/global", "/redundancy", "/virtual", "/virtual/1"),
    *("/virtual/1/real", "/virtual/1/real/1", "/virtual/1/scripts"),
    *("/virtual/1/delete", "/virtual/1/real/1/delete", "/help", "/password"),
)

HAND_EDITED = (
    Path(__file__).parents[1] / "data" / "valid" / "hand-edited.cf"
).read_text()


def second(app: Flask) -> Person:
    other = Person(app.test_client())
    assert other.log_in(PASSWORD).status_code == 303
    return other


def test_the_pages_of_these_tests_are_all_pages(app: Flask) -> None:
    closed = {
        path
        for endpoint, path, method in every_route(app)
        if method == "GET" and endpoint not in auth.PUBLIC
    }
    assert closed - set(PAGES) == {"/control/data", "/introduction"}


@pytest.mark.parametrize("path", PAGES)
def test_check_121_looking_at_a_page_leaves_bytes_and_time_of_the_file(
    piranha: Person, place: Place, path: str
) -> None:
    os.utime(place.config, (1_000_000_000, 1_000_000_000))
    before = place.config.stat()
    text = place.text()
    assert piranha.get(path).status_code == 200
    after = place.config.stat()
    assert place.text() == text
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_check_121_serial_no_is_1_in_a_new_file_and_one_more_for_each_change(
    piranha: Person, place: Place
) -> None:
    place.write("")
    for serial in (1, 2, 3):
        piranha.submit("/global", GLOBAL, PriLVSIP=f"192.0.2.{serial}")
        assert place.cluster.serial_no == serial
    piranha.submit("/virtual", ("virtual_service", "ADD"))
    assert place.cluster.serial_no == 4


def test_check_121_accept_without_a_change_writes_nothing(
    piranha: Person, place: Place
) -> None:
    before = place.text()
    for path, button in (
        ("/global", GLOBAL),
        ("/virtual/1", VIRTUAL),
        ("/virtual/1/real/1", ("edit_action", "ACCEPT")),
        ("/virtual/1/scripts", ("gen_service", "ACCEPT")),
    ):
        assert piranha.submit(path, button).status_code == 303, path
        assert place.text() == before, path
    assert "Nothing was changed" in piranha.get("/global").text


def test_a_save_says_its_serial(piranha: Person) -> None:
    piranha.submit("/global", GLOBAL, tcp_timeout="60")
    assert "Saved, serial 15." in piranha.get("/global").text


def test_check_122_a_file_kept_by_hand_changes_only_in_the_edited_lines(
    piranha: Person, place: Place
) -> None:
    place.write(HAND_EDITED)
    for path, button in (
        ("/redundancy", ("redundancy_action", "ACCEPT")),
        ("/virtual/1", VIRTUAL),
        ("/virtual/1/scripts", ("gen_service", "ACCEPT")),
        ("/virtual/1/real/2", ("edit_action", "ACCEPT")),
    ):
        assert piranha.submit(path, button).status_code == 303
        assert place.text() == HAND_EDITED, path
    piranha.submit("/virtual/1", VIRTUAL, port="8080")
    expected = HAND_EDITED.replace("\tport = 80\n", "\tport = 8080\n")
    assert place.text().replace("serial_no = 1\n", "") == expected
    piranha.submit("/virtual/1/real/2", ("edit_action", "ACCEPT"), weight="5")
    rest = [line for line in place.text().splitlines() if "weight" not in line]
    assert [x for x in rest if "serial_no" not in x] == expected.splitlines()


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_survive_an_edit(piranha: Person, place: Place, end: str) -> None:
    place.write(place.text().replace("\n", end))
    piranha.submit("/global", GLOBAL, tcp_timeout="60")
    assert place.cluster.tcp_timeout == 60
    assert "\n" not in place.text().replace(end, "")


def test_bytes_that_are_no_utf8_can_be_shown_and_survive(
    piranha: Person, place: Place
) -> None:
    latin = place.text().replace("virtual HTTP", "# caf\udce9\nvirtual caf\udce9")
    place.write(latin.replace('expect = "HTTP"', 'expect = "\udce9"'))
    for path in PAGES:
        assert piranha.get(path).status_code == 200, path
    assert piranha.submit("/virtual/1", VIRTUAL, port="81").status_code == 303
    assert place.text().count("\udce9") == 3


def test_check_123_every_page_opens_on_an_empty_file(
    piranha: Person, place: Place
) -> None:
    place.write("")
    for path in ("/control", "/global", "/redundancy", "/virtual", "/help"):
        assert piranha.get(path).status_code == 200
    assert place.text() == ""
    assert piranha.submit("/redundancy", ("full_enable", "ENABLE")).status_code == 303
    assert piranha.submit("/virtual", ("virtual_service", "ADD")).status_code == 303
    assert place.cluster.backup_active


def test_check_124_a_missing_file_is_an_error_page_that_names_it(
    piranha: Person, place: Place
) -> None:
    form = piranha.form("/global")
    place.config.unlink()
    for path in ("/global", "/redundancy", "/virtual", "/virtual/1/real"):
        page = piranha.get(path)
        assert page.status_code == 500
        assert str(place.config) in page.text
        assert "PriLVSIP" not in page.text
    form |= {"global_action": "ACCEPT", "PriLVSIP": "192.0.2.77"}
    assert piranha.client.post("/global", data=form).status_code == 500
    assert not place.config.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="root becomes somebody else for this")
def test_check_124_an_unwritable_file_is_an_error_page_with_owner_and_mode(
    piranha: Person, place: Place
) -> None:
    text = place.text()
    place.config.unlink()
    assert piranha.get("/global").status_code == 500  # compiles the templates
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "lvs.cf"
        file.write_text(text)
        file.chmod(0o644)
        place.config.symlink_to(file)
        reachable = [*place.config.parents][: len(place.config.parts) - 2]
        modes = [(p, p.stat().st_mode) for p in reachable]
        try:
            for path, mode in modes:
                path.chmod(mode | 0o111)
            place.settings.password_file.chmod(0o644)
            os.seteuid(65534)
            page = piranha.get("/global")
        finally:
            os.seteuid(0)
            for path, mode in modes:
                path.chmod(mode)
    assert page.status_code == 500
    assert "may not be written" in page.text
    assert "root:root" in page.text
    assert "0644" in page.text
    assert "PriLVSIP" not in page.text


def test_two_browsers_the_second_gets_409_and_keeps_what_was_typed(
    app: Flask, piranha: Person, place: Place
) -> None:
    other = second(app)
    mine = piranha.form("/virtual/1")
    assert other.submit("/virtual/1", VIRTUAL, reentry="99").status_code == 303
    saved = place.text()
    mine |= {"vev_action": "ACCEPT", "port": "8080"}
    answer = piranha.client.post("/virtual/1", data=mine)
    assert answer.status_code == 409
    assert place.text() == saved
    assert "+     reentry = 99" in answer.text
    assert "Application port: <del>80</del> → <ins>8080</ins>" in answer.text


def test_after_a_conflict_accept_stores_mine_on_top_of_theirs(
    app: Flask, piranha: Person, place: Place
) -> None:
    mine = piranha.form("/virtual/1")
    second(app).submit("/virtual/1", VIRTUAL, reentry="99")
    mine |= {"vev_action": "ACCEPT", "port": "8080"}
    shown = fields_of(piranha.client.post("/virtual/1", data=mine).text)
    assert (shown["port"], shown["reentry"]) == ("8080", "99")
    answer = piranha.client.post("/virtual/1", data={**shown, "vev_action": "ACCEPT"})
    assert answer.status_code == 303
    assert place.lines("port")[0] == "port = 8080"
    assert place.lines("reentry") == ["reentry = 99"]
    assert place.cluster.serial_no == 16


def test_a_field_that_both_changed_says_so(app: Flask, piranha: Person) -> None:
    mine = piranha.form("/global")
    second(app).submit("/global", GLOBAL, tcp_timeout="60")
    mine |= {"global_action": "ACCEPT", "tcp_timeout": "90"}
    answer = piranha.client.post("/global", data=mine)
    assert answer.status_code == 409
    assert "Changed by both: 60 is in the file now." in answer.text
    assert 'value="90"' in answer.text


@pytest.mark.parametrize("action", ["DELETE", "(DE)ACTIVATE", "EDIT", "ADD"])
def test_a_button_of_an_old_list_does_nothing(
    app: Flask, piranha: Person, place: Place, action: str
) -> None:
    old = piranha.form("/virtual")
    second(app).submit("/virtual", ("virtual_service", "ADD"))
    before = place.text()
    data = {**old, "virtual_service": action, "selected_host": "1"}
    answer = piranha.client.post("/virtual", data=data)
    assert answer.status_code == 409
    assert place.text() == before


def test_a_form_of_an_entry_that_has_moved_is_409_and_hits_no_other(
    app: Flask, piranha: Person, place: Place
) -> None:
    piranha.submit("/virtual", ("virtual_service", "ADD"))
    form = piranha.form("/virtual/2")
    second(app).submit("/virtual/1/delete", ("virtual_service", "DELETE"))
    piranha.submit("/virtual", ("virtual_service", "ADD"))
    before = place.text()
    form |= {"vev_action": "ACCEPT", "port": "8080"}
    answer = piranha.client.post("/virtual/2", data=form)
    assert answer.status_code == 409
    assert "Nothing was done" in answer.text
    assert "8080" in answer.text
    assert place.text() == before


def test_a_confirmed_delete_of_an_old_page_takes_nothing(
    app: Flask, piranha: Person, place: Place
) -> None:
    old = piranha.form("/virtual/1/delete")
    second(app).submit("/global", GLOBAL, tcp_timeout="60")
    before = place.text()
    data = {**old, "virtual_service": "DELETE"}
    assert piranha.client.post("/virtual/1/delete", data=data).status_code == 409
    assert place.text() == before


@pytest.mark.parametrize("revision", [None, "", "guessed"])
def test_a_form_without_the_state_that_it_was_loaded_from_is_409(
    piranha: Person, place: Place, revision: str | None
) -> None:
    before = place.text()
    answer = piranha.submit("/global", GLOBAL, tcp_timeout="60", revision=revision)
    assert answer.status_code == 409
    assert place.text() == before


def test_errors_elsewhere_are_shown_and_do_not_block_an_edit(
    piranha: Person, place: Place
) -> None:
    place.write(place.text().replace("timeout = 6", "timeout = soon"))
    assert "Errors in lvs.cf" in piranha.get("/global").text
    answer = piranha.submit("/global", GLOBAL, tcp_timeout="60")
    assert answer.status_code == 303
    assert "timeout = soon" in place.text()
    assert place.cluster.tcp_timeout == 60


def test_all_errors_of_the_file_are_shown_with_their_lines(
    piranha: Person, place: Place
) -> None:
    place.write("primary = 192.0.2.1\nkeepalive = often\ndeadtime = never\n")
    page = piranha.get("/global").text
    assert "<li>lvs.cf:2:13: error:" in page
    assert "<li>lvs.cf:3:12: error:" in page


@pytest.mark.parametrize("path", ["/control", "/global", "/redundancy", "/virtual"])
def test_an_empty_file_begins_with_the_first_steps(
    piranha: Person, place: Place, path: str
) -> None:
    place.write("")
    page = piranha.get(path).text
    assert "First steps" in page
    assert "Empty configuration" not in page


def test_a_broken_value_is_shown_at_its_field_and_can_be_put_right(
    piranha: Person, place: Place
) -> None:
    place.write(place.text().replace("timeout = 6", "timeout = soon  # really"))
    assert piranha.form("/virtual/1")["timeout"] == "soon"
    assert piranha.submit("/virtual/1", VIRTUAL, port="81").status_code == 422
    # 10 is what the daemons take for a missing keyword: the line has to go all the same.
    for text in ("10", "7"):
        place.write(re.sub(r" timeout = .*", " timeout = soon", place.text()))
        assert piranha.submit("/virtual/1", VIRTUAL, timeout=text).status_code == 303
        assert "soon" not in place.text()
        assert place.cluster.virtuals[0].timeout == int(text)
        assert load(place.text(), service_ports()).usable


def test_an_edit_that_brings_an_error_of_another_block_is_refused(
    piranha: Person, place: Place
) -> None:
    place.write(
        place.text().replace(
            "nat_router = 10.11.12.10 eth1:1\n", "nat_router = 10.11.12.10 eth0:9\n"
        )
    )
    before = place.text()
    answer = piranha.submit("/virtual/1", VIRTUAL, device="eth0:9")
    assert answer.status_code == 422
    assert "eth0:9 already carries 10.11.12.10" in answer.text
    assert place.text() == before


def test_check_120_whatever_the_buttons_make_is_read_without_errors(
    piranha: Person, place: Place
) -> None:
    place.write("")
    piranha.submit("/global", GLOBAL, PriLVSIP="192.0.2.1")
    piranha.submit("/redundancy", ("full_enable", "ENABLE"))
    piranha.submit(
        "/redundancy", ("redundancy_action", "ACCEPT"), redundant="192.0.2.2"
    )
    piranha.submit("/global", ("network", "NAT"))
    piranha.submit("/global", GLOBAL, NATRtrIP="10.0.0.1", NATRtrDev="eth1:1")
    for n in (1, 2, 3):
        piranha.submit("/virtual", ("virtual_service", "ADD"))
        piranha.submit(f"/virtual/{n}/real", ("real_service", "ADD"))
        assert load(place.text(), service_ports()).usable
    piranha.submit("/virtual/1", VIRTUAL, hostname="web", address="192.0.2.80")
    piranha.submit(
        "/virtual/1/real/1", ("edit_action", "ACCEPT"), name="a", address="10.0.0.2"
    )
    piranha.submit("/virtual/1/real", ("real_service", "(DE)ACTIVATE"))
    piranha.submit("/virtual", ("virtual_service", "(DE)ACTIVATE"), selected_host="1")
    piranha.submit("/virtual/2/delete", ("virtual_service", "DELETE"))
    loaded = load(place.text(), service_ports())
    assert loaded.usable
    assert [v.name for v in loaded.cluster.virtuals] == ["web", "[server_name_3]"]
    assert loaded.cluster.virtuals[0].servers[0].active


def test_names_from_the_file_are_shown_as_text(piranha: Person, place: Place) -> None:
    place.write(place.text().replace("virtual HTTP", 'virtual "<b>x</b>"'))
    for path in ("/virtual", "/virtual/1", "/virtual/1/real", "/virtual/1/delete"):
        html = piranha.get(path).text
        assert "<b>x</b>" not in html
        assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_check_124_without_the_file_the_wall_still_opens(
    piranha: Person, place: Place
) -> None:
    place.config.unlink()
    assert piranha.get("/control").status_code == 200
    assert piranha.get("/control/data").status_code == 200


@pytest.fixture
def daemon(place: Place) -> Iterator[RecordedDaemon]:
    running = ConfigurationStatus(serial_no=14, revision="another")
    status = Status(configuration=running)
    with RecordedDaemon(place.settings.runtime_dir, status) as answering:
        yield answering


def test_a_saved_file_that_does_not_run_yet_offers_to_apply_it(
    piranha: Person, daemon: RecordedDaemon
) -> None:
    piranha.submit("/global", GLOBAL, tcp_timeout="60")
    page = piranha.get("/global").text
    assert "is not the one that runs (serial 14)" in page
    assert "Apply now" in page
    answer = piranha.client.post(
        "/apply",
        data=piranha.token("/global"),
        headers={"Referer": "http://localhost/global"},
    )
    assert answer.status_code == 303
    assert answer.location == "http://localhost/global"
    assert daemon.reloads == 1
    assert "run the saved lvs.cf now" in piranha.get("/global").text


def test_apply_shows_why_the_daemons_refuse(
    piranha: Person, daemon: RecordedDaemon
) -> None:
    daemon.refusal = "lvs.cf:3:1: error: no"
    piranha.client.post("/apply", data=piranha.token("/global"))
    assert "did not take lvs.cf over: lvs.cf:3:1: error: no" in (
        piranha.get("/global").text
    )


def test_apply_does_not_lead_to_another_site(piranha: Person) -> None:
    answer = piranha.client.post(
        "/apply",
        data=piranha.token("/global"),
        headers={"Referer": "http://evil.example/"},
    )
    assert answer.location == "/control"


def test_apply_says_when_no_daemon_runs(piranha: Person) -> None:
    answer = piranha.client.post("/apply", data=piranha.token("/global"))
    assert answer.status_code == 303
    assert "no daemon runs on this router" in piranha.get("/global").text
