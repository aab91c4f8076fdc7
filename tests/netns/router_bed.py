"""The manual's network in namespaces of its own, with a real pulse in the router."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lvs_engine.adapters.control_socket import ask
from lvs_engine.adapters.namespaces import Namespaces, Node
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import ServerState, Status
from lvs_engine.daemons.lab.topology import EXAMPLE, NODES, SERVERS, VIP
from lvs_engine.errors import ControlError
from tests.netns.inside import inside

# Short times, and a scheduler that gives each server exactly its share.
QUICK = (
    EXAMPLE.replace("timeout = 6", "timeout = 1")
    .replace("reentry = 15", "reentry = 1")
    .replace("scheduler = wlc", "scheduler = wrr")
)
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"


class Network:
    """Namespaces, services and pulse; everything ends with the `with` statement."""

    router = "router"  # the node that pulse runs on

    def __init__(self, directory: Path, mark: str) -> None:
        self.namespaces = Namespaces(f"piranha-{mark}{os.getpid()}-")
        self.directory = directory
        self.runtime = directory / "run"
        self.runtime.mkdir()
        self.file = directory / "lvs.cf"
        self.file.write_text(QUICK, "ascii")
        self.log = directory / "pulse.log"
        self._services: dict[str, subprocess.Popen[bytes]] = {}
        self._pulses: list[subprocess.Popen[bytes]] = []
        self._wrapper = _wrapper(directory)

    @contextmanager
    def built(self, *more: Node) -> Iterator[Network]:
        try:
            self.namespaces.build((*NODES, *more))
            yield self
        finally:
            self.end_processes()
            self.namespaces.remove()

    def end_processes(self) -> None:
        for process in [*self._pulses, *self._services.values()]:
            process.kill()
            process.wait()

    def start_services(self) -> None:
        for server in SERVERS:
            self.heal(server.name)

    def heal(self, server: str) -> None:
        module = "lvs_engine.daemons.lab.web_service"
        command = [sys.executable, "-m", module, server, "80"]
        self._services[server] = subprocess.Popen(
            self.namespaces.inside(server, *command)
        )

    def crash(self, server: str) -> None:
        """Its service dies; connections to it are refused from now on."""
        process = self._services.pop(server)
        process.kill()
        process.wait()

    def pulse_command(self, *options: str) -> list[str]:
        return self.namespaces.inside(
            self.router,
            sys.executable, "-m", "lvs_engine.cli.pulse",
            "-c", str(self.file), "--runtime-dir", str(self.runtime),
            "--plane", "nftables", f"--lvsd={self._wrapper}", *options,
        )  # fmt: skip

    def start_pulse(self, *options: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                self.pulse_command("-n", *options), stdout=output, stderr=output
            )
        self._pulses.append(process)
        return process

    def run_pulse(self, *options: str) -> subprocess.CompletedProcess[str]:
        """A pulse that is expected to end soon."""
        command = self.pulse_command(*options)
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=30
        )

    def stop_pulse(self, process: subprocess.Popen[bytes]) -> int:
        process.terminate()
        return process.wait(20)

    def in_router(self, *command: str) -> str:
        return self.in_node(self.router, *command)

    def in_node(self, node: str, *command: str) -> str:
        done = subprocess.run(
            self.namespaces.inside(node, *command),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def addresses(self) -> set[str]:
        """`eth0 192.168.26.9/24 eth0` for every IPv4 address of the router."""
        lines = self.in_router("ip", "-o", "-4", "addr", "show").splitlines()
        words = [line.split("\\")[0].split() for line in lines]
        return {f"{w[1]} {w[3]} {w[-1]}" for w in words if w[1] != "lo"}

    def status(self) -> Status:
        return from_dict(ask(self.runtime / "pulse.sock", "status"))

    def ask(self, do: str) -> dict[str, object]:
        return ask(self.runtime / "pulse.sock", do, timeout_s=10)

    def pid(self, daemon: str) -> int:
        """Process id of a daemon that runs, else 0; also while pulse does not answer."""
        try:
            return next((d.pid for d in self.status().daemons if d.name == daemon), 0)
        except ControlError:
            return 0

    def server(self, name: str) -> ServerState | None:
        try:
            services = self.status().services
        except ControlError:
            return None
        states = {s.name: s.state for service in services for s in service.servers}
        return states.get(name)

    def request(self, address: str = VIP, limit_s: float = 1.0) -> str:
        """Who answers the client; `-` for nobody."""
        return self.requests(1, address, limit_s).most_common()[0][0]

    def requests(
        self, number: int, address: str = VIP, limit_s: float = 1.0
    ) -> Counter[str]:
        """How often each server answered `number` requests of the client."""

        def send() -> Counter[str]:
            return Counter(_get(address, limit_s) for _ in range(number))

        return inside(self.namespaces.of("client"), send)


def until(true: Callable[[], object], limit_s: float, what: str) -> float:
    """Wait until `true()`; the seconds that it took."""
    began = time.monotonic()
    while not true():
        waited_s = time.monotonic() - began
        assert waited_s < limit_s, f"not within {limit_s:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def kill(pid: int) -> None:
    assert pid > 1
    os.kill(pid, signal.SIGKILL)


def _get(address: str, limit_s: float) -> str:
    try:
        with socket.create_connection((address, 80), limit_s) as connection:
            connection.sendall(_REQUEST)
            answer = b""
            while data := connection.recv(4096):
                answer += data
    except OSError:
        return "-"
    return answer.partition(b"\r\n\r\n")[2].decode().strip()


def _wrapper(directory: Path) -> Path:
    """An lvsd that looks for drift each second, for `pulse --lvsd`."""
    path = directory / "lvsd"
    module = f"{sys.executable} -m lvs_engine.cli.lvsd"
    path.write_text(f'#!/bin/sh\nexec {module} --period 1 "$@"\n', "ascii")
    path.chmod(0o755)
    return path
