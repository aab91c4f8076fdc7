"""Real servers on loopback, and the first results of checks against them."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from lvs_engine.adapters.prober import Loop, Prober
from lvs_engine.health.checks import CONNECT, DATAGRAM, DIALOGUE, PROGRAM, Check
from lvs_engine.health.judge import Event
from lvs_engine.values import Protocol

HOST = "127.0.0.1"
Talk = Callable[[socket.socket], None]


@contextlib.contextmanager
def tcp_server(talk: Talk = lambda _: None, host: str = HOST) -> Iterator[int]:
    """A server that does `talk` with each client and closes; yields its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=128) as listener:
        thread = threading.Thread(target=_accept, args=(listener, talk))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listener: socket.socket, talk: Talk) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, contextlib.suppress(OSError):
            client.settimeout(2)
            talk(client)


@contextlib.contextmanager
def udp_server(answer: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """A UDP server; where `answer` gives None it stays silent. Yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        stop = threading.Event()
        sock.settimeout(0.02)

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    data, client = sock.recvfrom(65536)
                    reply = answer(data)
                    if reply is not None:
                        sock.sendto(reply, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            stop.set()
            thread.join()


@contextlib.contextmanager
def deaf_server() -> Iterator[int]:
    """A port that takes no connection and refuses none: its backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
    return port


def reset(client: socket.socket) -> None:
    """Have the coming close send a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def connect(port: int, *, host: str = HOST, every: float = 0.3) -> Check:
    return Check(CONNECT, host, port, interval_s=every, timeout_s=every)


def dialogue(
    port: int,
    send: str | None = None,
    expect: str | None = None,
    *,
    regex: bool = False,
    timeout: float = 0.3,
) -> Check:
    return Check(
        DIALOGUE, HOST, port, Protocol.TCP, timeout, timeout, send, expect, regex
    )


def datagram(port: int, send: str | None = None, expect: str | None = None) -> Check:
    return Check(DATAGRAM, HOST, port, Protocol.UDP, 0.2, 0.2, send, expect)


def program(
    command: str | Path, expect: str | None = None, *, regex: bool = False
) -> Check:
    return Check(
        PROGRAM,
        "10.0.0.1",
        53,
        interval_s=0.4,
        timeout_s=0.4,
        expect=expect,
        regex=regex,
        program=str(command),
    )


def script(folder: Path, text: str, name: str = "check") -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
    path.chmod(0o755)
    return path


class Bench:
    """A prober on a loop, with everything that it reported."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.prober = Prober(self.loop)
        self.reports: list[tuple[Check, Event, float]] = []

    def check(self, *checks: Check) -> None:
        """These are all checks from now on."""
        self.prober.replace({check: partial(self._report, check) for check in checks})

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self.loop.turn(0.01)

    def outcomes(self, check: Check) -> list[Event]:
        return [event for found, event, _ in self.reports if found == check]

    def close(self) -> None:
        self.prober.close()
        self.loop.close()

    def _report(
        self, check: Check, event: Event, duration_s: float, now: float
    ) -> None:
        del now
        self.reports.append((check, event, duration_s))


@contextlib.contextmanager
def bench() -> Iterator[Bench]:
    """A prober, closed at the end."""
    made = Bench()
    try:
        yield made
    finally:
        made.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def timed(check: Check) -> tuple[Event, float]:
    """The first result of a check, and how long it took."""
    with bench() as made:
        made.check(check)
        made.run(3.0, until=lambda: bool(made.reports))
        assert made.reports, "no result"
        _, event, duration_s = made.reports[0]
        return event, duration_s


def first(check: Check) -> Event:
    return timed(check)[0]
