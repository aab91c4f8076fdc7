"""The web tool on real files; `piranha` is logged in, `stranger` is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from piranha_web import create_app
from piranha_web.settings import Settings
from tests.web.people import CHEAP, Person, Place

CONFIG = """\
serial_no = 14
primary = 192.168.26.9
service = lvs
backup_active = 0
heartbeat = 1
heartbeat_port = 539
keepalive = 6
deadtime = 18
network = nat
nat_router = 10.11.12.10 eth1:1
nat_nmask = 255.255.255.0
virtual HTTP {
     active = 1
     address = 192.168.26.10 eth0:1
     vip_nmask = 255.255.255.0
     port = 80
     send = "GET / HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP"
     use_regex = 0
     load_monitor = none
     scheduler = wlc
     protocol = tcp
     timeout = 6
     reentry = 15
     quiesce_server = 0
     server one {
         address = 10.11.12.1
         active = 1
         weight = 1
     }
     server two {
         address = 10.11.12.2
         active = 0
         weight = 2
     }
}
"""


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
    place.write(CONFIG)
    place.set_password()
    return place


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates compiled once for all tests; that is most of the time of a request."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("jinja")))


@pytest.fixture
def app(place: Place, compiled: FileSystemBytecodeCache) -> Flask:
    application = create_app(place.settings)
    application.testing = True
    application.jinja_env.bytecode_cache = compiled
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
