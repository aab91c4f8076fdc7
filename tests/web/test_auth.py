from __future__ import annotations

import pytest
from flask import Flask

from piranha_web import auth, passwords
from tests.web.people import PASSWORD, Person, Place
from tests.web.test_passwords import OLD_HASHES

EXAMPLES = {"n": "1", "m": "1", "page": "control.php", "filename": "css/frame.css"}


def every_route(app: Flask) -> list[tuple[str, str, str]]:
    """Each route and method: (endpoint, path, method)."""
    found: list[tuple[str, str, str]] = []
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for argument in rule.arguments:
            for kind in ("int:", "path:", ""):
                path = path.replace(f"<{kind}{argument}>", EXAMPLES[argument])
        if "<" in path:  # a converter with a list of its own
            path = "/docs.html"
        methods = (rule.methods or set()) - {"OPTIONS"}
        found.extend((rule.endpoint, path, method) for method in methods)
    return sorted(found)


def test_every_route_is_closed_to_a_stranger_unless_it_is_named_public(
    app: Flask, stranger: Person, place: Place
) -> None:
    before = place.text()
    walked = 0
    token = stranger.token("/login")
    for endpoint, path, method in every_route(app):
        data = token if method == "POST" else None
        answer = stranger.client.open(path, method=method, data=data)
        if endpoint in auth.PUBLIC:
            assert answer.status_code in (200, 302, 303, 422), (path, method)
            answer.close()
            continue
        walked += 1
        closed = answer.status_code == 401 or (
            answer.status_code in (302, 303) and "/login" in answer.location
        )
        assert closed, (path, method, answer.status_code)
    assert walked > 25
    assert place.text() == before


def test_the_public_list_names_only_real_endpoints(app: Flask) -> None:
    assert set(app.view_functions) >= auth.PUBLIC


def test_check_65_the_welcome_page_is_open_and_has_a_login_button(
    stranger: Person,
) -> None:
    page = stranger.get("/")
    assert page.status_code == 200
    assert "Login" in page.text or "Log in" in page.text


def test_check_66_control_comes_first_after_the_log_in(stranger: Person) -> None:
    answer = stranger.log_in()
    assert answer.status_code == 303
    assert answer.location == "/control"
    assert stranger.get("/control").status_code == 200


def test_check_39_without_a_password_nobody_logs_in_and_the_page_says_how_to_set_one(
    stranger: Person, place: Place
) -> None:
    token = stranger.token("/login")
    place.settings.password_file.unlink()
    assert "piranha-passwd" in stranger.get("/login").text
    for password in ("", PASSWORD, "piranha"):
        fields = {"username": "piranha", "password": password, **token}
        assert stranger.client.post("/login", data=fields).status_code == 422
    assert not stranger.logged_in()


@pytest.mark.parametrize("user", ["root", "Piranha", "", "anna", "piranha:x"])
def test_check_40_only_the_user_piranha_is_accepted(
    stranger: Person, place: Place, user: str
) -> None:
    anna = passwords.stored_hash(place.settings.password_file)
    assert anna is not None
    passwords.store(place.settings.password_file, anna, account="anna")
    assert stranger.log_in(user=user).status_code == 422
    assert not stranger.logged_in()


def test_a_wrong_password_is_refused_with_a_message_at_the_field(
    stranger: Person,
) -> None:
    answer = stranger.log_in("falsch-falsch")
    assert answer.status_code == 422
    assert "The user name or the password is wrong." in answer.text
    assert "falsch-falsch" not in answer.text


def test_check_41_a_new_password_ends_running_sessions(
    piranha: Person, place: Place
) -> None:
    assert piranha.logged_in()
    place.set_password("acht-Lachse-10")
    assert not piranha.logged_in()
    assert piranha.log_in("acht-Lachse-10").status_code == 303


def test_a_session_ends_when_the_password_is_taken_away(
    piranha: Person, place: Place
) -> None:
    place.settings.password_file.write_text("")
    assert not piranha.logged_in()


@pytest.mark.parametrize("kind", OLD_HASHES)
def test_an_old_hash_logs_in_once_and_is_then_argon2id(
    stranger: Person, place: Place, kind: str
) -> None:
    file = place.settings.password_file
    file.write_text(f"anna:x\npiranha:{OLD_HASHES[kind]}\n")
    assert stranger.log_in("geheimnis-7").status_code == 303
    assert stranger.logged_in()
    stored = passwords.stored_hash(file)
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert file.read_text().startswith("anna:x\n")


def test_guessing_has_to_wait_and_the_page_says_how_long(stranger: Person) -> None:
    for _ in range(5):
        assert stranger.log_in("falsch-falsch").status_code == 422
    answer = stranger.log_in(PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Too many wrong passwords" in answer.text
    assert not stranger.logged_in()


def test_logging_out_needs_a_post_and_ends_the_session(piranha: Person) -> None:
    assert piranha.get("/logout").status_code == 405
    assert piranha.logged_in()
    answer = piranha.client.post("/logout", data=piranha.token("/control"))
    assert answer.status_code == 303
    assert not piranha.logged_in()


def test_the_cookie_is_closed_to_scripts_and_other_sites(stranger: Person) -> None:
    cookie = stranger.log_in().headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("/virtual?selected_host=2", "/virtual?selected_host=2"),
        ("//evil.example/x", "/control"),
        ("/\\evil.example", "/control"),
        ("https://evil.example/", "/control"),
        ("javascript:alert(1)", "/control"),
        ("", "/control"),
    ],
)
def test_the_log_in_leads_only_to_pages_of_this_tool(
    stranger: Person, wanted: str, given: str
) -> None:
    fields = {"username": "piranha", "password": PASSWORD, "next": wanted}
    fields |= stranger.token("/login")
    assert stranger.client.post("/login", data=fields).location == given


def test_a_closed_page_is_shown_after_the_log_in(stranger: Person) -> None:
    answer = stranger.get("/virtual", selected_host=2)
    assert answer.status_code == 302
    assert answer.location == "/login?next=/virtual?selected_host%3D2"


def test_no_post_is_taken_without_its_token(
    app: Flask, piranha: Person, place: Place
) -> None:
    before = place.text()
    posts = [p for _, p, method in every_route(app) if method == "POST"]
    assert len(posts) > 10
    for path in posts:
        answer = piranha.client.post(path, data={"csrf_token": "guessed"})
        assert answer.status_code == 400, path
        assert "another session" in answer.text
    assert place.text() == before


def test_every_answer_has_the_headers_that_keep_it_in(
    piranha: Person, stranger: Person
) -> None:
    for person, path in ((stranger, "/"), (piranha, "/global"), (piranha, "/nowhere")):
        headers = person.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "Referrer-Policy" in headers


def test_pages_have_nothing_inline_and_nothing_foreign(
    app: Flask, piranha: Person
) -> None:
    for _, path, method in every_route(app):
        if method != "GET" or path.startswith("/static"):
            continue
        html = piranha.get(path).text
        for forbidden in ("<style", " style=", "onclick=", "<script>", 'src="http'):
            assert forbidden not in html, (path, forbidden)
