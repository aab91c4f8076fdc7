"""The panels in the hands of a person: from the log-in to a virtual server in use."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import Open, Picture, Site
from tests.browser.daemon import RecordedDaemon
from tests.browser.test_wall import PHONE

pytestmark = pytest.mark.browser

PANELS = [
    "/global",
    "/redundancy",
    "/virtual",
    "/virtual/1",
    "/virtual/1/real",
    "/virtual/1/real/1",
    "/virtual/1/scripts",
    "/virtual/1/delete",
    "/help",
    "/introduction",
    "/password",
]


def press(page: Page, caption: str) -> None:
    page.get_by_role("button", name=caption, exact=True).click()


def test_a_wrong_password_is_told_at_its_field(
    open_page: Open, picture: Picture
) -> None:
    page = open_page("/login", log_in=False)
    picture(page, "login-light")
    page.fill("[name=username]", "piranha")
    page.fill("[name=password]", "wrong")
    press(page, "Log in")
    expect(page.locator(".field.invalid .message")).to_contain_text("wrong")
    picture(page, "login-refused")


def test_without_a_password_the_page_names_the_command_that_sets_one(
    open_page: Open, site: Site, picture: Picture
) -> None:
    site.place.settings.password_file.unlink()
    page = open_page("/login", log_in=False)
    expect(page.locator("main")).to_contain_text("piranha-passwd")
    expect(page.locator("[name=password]")).to_have_count(0)
    picture(page, "login-no-password")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_virtual_server_with_two_real_servers_is_added_and_activated(
    open_page: Open, site: Site, picture: Picture, scripts: bool
) -> None:
    site.place.write("")
    page = open_page("/virtual", java_script_enabled=scripts)
    picture(page, "virtual-empty")
    press(page, "ADD")
    page.fill("[name=hostname]", "web")
    page.fill("[name=address]", "192.0.2.10")
    picture(page, "virtual-edit-changed" if scripts else "virtual-edit-no-javascript")
    press(page, "ACCEPT")
    page.get_by_role("link", name="REAL SERVER", exact=True).click()
    for name, address in (("one", "10.0.0.2"), ("two", "10.0.0.3")):
        press(page, "ADD")
        page.fill("[name=name]", name)
        page.fill("[name=address]", address)
        press(page, "ACCEPT")
        page.get_by_role("link", name="REAL SERVER", exact=True).click()
        page.get_by_label(f"Choose {name}").check()
        press(page, "(DE)ACTIVATE")
    picture(page, "real-list")
    page.get_by_role("link", name="VIRTUAL SERVERS").first.click()
    page.get_by_label("Choose web").check()
    press(page, "(DE)ACTIVATE")
    expect(page.get_by_role("row", name="web")).to_contain_text("up")
    text = site.place.text()
    assert "virtual web {" in text
    assert "address = 10.0.0.2" in text
    assert text.count("active = 1") == 3


def test_a_refused_value_is_told_at_the_field_and_in_the_summary(
    open_page: Open, site: Site, picture: Picture
) -> None:
    before = site.place.text()
    page = open_page("/virtual/1")
    page.fill("[name=port]", "70000")
    page.fill("[name=address]", "192.0.2.300")
    press(page, "ACCEPT")
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    expect(page.locator(".field.invalid")).to_have_count(2)
    expect(page.locator("[name=port]")).to_have_value("70000")
    expect(page.locator("[name=port]")).to_have_attribute("aria-invalid", "true")
    picture(page, "virtual-edit-refused")
    summary.get_by_role("link", name="Application port").click()
    expect(page.locator("[name=port]")).to_be_focused()
    assert site.place.text() == before


@pytest.mark.usefixtures("daemon")
def test_the_bar_counts_what_changed_and_names_it(
    open_page: Open, picture: Picture
) -> None:
    page = open_page("/virtual/1")
    changes = page.locator("[data-changes]")
    page.fill("[name=port]", "81")
    page.select_option("[name=sched]", index=0)
    expect(changes).to_contain_text("2 changes: Application port, Scheduling")
    changes.locator("summary").click()
    expect(changes.get_by_text("80 → 81")).to_be_visible()
    picture(page, "virtual-edit-two-changes")
    page.fill("[name=port]", "80")
    expect(changes).to_contain_text("1 change: Scheduling")


def test_leaving_with_changes_asks_and_cancel_does_not(open_page: Open) -> None:
    page = open_page("/virtual/1")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.locator("[name=port]").press_sequentially("1")
    page.get_by_role("link", name="REDUNDANCY").click()
    page.wait_for_timeout(200)
    assert asked == ["beforeunload"]
    assert page.url.endswith("/virtual/1")
    page.get_by_role("link", name="CANCEL").click()
    page.wait_for_url("**/virtual?*")
    assert asked == ["beforeunload"]


def test_accept_is_no_loss_and_asks_nothing(open_page: Open) -> None:
    page = open_page("/virtual/1")
    asked: list[str] = []

    def go_on(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", go_on)
    page.locator("[name=reentry]").fill("20")
    press(page, "ACCEPT")
    expect(page.locator("[name=reentry]")).to_have_value("20")
    assert asked == []


def test_a_saved_change_is_applied_from_the_banner(
    open_page: Open, daemon: RecordedDaemon, picture: Picture
) -> None:
    page = open_page("/virtual/1")
    page.fill("[name=reentry]", "20")
    press(page, "ACCEPT")
    expect(page.locator(".banner")).to_contain_text("Not applied")
    picture(page, "virtual-edit-saved")
    press(page, "Apply now")
    expect(page.locator(".flashes")).to_contain_text("run the saved lvs.cf")
    assert daemon.reloads == 1


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("path", PANELS)
def test_a_panel_fits_a_phone_and_is_drawn_in_both_schemes(
    open_page: Open, picture: Picture, path: str
) -> None:
    name = path.strip("/").replace("/", "-")
    page = open_page(path)
    picture(page, f"{name}-light")
    page.emulate_media(color_scheme="dark")
    picture(page, f"{name}-dark")
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="light")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    picture(page, f"{name}-phone")


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("path", ["/control", *PANELS])
def test_every_field_of_a_panel_has_a_name_for_ears(open_page: Open, path: str) -> None:
    page = open_page(path)
    nameless = page.evaluate(
        """[...document.querySelectorAll("input, select, textarea")]
            .filter((e) => e.type !== "hidden" && e.type !== "submit")
            .filter((e) => !e.labels?.length && !e.getAttribute("aria-label"))
            .map((e) => e.name)"""
    )
    assert nameless == []


def test_an_unknown_page_says_so_and_leads_back(
    open_page: Open, picture: Picture
) -> None:
    page = open_page("/virtual/99")
    expect(page.get_by_role("heading", level=1)).to_contain_text("no such page")
    picture(page, "error-404")
    page.get_by_role("link", name="CONTROL/MONITORING").last.click()
    page.wait_for_url("**/control")


def test_the_welcome_page_leads_to_the_login(open_page: Open, picture: Picture) -> None:
    page = open_page("/", log_in=False)
    picture(page, "welcome-light")
    page.get_by_role("link", name="Login", exact=True).click()
    expect(page.locator("[name=password]")).to_be_visible()
