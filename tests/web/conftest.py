"""The web tool on real files; `piranha` is logged in, `stranger` is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from piranha_web import create_app
from piranha_web.settings import Settings
from tests.web.people import CHEAP, Person, Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    settings = Settings(
        config=tmp_path / "lvs.cf",
        password_file=tmp_path / "piranha.passwd",
        runtime_dir=tmp_path / "run",
        secret_key_file=tmp_path / "piranha.secret",
        hash_cost=CHEAP,
    )
    place = Place(settings)
    place.write("")
    place.set_password()
    return place


@pytest.fixture
def app(place: Place) -> Flask:
    application = create_app(place.settings)
    application.testing = True
    return application


@pytest.fixture
def stranger(app: Flask) -> Person:
    return Person(app.test_client())


@pytest.fixture
def piranha(app: Flask) -> Person:
    """The administrator, logged in."""
    person = Person(app.test_client())
    assert person.log_in().status_code == 303
    return person
