"""The command piranha-gui as a process, and its settings."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from piranha_web.settings import CONFIG, PASSWORD_FILE, RUNTIME_DIR, from_environment
from tests.web.people import Place

COMMAND = [sys.executable, "-c", "from piranha_web.serve import main; main()"]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port = trial.getsockname()[1]
    assert isinstance(port, int)
    return port


def environment(place: Place) -> dict[str, str]:
    return {
        **os.environ,
        "PIRANHA_CONFIG": str(place.config),
        "PIRANHA_PASSWORD_FILE": str(place.settings.password_file),
        "PIRANHA_RUNTIME_DIR": str(place.settings.runtime_dir),
    }


def run(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=environment(place),
    )


def test_a_port_that_is_taken_is_one_sentence(place: Place, taken: int) -> None:
    done = run(place, "--bind", f"127.0.0.1:{taken}")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"Cannot listen on 127.0.0.1:{taken}: address already in use" in done.stderr


def test_a_missing_lvs_cf_is_one_sentence(place: Place) -> None:
    place.config.unlink()
    done = run(place)
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1
    assert str(place.config) in done.stderr


@pytest.mark.parametrize("bind", ["3636", "127.0.0.1:", "127.0.0.1:99999", ":80"])
def test_an_address_that_is_none_is_a_usage_error(place: Place, bind: str) -> None:
    assert run(place, "--bind", bind).returncode == 2


def test_check_45_and_46_it_answers_on_the_port_that_was_named(place: Place) -> None:
    port = free_port()
    with subprocess.Popen(
        [*COMMAND, "--bind", f"127.0.0.1:{port}"],
        env=environment(place),
        stderr=subprocess.PIPE,
    ) as server:
        try:
            page = wait_for(f"http://127.0.0.1:{port}/login")
        finally:
            server.terminate()
            server.communicate(timeout=20)
    assert b"csrf_token" in page
    assert server.returncode == 0


def wait_for(url: str) -> bytes:
    last: Exception | None = None
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except urllib.error.URLError as error:
            last = error
            time.sleep(0.1)
    raise AssertionError(f"{url} never answered: {last}")


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    found = from_environment(
        {
            "PIRANHA_CONFIG": "/x/lvs.cf",
            "PIRANHA_PASSWORD_FILE": str(tmp_path / "passwd"),
            "PIRANHA_RUNTIME_DIR": "/x/run",
        }
    )
    assert found.config == Path("/x/lvs.cf")
    assert found.runtime_dir == Path("/x/run")
    assert found.password_file == tmp_path / "passwd"
    assert found.secret_key_file == tmp_path / "piranha.secret"


def test_an_argument_wins_over_the_environment() -> None:
    found = from_environment({"PIRANHA_CONFIG": "/x"}, config=Path("/y"))
    assert found.config == Path("/y")


def test_the_usual_places_are_the_originals() -> None:
    found = from_environment({})
    assert (found.config, found.password_file) == (CONFIG, PASSWORD_FILE)
    assert found.runtime_dir == RUNTIME_DIR


def test_the_key_lives_in_the_runtime_directory_where_the_other_is_closed(
    tmp_path: Path,
) -> None:
    found = from_environment(
        {},
        password_file=tmp_path / "nowhere" / "passwd",
        runtime_dir=tmp_path / "run",
    )
    assert found.secret_key_file == tmp_path / "run" / "piranha.secret"
