"""One run of the lab: build, start, keep, take down.

With namespaces it is the whole network, with pulse in the router; without, the page and
lvsd on a table in memory. Real servers are never asked from the host's own network.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from lvs_engine.adapters.control_socket import ask_node
from lvs_engine.adapters.namespaces import Namespaces
from lvs_engine.daemons.lab import screen
from lvs_engine.daemons.lab.place import LabError, Place, Record
from lvs_engine.daemons.lab.processes import Part, Processes
from lvs_engine.daemons.lab.topology import (
    CLIENT,
    EXAMPLE,
    HTTP_PORT,
    NODES,
    PUBLIC_NETWORK,
    ROUTER,
    SERVERS,
)
from lvs_engine.errors import ControlError

_T = TypeVar("_T")

_LOOK_PERIOD_S = 0.2
_PAGE_LIMIT_S = 30.0
_ROUTER_LIMIT_S = 20.0
# Letters and digits that nobody takes for one another.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person chose.

    Attributes:
        port: of the page, on 127.0.0.1.
        password: empty to make one up.
        missing: why there is no network, in a sentence; empty when there is one.
    """

    place: Place
    namespaces: Namespaces
    port: int
    password: str = ""
    missing: str = ""


class Lab:
    """Runs until it is told to stop by TERM or INT.

    Args:
        settings: what was chosen.
        show: prints text for the person.
    """

    def __init__(self, settings: Settings, show: Callable[[str], None]) -> None:
        self._settings = settings
        self._place = settings.place
        self._show = show
        self._processes = Processes(settings.place.logs, settings.place.mark)
        self._stopping = asyncio.Event()
        self._written = Record()
        # One thread: what an interrupted start still makes is made before it is removed.
        self._worker = ThreadPoolExecutor(1, "lab")

    async def run(self) -> int:
        """The exit status.

        Raises:
            LabError: it cannot be started; what was begun is taken down.
            KernelError: the network cannot be built.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        started = asyncio.create_task(self._start())
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({started, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if started.done():
                started.result()
                await self._keep()
        finally:
            for task in (started, stopped):
                task.cancel()
            await asyncio.gather(started, stopped, return_exceptions=True)
            await self._take_down()
        return 0

    async def _start(self) -> None:
        settings = self._settings
        self._place.make(EXAMPLE)
        password = settings.password or made_up_password()
        await self._in_worker(
            partial(_store_password, self._place.password_file, password)
        )
        plane = ""
        if not settings.missing:
            await self._in_worker(partial(settings.namespaces.build, NODES))
            plane = await self._in_worker(self._plane)
        for part in self._parts():
            self._processes.start(part)
        await self._page_answers()
        if plane:
            await self._router_acts()
        access = screen.Access(
            f"http://127.0.0.1:{settings.port}",
            "" if settings.password else password,
            _typed(program("piranha")),
            self._place.configuration,
            self._place.logs,
        )
        self._show(
            screen.routed(access, plane)
            if plane
            else screen.memory(access, settings.missing)
        )

    def _parts(self) -> Iterable[Part]:
        settings, place = self._settings, self._place
        if settings.missing:
            yield Part(
                "lvsd",
                [sys.executable, "-m", "lvs_engine.cli.lvsd", "--norun", "--nodaemon",
                 "--configfile", str(place.configuration)],
                {"PIRANHA_RUNTIME_DIR": str(place.runtime)},
            )  # fmt: skip
        else:
            yield from self._network_parts()
        yield Part(
            "page",
            [program("piranha-gui"), "--bind", f"127.0.0.1:{settings.port}",
             "--config", str(place.configuration), "--runtime-dir", str(place.runtime),
             "--password-file", str(place.password_file)],
        )  # fmt: skip

    def _network_parts(self) -> Iterable[Part]:
        place, inside = self._place, self._settings.namespaces.inside
        module = [sys.executable, "-m"]
        for server in SERVERS:
            yield self._service(server.name)
        yield Part(
            "pulse",
            inside(ROUTER.name, *module, "lvs_engine.cli.pulse", "--nodaemon",
                   "--configfile", str(place.configuration),
                   "--runtime-dir", str(place.runtime)),
        )  # fmt: skip
        yield Part(
            "traffic",
            inside(CLIENT.name, *module, "lvs_engine.daemons.lab.traffic",
                   str(place.runtime), PUBLIC_NETWORK),
        )  # fmt: skip

    def _service(self, server: str) -> Part:
        module = "lvs_engine.daemons.lab.web_service"
        command = [sys.executable, "-m", module, server, str(HTTP_PORT)]
        return Part(server, self._settings.namespaces.inside(server, *command))

    def _plane(self) -> str:
        """Which data plane the router will have.

        Raises:
            LabError: none, and what to install.
        """
        probe = [sys.executable, "-m", "lvs_engine.daemons.lab.plane_probe"]
        done = subprocess.run(
            self._settings.namespaces.inside(ROUTER.name, *probe),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LabError(done.stderr.strip().splitlines()[-1])
        return done.stdout.strip()

    async def _page_answers(self) -> None:
        """Wait for the page.

        Raises:
            LabError: it does not come; the message has its last words.
        """
        deadline = time.monotonic() + _PAGE_LIMIT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(
                    "127.0.0.1", self._settings.port
                )
                writer.close()
                return
            self._note()
            await asyncio.sleep(_LOOK_PERIOD_S)
        words = _last_words(self._processes.log("page"))
        raise LabError(f"the page does not come up: {words}")

    async def _router_acts(self) -> None:
        """Wait until pulse holds the addresses; a lab without it is worth a look too."""
        deadline = time.monotonic() + _ROUTER_LIMIT_S
        node: object = None
        while time.monotonic() < deadline:
            with contextlib.suppress(ControlError):
                status = await asyncio.to_thread(
                    ask_node, self._place.runtime, "status"
                )
                node = status.get("node")
                if isinstance(node, dict) and node.get("state") == "active":
                    return
            await asyncio.sleep(_LOOK_PERIOD_S)
        words = _last_words(self._processes.log("pulse"))
        self._show(f"The router is not active yet: {words}")

    async def _keep(self) -> None:
        """Carry out wishes, and note what runs, until it is time to stop."""
        while not self._stopping.is_set():
            broken = self._place.broken()
            for server in () if self._settings.missing else SERVERS:
                if server.name in broken:
                    await self._processes.stop(server.name, grace_s=1.0)
                else:
                    self._processes.start(self._service(server.name))
            self._note()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _LOOK_PERIOD_S)

    def _note(self) -> None:
        record = Record(
            os.getpid(),
            f"http://127.0.0.1:{self._settings.port}",
            str(self._place.configuration),
            self._processes.pids,
        )
        if record != self._written:
            self._place.write(record)
            self._written = record

    async def _take_down(self) -> None:
        """Client first, then the page, then the router, then what it served."""
        await self._processes.stop("traffic", "page")
        await self._processes.stop("pulse", "lvsd")
        await self._processes.stop(*self._processes.pids)
        if not self._settings.missing:
            await self._in_worker(self._settings.namespaces.remove)
        await self._in_worker(self._place.end_processes)
        await self._in_worker(self._place.remove)
        self._worker.shutdown()

    async def _in_worker(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)


def require_free(port: int) -> None:
    """Refuse a port that somebody listens on.

    Raises:
        LabError: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LabError(
                f"port {port} cannot be used ({(error.strerror or '').lower()}): choose "
                "another one with --port"
            ) from None


def made_up_password() -> str:
    """Twelve letters and digits, in three groups for reading aloud."""
    letters = [secrets.choice(_ALPHABET) for _ in range(12)]
    return "-".join("".join(letters[i : i + 4]) for i in (0, 4, 8))


def program(name: str) -> str:
    """A program of this installation: beside our Python, else from the path."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or name


def _typed(path: str) -> str:
    """What to type for a program: from here where it is below, else whole."""
    with contextlib.suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def _store_password(path: Path, password: str) -> None:
    done = subprocess.run(
        [program("piranha-passwd"), "--stdin", "--file", str(path)],
        input=password + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(f"the password is not taken: {done.stderr.strip()}")


def _last_words(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text("utf-8", "replace").strip().splitlines()
        if lines:
            return lines[-1]
    return "it said nothing"
