"""CONTROL/MONITORING against a daemon on a real control socket."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lvs_engine.control.status import PassStatus, ServerState
from tests.browser import recorded
from tests.browser.daemon import RecordedDaemon
from tests.web.people import Person, Place

FILE = """serial_no = 15
primary = 192.0.2.11
service = lvs
network = nat
virtual shop-http {
     active = 1
     address = 192.0.2.80 eth0:1
     port = 80
     server app1 {
         address = 10.20.0.21
         active = 1
     }
     server app2 {
         address = 10.20.0.22
         active = 0
     }
}
"""


@pytest.fixture
def daemon(place: Place) -> Iterator[RecordedDaemon]:
    """Runs the file that is saved."""
    place.write(FILE)
    revision = hashlib.sha256(FILE.encode()).hexdigest()
    status = recorded.shop(time.time(), revision)
    with RecordedDaemon(place.settings.runtime_dir, status) as running:
        yield running


@pytest.mark.usefixtures("daemon")
def test_the_page_shows_health_with_its_reason(piranha: Person) -> None:
    page = piranha.get("/control").text
    assert "2 of 3" in page
    assert "connection refused, 4 min" in page
    assert "40 of 80" in page


@pytest.mark.usefixtures("daemon")
def test_the_page_shows_the_table_the_processes_and_the_addresses(
    piranha: Person,
) -> None:
    page = piranha.get("/control").text
    assert "CURRENT LVS ROUTING TABLE" in page
    assert "Masq" in page
    assert "9921" in page
    assert "nat_router" in page
    assert "deleted by hand" in page


@pytest.mark.usefixtures("daemon")
def test_a_real_server_out_of_the_kernel_is_not_in_the_routing_table(
    piranha: Person,
) -> None:
    page = piranha.get("/control").text
    table = page[page.index('<table class="routing') :]
    assert "10.20.0.21:8080" in table
    assert "10.20.0.23:8080" not in table


@pytest.mark.usefixtures("daemon")
def test_nothing_urgent_shows_no_banner(piranha: Person) -> None:
    assert 'class="banner' not in piranha.get("/control").text


@pytest.mark.usefixtures("daemon")
def test_a_saved_file_that_does_not_run_offers_to_apply_it(
    piranha: Person, place: Place
) -> None:
    place.write(FILE.replace("serial_no = 15", "serial_no = 16"))
    page = piranha.get("/control").text
    assert "Not applied" in page
    assert "Apply now" in page


def test_without_a_daemon_the_file_is_shown_and_the_command_that_starts_one(
    piranha: Person, place: Place
) -> None:
    place.write(FILE)
    page = piranha.get("/control").text
    assert "stopped" in page
    assert "<code>pulse</code>" in page
    assert "shop-http" in page
    assert "10.20.0.21:80" in page
    assert "Live" not in page


def test_a_daemon_that_refuses_is_not_called_stopped(
    daemon: RecordedDaemon, piranha: Person
) -> None:
    daemon.refusal = "only root and members of the group piranha may ask"
    page = piranha.get("/control").text
    assert "only root and members of the group piranha may ask" in page
    assert "stopped" not in page


@pytest.mark.usefixtures("daemon")
def test_the_page_never_writes_the_file(piranha: Person, place: Place) -> None:
    before = place.config.stat()
    piranha.get("/control")
    piranha.get("/control", auto_update="1", rate="30", refresh="x")
    after = place.config.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_names_from_the_file_are_escaped(
    daemon: RecordedDaemon, piranha: Person
) -> None:
    http = replace(daemon.status.services[0], name="<b>shop</b>")
    daemon.status = replace(daemon.status, services=(http,))
    page = piranha.get("/control").text
    assert "<b>shop</b>" not in page
    assert "&lt;b&gt;shop&lt;/b&gt;" in page


@pytest.mark.usefixtures("daemon")
def test_auto_update_reloads_the_page_where_javascript_is_off(piranha: Person) -> None:
    page = piranha.get("/control", auto_update="1", rate="30", q="app1").text
    assert '<meta http-equiv="refresh" content="30;url=' in page
    assert "rate=30" in page
    assert "q=app1" in page
    assert "checked" in page


@pytest.mark.usefixtures("daemon")
def test_auto_update_is_off_by_default(piranha: Person) -> None:
    page = piranha.get("/control").text
    assert "http-equiv" not in page
    assert 'value="10"' in page


@pytest.mark.parametrize(
    "rate", ["", "9", "-1", "x", "1e9", "\N{ARABIC-INDIC DIGIT ONE}"]
)
@pytest.mark.usefixtures("daemon")
def test_a_rate_that_is_no_number_or_too_small_becomes_ten_and_says_so(
    piranha: Person, rate: str
) -> None:
    page = piranha.get("/control", auto_update="1", rate=rate).text
    assert 'content="10;url=' in page
    assert "the page updates every 10 s" in page


@pytest.mark.usefixtures("daemon")
def test_a_rate_with_quotes_is_shown_as_text(piranha: Person) -> None:
    page = piranha.get("/control", auto_update="1", rate='"><script>').text
    assert "<script>" not in page.replace('<script type="module"', "")


@pytest.mark.usefixtures("daemon")
def test_change_password_leads_to_the_page_about_it(piranha: Person) -> None:
    answer = piranha.get("/control", control_action="CHANGE PASSWORD")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/password"


@pytest.mark.usefixtures("daemon")
def test_the_filter_leaves_what_matches(piranha: Person) -> None:
    page = piranha.get("/control", q="app3").text
    assert "10.20.0.23" in page
    assert "10.20.0.31" not in page
    assert "1 of 3 match" in page


@pytest.mark.usefixtures("daemon")
def test_a_filter_that_matches_nothing_says_so(piranha: Person) -> None:
    assert "Nothing matches “nowhere”" in piranha.get("/control", q="nowhere").text


@pytest.mark.usefixtures("daemon")
def test_the_data_are_the_live_part_of_the_page(piranha: Person) -> None:
    answer = piranha.get("/control/data", q="app3")
    assert answer.json is not None
    assert answer.json["running"] is True
    assert "10.20.0.23" in answer.json["live"]
    assert "10.20.0.31" not in answer.json["live"]


@pytest.mark.usefixtures("daemon")
def test_data_that_are_known_are_not_sent_again(piranha: Person) -> None:
    tag = piranha.get("/control/data").headers["ETag"]
    again = piranha.client.get("/control/data", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.data == b""


def test_data_that_changed_are_sent_again(
    daemon: RecordedDaemon, piranha: Person
) -> None:
    tag = piranha.get("/control/data").headers["ETag"]
    daemon.status = recorded.all_up(daemon.status)
    again = piranha.client.get("/control/data", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.json is not None
    assert "3 of 3" in again.json["live"]


def test_the_data_say_when_no_daemon_runs(piranha: Person, place: Place) -> None:
    place.write(FILE)
    answer = piranha.get("/control/data")
    assert answer.json is not None
    assert answer.json["running"] is False
    assert "not running" in answer.json["live"]


@pytest.mark.usefixtures("daemon")
def test_a_stranger_gets_no_data(stranger: Person) -> None:
    answer = stranger.get("/control/data")
    assert answer.status_code == 401
    assert "10.20.0" not in answer.text


def test_the_banner_of_the_other_panels_asks_lvsd_for_little(
    piranha: Person, place: Place
) -> None:
    place.write(FILE)
    status = recorded.shop(time.time(), "another revision")
    runtime = place.settings.runtime_dir
    with RecordedDaemon(runtime, status, "lvsd.sock") as lvsd:
        assert "Not applied" in piranha.get("/virtual").text
    assert lvsd.asked == [{"brief": True}]


def test_what_the_kernel_refused_is_the_banner(
    daemon: RecordedDaemon, piranha: Person
) -> None:
    refused = PassStatus("refused", refusals=("add 192.0.2.80:80 tcp: ENOENT: no wlc",))
    daemon.status = replace(daemon.status, last_pass=refused)
    assert "no wlc" in piranha.get("/virtual").text


@pytest.mark.parametrize("state", ServerState)
def test_every_state_of_a_real_server_can_be_drawn(
    daemon: RecordedDaemon, piranha: Person, state: ServerState
) -> None:
    http = daemon.status.services[0]
    server = replace(http.servers[0], state=state)
    daemon.status = replace(daemon.status, services=(replace(http, servers=(server,)),))
    assert piranha.get("/control").status_code == 200
