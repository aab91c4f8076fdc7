from __future__ import annotations

import pytest

from lvs_engine.config import directives
from piranha_web import help_texts
from tests.web.people import Person, Place

OLD_ADDRESSES = {
    "/index.html": "/",
    "/piranha/": "/",
    "/about_login.php": "/about-login",
    "/docs.html": "/help",
    "/secure/": "/control",
    "/secure/introduction.html": "/introduction",
    "/secure/help.php": "/help",
    "/secure/control.php": "/control",
    "/secure/passwd.php": "/password",
    "/secure/global_settings.php": "/global",
    "/secure/redundancy.php": "/redundancy",
    "/secure/virtual_main.php": "/virtual",
    "/secure/virtual_edit_virt.php?selected_host=1": "/virtual/1",
    "/secure/virtual_edit_virt.php": "/virtual",
    "/secure/virtual_edit_virt.php?selected_host=": "/virtual",
    "/secure/virtual_edit_real.php?selected_host=1": "/virtual/1/real",
    "/secure/virtual_edit_real_edit.php?selected_host=1&selected=2": "/virtual/1/real/2",
    "/secure/virtual_edit_real_edit.php?selected_host=1": "/virtual/1/real",
    "/secure/virtual_edit_services.php?selected_host=1": "/virtual/1/scripts",
    "/piranha/secure/control.php": "/control",
}


@pytest.mark.parametrize("old", OLD_ADDRESSES)
def test_an_old_address_leads_to_its_new_page(piranha: Person, old: str) -> None:
    answer = piranha.client.get(old)
    assert answer.status_code == 302
    assert answer.location == OLD_ADDRESSES[old]
    assert piranha.client.get(answer.location).status_code == 200


@pytest.mark.parametrize("path", ["/secure/parse.php", "/secure/lvserror.php", "/x"])
def test_an_address_that_is_nobodys_is_404(piranha: Person, path: str) -> None:
    answer = piranha.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_check_67_the_four_panels_stand_in_their_old_order(piranha: Person) -> None:
    html = piranha.get("/help").text
    bar = html[: html.index("</nav>")]
    places = [
        bar.index(caption)
        for caption in (
            "CONTROL/MONITORING",
            "GLOBAL SETTINGS",
            "REDUNDANCY",
            "VIRTUAL SERVERS",
        )
    ]
    assert places == sorted(places)


def test_help_has_the_seven_sections_in_their_order(piranha: Person) -> None:
    html = piranha.get("/help").text
    titles = [panel.title for panel in help_texts.panels()]
    assert titles == [
        "CONTROL/MONITORING",
        "GLOBAL SETTINGS",
        "REDUNDANCY",
        "VIRTUAL SERVERS",
        "EDIT VIRTUAL SERVER",
        "EDIT REAL SERVER",
        "MONITORING SCRIPTS",
    ]
    places = [html.index(f">{title}</h2>") for title in titles]
    assert places == sorted(places)


def test_help_explains_every_field_with_a_known_keyword() -> None:
    fields = [field for panel in help_texts.panels() for field in panel.fields]
    assert len(fields) > 40
    for field in fields:
        assert field.help, field
        assert not field.keyword or directives.scopes_of(field.keyword), field


def test_check_24_and_114_help_tells_of_arp_and_of_copying_the_file(
    piranha: Person,
) -> None:
    html = piranha.get("/help").text
    assert "arp_ignore" in html
    assert "copy it after each change" in html
    assert "neither" in html
    assert "sysctl.conf" in html


def test_check_76_the_password_page_says_how_and_changes_nothing(
    piranha: Person, place: Place
) -> None:
    html = piranha.get("/password").text
    assert "piranha-passwd" in html
    assert 'type="password"' not in html
    assert str(place.settings.password_file) in html


def test_about_login_is_open_and_tells_the_three_causes(stranger: Person) -> None:
    html = stranger.get("/about-login").text
    assert "piranha-passwd" in html
    assert ":3636" in html
    assert "piranha-gui" in html
