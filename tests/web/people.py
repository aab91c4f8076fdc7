"""Who uses the web tool in tests, and the files that it works on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from piranha_web import passwords
from piranha_web.settings import HashCost, Settings

PASSWORD = "sieben-Lachse-9"
CHEAP = HashCost(time=1, memory_kib=8, parallelism=1)
SAMPLES = Path(__file__).parents[1] / "data" / "valid"


@dataclass
class Person:
    """A browser: keeps cookies, sends the token of the page like a form does."""

    client: FlaskClient

    def get(self, path: str, **query: object) -> TestResponse:
        return self.client.get(path, query_string=query)

    def token(self, path: str = "/login") -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(path).text)
        assert found, f"no form on {path}"
        return found[1]

    def post(self, path: str, data: dict[str, object] | None = None) -> TestResponse:
        """Post with a good token, as a form of the page would."""
        token = self.token("/help" if self.logged_in() else "/login")
        return self.client.post(path, data={"csrf_token": token, **(data or {})})

    def log_in(self, password: str = PASSWORD, user: str = "piranha") -> TestResponse:
        token = self.token("/login")
        fields = {"csrf_token": token, "username": user, "password": password}
        return self.client.post("/login", data=fields)

    def logged_in(self) -> bool:
        return self.get("/help").status_code == 200


@dataclass
class Place:
    """A machine's files: lvs.cf, the password file, an empty runtime directory."""

    settings: Settings

    @property
    def config(self) -> Path:
        return self.settings.config

    def text(self) -> str:
        return self.config.read_bytes().decode()

    def write(self, text: str) -> None:
        self.config.write_bytes(text.encode())

    def set_password(self, password: str = PASSWORD) -> None:
        new = passwords.Hasher(CHEAP).make(password)
        passwords.store(self.settings.password_file, new)
