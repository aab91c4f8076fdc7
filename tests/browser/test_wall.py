"""CONTROL/MONITORING as a person meets it: live, disconnected, filtered, without scripts."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser import recorded
from tests.browser.conftest import Open, Picture, Site
from tests.browser.daemon import RecordedDaemon

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 360, "height": 780}
APP3 = "tr[data-name='shop-http, app3']"


def test_a_server_that_comes_back_is_seen_without_reloading_the_page(
    open_page: Open, daemon: RecordedDaemon, picture: Picture
) -> None:
    page = open_page("/control")
    page.evaluate("window.sameDocument = true")
    expect(page.locator(APP3)).to_contain_text("connection refused")
    picture(page, "control-light")
    daemon.status = recorded.all_up(replace(daemon.status, at=time.time()))
    expect(page.locator(APP3)).to_contain_text("up")
    expect(page.locator(APP3)).to_have_attribute("data-changed", "")
    expect(page.locator("#announce")).to_contain_text("shop-http, app3: up")
    picture(page, "control-changed")
    assert page.evaluate("window.sameDocument") is True


@pytest.mark.usefixtures("daemon")
def test_what_is_typed_survives_the_updates(open_page: Open) -> None:
    page = open_page("/control")
    page.check("[name=auto_update]")
    page.fill("[name=rate]", "45")
    with page.expect_response("**/control/data*"):
        pass
    expect(page.locator("[name=rate]")).to_have_value("45")
    expect(page.locator("[name=auto_update]")).to_be_checked()


def test_a_page_that_hears_nothing_says_since_when(
    open_page: Open, daemon: RecordedDaemon, picture: Picture
) -> None:
    page = open_page("/control")
    expect(page.locator("[data-heard]")).to_have_text("Live")
    page.context.set_offline(True)
    expect(page.locator("[data-heard]")).to_have_text("Disconnected")
    expect(page.locator("[data-heard-ago]")).to_contain_text("last heard")
    picture(page, "control-disconnected")
    daemon.status = recorded.all_up(daemon.status)
    page.context.set_offline(False)
    expect(page.locator("[data-heard]")).to_have_text("Live")
    expect(page.locator(APP3)).to_contain_text("up")


@pytest.mark.usefixtures("daemon")
def test_a_page_whose_session_ended_offers_to_log_in(
    open_page: Open, site: Site
) -> None:
    page = open_page("/control")
    site.place.set_password("neun-Forellen-7")
    expect(page.locator("[data-heard]")).to_have_text("Logged out")
    page.get_by_role("link", name="log in again").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_without_a_daemon_the_page_says_how_to_start_one(
    open_page: Open, picture: Picture
) -> None:
    page = open_page("/control")
    expect(page.locator(".banner")).to_contain_text("As root: pulse")
    expect(page.get_by_role("table").first).to_contain_text("not running")
    picture(page, "control-not-running")


def test_a_daemon_that_stops_is_seen_on_the_open_page(
    open_page: Open, site: Site
) -> None:
    status = recorded.shop(time.time(), site.revision())
    with RecordedDaemon(site.place.settings.runtime_dir, status):
        page = open_page("/control")
        expect(page.locator(".banner")).to_have_count(0)
    expect(page.locator(".banner")).to_contain_text("Not running")


@pytest.mark.usefixtures("daemon")
def test_the_filter_is_reached_by_slash_and_kept_in_the_address(
    open_page: Open,
) -> None:
    page = open_page("/control")
    page.keyboard.press("/")
    page.keyboard.type("ns1")
    expect(page.get_by_role("table").first).not_to_contain_text("app1")
    expect(page.get_by_role("table").first).to_contain_text("ns1")
    assert page.url.endswith("?q=ns1")
    expect(page.locator("[data-filter]")).to_be_focused()
    page.reload()
    expect(page.locator("[data-filter]")).to_have_value("ns1")
    page.locator("[data-filter]").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("table").first).to_contain_text("app1")
    assert "q=" not in page.url


@pytest.mark.usefixtures("daemon")
def test_a_folded_virtual_server_stays_folded(open_page: Open) -> None:
    page = open_page("/control")
    page.get_by_role("button", name="Real servers of shop-http").click()
    expect(page.locator(APP3)).to_be_hidden()
    with page.expect_response("**/control/data*"):
        pass
    expect(page.locator(APP3)).to_be_hidden()
    page.reload()
    expect(page.locator(APP3)).to_be_hidden()


@pytest.mark.usefixtures("daemon")
def test_a_question_mark_lists_the_keys_and_escape_closes_the_list(
    open_page: Open,
) -> None:
    page = open_page("/control")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.usefixtures("daemon")
def test_the_first_tab_leads_to_the_content(open_page: Open) -> None:
    page = open_page("/control")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.usefixtures("daemon")
def test_without_javascript_the_table_is_complete_and_updates_by_reloading(
    open_page: Open, picture: Picture
) -> None:
    page = open_page("/control", java_script_enabled=False)
    expect(page.locator(APP3)).to_contain_text("connection refused")
    expect(page.locator(".toggle").first).to_be_hidden()
    page.check("[name=auto_update]")
    page.fill("[name=rate]", "5")
    page.get_by_role("button", name="Update information now").click()
    expect(page.locator(".rate-message")).to_contain_text("too often")
    refresh = page.locator("meta[http-equiv=refresh]")
    assert (refresh.get_attribute("content") or "").startswith("10;url=/control?")
    page.fill("[name=q]", "ns2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table").first).not_to_contain_text("app1")
    picture(page, "control-no-javascript")


@pytest.mark.usefixtures("daemon")
def test_the_wall_can_be_read_in_the_dark(open_page: Open, picture: Picture) -> None:
    page = open_page("/control", color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(16, 21, 28)"
    picture(page, "control-dark")


@pytest.mark.usefixtures("daemon")
def test_the_wall_prints_as_a_report(open_page: Open, picture: Picture) -> None:
    page = open_page("/control", color_scheme="dark")
    page.emulate_media(media="print")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    expect(page.get_by_role("button", name="CHANGE PASSWORD")).to_be_hidden()
    expect(page.locator(APP3)).to_be_visible()
    picture(page, "control-print")


@pytest.mark.usefixtures("daemon")
def test_the_wall_fits_a_phone(open_page: Open, picture: Picture) -> None:
    page = open_page("/control", viewport=PHONE)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= PHONE["width"]
    picture(page, "control-phone")
