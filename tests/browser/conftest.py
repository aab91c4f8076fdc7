"""Chromium, and the real application on a free loopback port with files of its own."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from piranha_web import create_app
from piranha_web.settings import Settings
from tests.browser import recorded
from tests.browser.daemon import RecordedDaemon
from tests.web.people import CHEAP, PASSWORD, Place

CHROMIUM = Path("/usr/bin/chromium")
# Chromium calls its maker's servers unless told not to.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
WIDE: ViewportSize = {"width": 1440, "height": 900}
PICTURES = Path(
    os.environ.get("PIRANHA_SCREENSHOTS", Path(__file__).parent / "screenshots")
)

Picture = Callable[[Page, str], None]


class Open(Protocol):
    """Opens a page in a browser of its own, by default as the administrator."""

    def __call__(
        self,
        path: str,
        *,
        log_in: bool = True,
        viewport: ViewportSize = WIDE,
        color_scheme: Literal["light", "dark"] = "light",
        java_script_enabled: bool = True,
    ) -> Page: ...


class Quiet(WSGIRequestHandler):
    """Serves without a line of log for each picture and style sheet."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@dataclass
class Site:
    """The application as a browser sees it, and the files behind it."""

    url: str
    place: Place

    def revision(self) -> str:
        return hashlib.sha256(self.place.config.read_bytes()).hexdigest()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The application, with the recorded lvs.cf and no daemon."""
    place = Place(
        Settings(
            config=tmp_path / "lvs.cf",
            password_file=tmp_path / "piranha.passwd",
            runtime_dir=tmp_path / "run",
            secret_key_file=tmp_path / "piranha.secret",
            hash_cost=CHEAP,
        )
    )
    place.write(recorded.FILE)
    place.set_password()
    server = make_server(
        "127.0.0.1",
        0,
        create_app(place.settings),
        threaded=True,
        request_handler=Quiet,
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", place)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def daemon(site: Site) -> Iterator[RecordedDaemon]:
    """A daemon that runs the file which is saved."""
    status = recorded.shop(time.time(), site.revision())
    with RecordedDaemon(site.place.settings.runtime_dir, status) as running:
        yield running


@pytest.fixture
def open_page(chromium: Browser, site: Site) -> Iterator[Open]:
    """Errors in the scripts of a page, and breaches of its policy, fail the test."""
    contexts = []
    complaints: list[str] = []

    def breaches(text: str) -> None:
        if "Content Security Policy" in text:
            complaints.append(text)

    def go(
        path: str,
        *,
        log_in: bool = True,
        viewport: ViewportSize = WIDE,
        color_scheme: Literal["light", "dark"] = "light",
        java_script_enabled: bool = True,
    ) -> Page:
        context = chromium.new_context(
            viewport=viewport,
            color_scheme=color_scheme,
            java_script_enabled=java_script_enabled,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: breaches(line.text))
        if log_in:
            page.goto(f"{site.url}/login")
            page.fill("[name=username]", "piranha")
            page.fill("[name=password]", PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url("**/control")
        page.goto(site.url + path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture(scope="package")
def picture() -> Picture:
    """`picture(page, name)`: the whole page as a PNG, for people to look at."""

    def take(page: Page, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        # Bars that stick to the window's end belong to the page's end on a picture.
        window = page.viewport_size or WIDE
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": window["width"], "height": height})
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        page.set_viewport_size(window)

    return take
