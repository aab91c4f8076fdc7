from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.web.people import Person, Place

ACCEPT = ("gen_service", "ACCEPT")
PAGE = "/virtual/1/scripts"
PROGRAM = "/bin/true"


def test_check_8_the_stored_texts_are_shown_with_their_escapes(piranha: Person) -> None:
    form = piranha.form(PAGE)
    assert form["send"] == r"GET / HTTP/1.0\r\n\r\n"
    assert form["expect"] == "HTTP"
    assert form["send_program"] == ""
    assert "use_regex" not in form


@pytest.mark.parametrize(
    "text",
    [
        r"HEAD / HTTP/1.0\r\nHost: a\r\n\r\n",
        r"tab\there\\back",
        r"say \"hi\" and \'bye\'",
        "braces { } and # no comment",
        "it's",
        " leading and trailing ",
        "*",
    ],
)
def test_check_111_texts_are_stored_byte_for_byte(
    piranha: Person, place: Place, text: str
) -> None:
    assert piranha.submit(PAGE, ACCEPT, send=text).status_code == 303
    assert place.lines("send") == [f'send = "{text}"']
    assert place.cluster.virtuals[0].send == text
    assert piranha.form(PAGE)["send"] == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("send", 'a "bare" quote'),
        ("send", "ümlaut"),
        ("send", r"unknown \x escape"),
        ("send", "ends with \\"),
        ("send", "real\nnewline"),
        ("send", "x" * 256),
        ("expect", "real\ttab"),
        ("expect", 'quote"'),
        ("send_program", "relative/path"),
        ("send_program", "/no/such/program %h"),
        ("send_program", "/etc/passwd %h"),
        ("send_program", "/bin %h"),
        ("send_program", f"{PROGRAM} " + "x" * 254),
        ("send_program", f"{PROGRAM} " + "x " * 40),
        ("send_program", f'{PROGRAM} "quoted"'),
    ],
)
def test_a_wrong_text_is_422_at_its_field_and_writes_nothing(
    piranha: Person, place: Place, name: str, text: str
) -> None:
    before = place.text()
    answer = piranha.submit(PAGE, ACCEPT, **{name: text})
    assert answer.status_code == 422
    assert f'href="#{name}"' in answer.text
    assert place.text() == before


def test_check_9_and_109_a_program_is_stored_in_quotes(
    piranha: Person, place: Place
) -> None:
    answer = piranha.submit(PAGE, ACCEPT, send_program=f"{PROGRAM} %h %p")
    assert answer.status_code == 303
    assert place.lines("send_program") == [f'send_program = "{PROGRAM} %h %p"']


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "probe"
    path.write_text("#!/bin/sh\necho OK\n")
    path.chmod(0o755)
    return path


def test_a_program_that_others_may_change_is_refused(
    piranha: Person, place: Place, script: Path
) -> None:
    before = place.text()
    script.chmod(0o775)
    answer = piranha.submit(PAGE, ACCEPT, send_program=f"{script} %h")
    assert answer.status_code == 422
    assert "others than root may change" in answer.text
    assert place.text() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of root's")
def test_a_program_of_root_is_taken(
    piranha: Person, place: Place, script: Path
) -> None:
    answer = piranha.submit(PAGE, ACCEPT, send_program=f"{script} %h")
    assert answer.status_code == 303
    assert place.cluster.virtuals[0].send_program == f"{script} %h"


def test_a_program_of_the_file_that_is_not_here_does_not_block_other_edits(
    piranha: Person, place: Place
) -> None:
    place.write(
        place.text().replace(
            'send = "GET', 'send_program = "/x/y %h"\n     send = "GET'
        )
    )
    assert piranha.submit(PAGE, ACCEPT, expect="200").status_code == 303
    assert place.lines("send_program") == ['send_program = "/x/y %h"']


def test_check_112_a_regular_expression_is_stored_and_must_compile(
    piranha: Person, place: Place
) -> None:
    before = place.text()
    answer = piranha.submit(PAGE, ACCEPT, expect="(unclosed", use_regex="1")
    assert answer.status_code == 422
    assert 'href="#expect"' in answer.text
    assert place.text() == before
    piranha.submit(PAGE, ACCEPT, expect="^HTTP/1[.][01] [23]", use_regex="1")
    assert place.lines("use_regex") == ["use_regex = 1"]
    assert place.cluster.virtuals[0].expect == "^HTTP/1[.][01] [23]"


def test_a_wrong_expression_is_refused_before_the_entry_is_activated(
    piranha: Person, place: Place
) -> None:
    place.write(place.text().replace("     active = 1\n     addr", "     addr", 1))
    answer = piranha.submit(PAGE, ACCEPT, expect="(unclosed", use_regex="1")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("caption", "keyword"),
    [
        ("NO SEND PROGRAM", "send_program"),
        ("BLANK SEND", "send"),
        ("BLANK EXPECT", "expect"),
    ],
)
def test_check_113_a_blanking_button_omits_the_key_and_keeps_other_edits(
    piranha: Person, place: Place, caption: str, keyword: str
) -> None:
    piranha.submit(PAGE, ACCEPT, send_program=f"{PROGRAM} %h")
    other = "expect" if keyword != "expect" else "send"
    answer = piranha.submit(PAGE, ("gen_service", caption), **{other: "kept"})
    assert answer.status_code == 303
    assert place.lines(keyword) == []
    assert place.lines(other) == [f'{other} = "kept"']


def test_check_113_an_emptied_field_omits_the_key_too(
    piranha: Person, place: Place
) -> None:
    piranha.submit(PAGE, ACCEPT, send="", expect="")
    assert place.lines("send") == []
    assert place.lines("expect") == []


def test_cancel_leads_to_the_virtual_server(piranha: Person) -> None:
    answer = piranha.submit(PAGE, ("gen_service", "CANCEL"), send="lost")
    assert answer.location == "/virtual/1"
