"""Real servers and clients of the kernel tier, all in this one process.

A socket stays in the namespace of the thread that made it, so one loop can serve for
all machines: the emulated guest takes seconds to start a Python.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from tests.netns.inside import inside

WAIT_S = 4.0
"""How long a client waits; long, as the guest is slow, and only a failure waits."""


class Servers:
    """Says each server's name to whoever connects, and keeps the connection."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._stop, self._stopped = socket.socketpair()
        self._selector.register(self._stopped, selectors.EVENT_READ, "")
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve, name="servers")
        self._thread.start()

    def listen(self, namespace: str, name: str, ports: Iterable[int]) -> None:
        """Serve TCP and UDP on all addresses, both families, of a machine."""
        for port in ports:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                self._selector.register(
                    inside(namespace, partial(_server, kind, port)),
                    selectors.EVENT_READ,
                    name,
                )

    def close(self) -> None:
        self._stop.send(b".")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        for connection in self._open:
            connection.close()
        self._selector.close()
        self._stop.close()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                server = key.fileobj
                assert isinstance(server, socket.socket)
                if server is self._stopped:
                    return
                self._answer(server, str(key.data))

    def _answer(self, server: socket.socket, name: str) -> None:
        if server in self._open:  # a client said something, or left
            self._selector.unregister(server)
            self._open.remove(server)
            server.close()
        elif server.type == socket.SOCK_DGRAM:
            # Answered from the address that was asked: the VIP in direct routing.
            _, ancillary, _, client = server.recvmsg(64, 256)
            server.sendmsg([name.encode()], ancillary, 0, client)
        else:
            connection, _ = server.accept()
            # A health check has sometimes reset it before it is answered.
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(name.encode())
            self._open.add(connection)
            self._selector.register(connection, selectors.EVENT_READ, name)


def _server(kind: socket.SocketKind, port: int) -> socket.socket:
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_DGRAM:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    server.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        server.listen(64)
    return server


class Connection:
    """A client's connection, and the name of the server that took it."""

    def __init__(self, namespace: str, to: tuple[str, int], source: str = "") -> None:
        """Connect. Raises OSError when nobody takes the connection."""
        self._socket = inside(namespace, lambda: _client(to, source))
        try:
            self.server = self._socket.recv(64).decode()
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _client(to: tuple[str, int], source: str) -> socket.socket:
    return socket.create_connection(
        to, timeout=WAIT_S, source_address=(source, 0) if source else None
    )


def names(connections: Sequence[Connection]) -> Counter[str]:
    return Counter(connection.server for connection in connections)


def ask_by_datagram(
    namespace: str, to: tuple[str, int], datagrams: int = 1
) -> list[str]:
    """Who answers each of a few datagrams from one socket."""
    family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
    with inside(namespace, lambda: socket.socket(family, socket.SOCK_DGRAM)) as client:
        client.settimeout(WAIT_S)
        found = []
        for _ in range(datagrams):
            client.sendto(b"who?", to)
            found.append(client.recv(64).decode())
        return found
