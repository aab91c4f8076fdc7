"""Who uses the web tool in tests, and the files that it works on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lvs_engine.adapters.config_file import service_ports
from lvs_engine.config.loading import load
from lvs_engine.config.model import Cluster
from piranha_web import passwords
from piranha_web.settings import HashCost, Settings

PASSWORD = "sieben-Lachse-9"
CHEAP = HashCost(time=1, memory_kib=8, parallelism=1)


@dataclass
class Person:
    """A browser without JavaScript: keeps cookies, fills in forms as they are drawn."""

    client: FlaskClient

    def get(self, path: str, **query: object) -> TestResponse:
        return self.client.get(path, query_string=query)

    def log_in(self, password: str = PASSWORD, user: str = "piranha") -> TestResponse:
        fields = {"username": user, "password": password}
        return self.client.post("/login", data={**self.token("/login"), **fields})

    def logged_in(self) -> bool:
        return self.get("/help").status_code == 200

    def token(self, path: str = "/about-login") -> dict[str, str]:
        """The token of a page's first form, as one more field."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert found, f"no form on {path}"
        return {"csrf_token": found[1]}

    def form(self, path: str) -> dict[str, str]:
        """What a browser would send of the form about lvs.cf on a page."""
        response = self.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return fields_of(response.text)

    def submit(
        self, path: str, button: tuple[str, str], to: str = "", **typed: str | None
    ) -> TestResponse:
        """Load a page, type into its form, press a button.

        Args:
            path: of the page with the form.
            button: its name and caption.
            to: where the form goes, if not to its own page.
            typed: what is typed; None takes a field out (an unchecked box).
        """
        fields = {**self.form(path), button[0]: button[1]}
        for name, text in typed.items():
            if text is None:
                fields.pop(name, None)
            else:
                fields[name] = text
        return self.client.post(to or path, data=fields)


@dataclass
class Place:
    """A machine's files: lvs.cf, the password file, an empty runtime directory."""

    settings: Settings

    @property
    def config(self) -> Path:
        return self.settings.config

    def text(self) -> str:
        return self.config.read_bytes().decode("utf-8", "surrogateescape")

    def write(self, text: str) -> None:
        self.config.write_bytes(text.encode("utf-8", "surrogateescape"))

    @property
    def cluster(self) -> Cluster:
        return load(self.text(), service_ports()).cluster

    def lines(self, keyword: str) -> list[str]:
        """The lines with a keyword, without their indent."""
        found = [line.strip() for line in self.text().splitlines()]
        return [line for line in found if line.split()[:1] == [keyword]]

    def set_password(self, password: str = PASSWORD) -> None:
        new = passwords.Hasher(CHEAP).make(password)
        passwords.store(self.settings.password_file, new)


def fields_of(html: str) -> dict[str, str]:
    """The fields of the form that carries a revision, without its buttons."""
    parser = _Forms()
    parser.feed(html)
    forms = [form for form in parser.forms if "revision" in form]
    assert len(forms) == 1, f"{len(forms)} forms about lvs.cf"
    return forms[0]


@dataclass
class _Forms(HTMLParser):
    """Collects what a browser would send: no disabled fields, only what is checked."""

    forms: list[dict[str, str]] = field(default_factory=list)
    _select: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({})
        elif tag == "select" and "disabled" not in given:
            self._select = given.get("name") or ""
        elif tag == "option" and self._select:
            self._option(given)
        elif tag == "input" and self.forms and "disabled" not in given:
            self._input(given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""

    def _option(self, given: Mapping[str, str | None]) -> None:
        form = self.forms[-1]
        if "selected" in given or self._select not in form:
            form[self._select] = given.get("value") or ""

    def _input(self, given: Mapping[str, str | None]) -> None:
        name, kind = given.get("name"), given.get("type")
        if not name or (kind in ("radio", "checkbox") and "checked" not in given):
            return
        self.forms[-1][name] = given.get("value") or ""
