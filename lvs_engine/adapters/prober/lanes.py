"""TCP sockets that serve one connection after the other.

A connection is taken down by connecting the socket to nobody (AF_UNSPEC). That resets
it, as a close with zero linger would, and leaves a socket that can connect again: one
system call instead of close, socket, setsockopt and epoll_ctl, and nothing for the
kernel to allocate. Where it does not work, the socket is closed and a new one made.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct

from lvs_engine.adapters.prober.loop import Loop, OnEvent

# Without declared types and with a buffer of C, this call costs half as much.
_NOBODY = ctypes.create_string_buffer(struct.pack("H14x", socket.AF_UNSPEC), 16)
_ZERO_LINGER = struct.pack("ii", 1, 0)
_READY = select.EPOLLOUT | select.EPOLLET  # one event for each connection, no epoll_ctl
_SPARE = 64

# PyDLL: it never waits, so letting other threads run would only cost time.
_connect = ctypes.PyDLL(None).connect


class Lane:
    """A non-blocking TCP socket, watched for becoming connected."""

    __slots__ = ("connect", "family", "fd", "sock")

    def __init__(self, family: int) -> None:
        self.sock = socket.SocketType(
            family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, socket.IPPROTO_TCP
        )
        # For the sockets that do end in a close: no TIME_WAIT, no port kept.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ZERO_LINGER)
        self.family = family
        self.fd = self.sock.fileno()
        self.connect = self.sock.connect_ex

    def error(self) -> int:
        return self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


class Lanes:
    """The idle sockets, by address family."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._idle: dict[int, list[Lane]] = {socket.AF_INET: [], socket.AF_INET6: []}

    def take(self, family: int, on_event: OnEvent) -> Lane:
        """A socket whose events go to `on_event`.

        Raises:
            OSError: no socket is to be had.
        """
        idle = self._idle[family]
        if idle:
            lane = idle.pop()
            self._loop.redirect(lane.fd, on_event)
        else:
            lane = Lane(family)
            self._loop.watch(lane.fd, _READY, on_event)
        return lane

    def give_back(self, lane: Lane) -> None:
        """End its connection and keep it for the next one."""
        idle = self._idle[lane.family]
        if len(idle) < _SPARE and _connect(lane.fd, _NOBODY, 16) == 0:
            self._loop.redirect(lane.fd, _nothing)
            idle.append(lane)
        else:
            self.drop(lane)

    def drop(self, lane: Lane) -> None:
        """Close it, after a failure or a time limit."""
        self._loop.closing(lane.fd)
        lane.sock.close()

    def close(self) -> None:
        for idle in self._idle.values():
            while idle:
                self.drop(idle.pop())


def _nothing(events: int, now: float) -> None:
    """An idle socket reports its own reset; nobody wants to know."""
