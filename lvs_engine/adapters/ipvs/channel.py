"""The netlink socket to IPVS: many requests in one send, answers matched by number.

Knows how to ask and how to tell which request was refused; what a request or an
answer means is the codec's. The socket belongs to the network namespace of the
thread that opens it, for good.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from sys import byteorder
from typing import Final

from lvs_engine.adapters.ipvs import constants as c
from lvs_engine.adapters.ipvs import netlink as nl
from lvs_engine.adapters.ipvs.codec import Request
from lvs_engine.adapters.ipvs.layout import Row, Shapes
from lvs_engine.errors import KernelError, KernelUnavailableError

NETLINK_GENERIC: Final = 16
SOL_NETLINK: Final = 270
NETLINK_CAP_ACK: Final = (
    10  # a refusal carries the header of its request, not all of it
)
SO_SNDBUFFORCE: Final = (
    32  # beyond the system's limit; needs CAP_NET_ADMIN, as IPVS does
)
SO_RCVBUFFORCE: Final = 33

BATCH: Final = 500
"""Requests in one send. More brought nothing; each refused one needs receive buffer."""

BUFFER: Final = 4 << 20
RECEIVE: Final = 1 << 16  # the kernel fills at most 32 KiB of it at once
REFUSAL_COST: Final = 1280  # receive buffer that one refusal holds, generously
WAIT_S: Final = 30  # the kernel answers at once; this ends a hang

LAST_SEQUENCE: Final = 0xFFFF0000
"""Numbers start again beyond it; a batch then still fits into 32 bits."""

GENL_ID_CTRL: Final = 16
CTRL_CMD_GETFAMILY: Final = 3
CTRL_ATTR_FAMILY_ID: Final = 1
CTRL_ATTR_FAMILY_NAME: Final = 2


class Channel:
    """A connection to the kernel's IPVS. Not for two threads at once."""

    def __init__(self) -> None:
        """Open the socket and look IPVS up.

        Raises:
            KernelUnavailableError: the kernel has no IPVS (now).
            KernelError: no socket could be had.
        """
        self._next = 1  # sequence number; the kernel repeats it in its answers
        self.sent = 0  # requests so far, for tests that count them
        try:
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC
            )
        except OSError as error:
            raise KernelError(f"no netlink socket: {error.strerror}") from error
        try:
            self._prepare()
            self._family = self._look_up(c.GENL_NAME)
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def execute(self, requests: Iterable[Request]) -> dict[int, int]:
        """Carry out the requests in order, whether or not one is refused.

        They are taken as they are sent, so a large load is never held in memory.

        Returns:
            errno by index of each request that was refused.

        Raises:
            KernelError: the answers were lost; some requests may have been carried out.
        """
        refused: dict[int, int] = {}
        remaining = iter(requests)
        first = 0
        while batch := list(itertools.islice(remaining, self._batch)):
            base = self._send(batch)
            for sequence, error in self._verdicts(base + len(batch) - 1):
                # Older numbers are late answers to a request that was given up.
                if error and sequence >= base:
                    refused[first + sequence - base] = error
            first += len(batch)
        return refused

    def dump(self, request: Request, shapes: Shapes) -> list[Row]:
        """All answers to a request for a list, as rows of values."""
        sequence = self._send([request], acknowledge=False)
        rows: list[Row] = []
        while True:
            chunk = self._receive()
            if found := shapes.read_all(chunk, sequence):
                rows += found
                continue
            for header, message in nl.messages(chunk):
                if header.sequence != sequence:
                    continue
                if header.type in (nl.NLMSG_DONE, nl.NLMSG_ERROR):
                    if error := _errno(message):
                        raise _refused(error)
                    return rows
                rows.append(shapes.read(message))

    def ask(self, request: Request) -> bytes:
        """The one answer to a question."""
        sequence = self._send([request], acknowledge=False)
        while True:
            for header, message in nl.messages(self._receive()):
                if header.sequence != sequence:
                    continue
                if header.type == nl.NLMSG_ERROR:
                    raise _refused(_errno(message))
                return message

    def _prepare(self) -> None:
        for forced, plain in (
            (SO_SNDBUFFORCE, socket.SO_SNDBUF),
            (SO_RCVBUFFORCE, socket.SO_RCVBUF),
        ):
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, forced, BUFFER)
            except PermissionError:
                self._socket.setsockopt(socket.SOL_SOCKET, plain, BUFFER)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", WAIT_S, 0)
        )
        self._socket.bind((0, 0))
        room = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        # Every request of a batch may be refused, and no refusal may be lost.
        self._batch = max(1, min(BATCH, room // REFUSAL_COST))

    def _look_up(self, name: str) -> int:
        head = nl.GENL.pack(CTRL_CMD_GETFAMILY, 1, 0)
        self._family = GENL_ID_CTRL
        try:
            answer = self.ask(
                (nl.F_REQUEST, head + nl.text(CTRL_ATTR_FAMILY_NAME, name))
            )
        except KernelError as error:
            raise KernelUnavailableError(
                "ip_vs is not loaded in this kernel: modprobe ip_vs"
            ) from error
        for kind, start, end in nl.attributes(answer, nl.BODY, len(answer)):
            if kind == CTRL_ATTR_FAMILY_ID:
                return int.from_bytes(answer[start:end], byteorder)
        raise KernelUnavailableError(f"the kernel gives no number for family {name}")

    def _send(self, batch: Sequence[Request], *, acknowledge: bool = True) -> int:
        """Send requests in one go; only the last is to be acknowledged.

        Returns:
            The sequence number of the first.
        """
        base = self._next
        self._next = base + len(batch) if base < LAST_SEQUENCE else 1
        pack, head, family = nl.HEADER.pack, nl.HEADER.size, self._family
        parts: list[bytes] = []
        for sequence, (flags, body) in enumerate(batch, base):
            parts += (pack(head + len(body), family, flags, sequence, 0), body)
        if acknowledge:
            flags, body = batch[-1]
            last = base + len(batch) - 1
            parts[-2] = pack(head + len(body), family, flags | nl.F_ACK, last, 0)
        try:
            self._socket.send(b"".join(parts))
        except OSError as error:
            raise KernelError(f"ip_vs cannot be talked to: {error.strerror}") from error
        self.sent += len(batch)
        return base

    def _verdicts(self, last: int) -> Iterator[tuple[int, int]]:
        """Sequence number and errno of each answer, up to the one of `last`."""
        while True:
            for header, message in nl.messages(self._receive()):
                if header.type != nl.NLMSG_ERROR:
                    continue
                yield header.sequence, _errno(message)
                if header.sequence == last:
                    return

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(RECEIVE)
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                raise KernelError(
                    "answers of ip_vs were lost (ENOBUFS); read the table again"
                ) from error
            reason = "no answer" if error.errno == errno.EAGAIN else error.strerror
            raise KernelError(f"ip_vs cannot be talked to: {reason}") from error


def _errno(message: bytes) -> int:
    return -int(nl.ERROR.unpack_from(message, nl.HEADER.size)[0])


def _refused(number: int) -> KernelError:
    name = errno.errorcode.get(number, str(number))
    remedy = "; it needs CAP_NET_ADMIN (root)" if number == errno.EPERM else ""
    return KernelError(
        f"ip_vs refused the question: {name}, {os.strerror(number)}{remedy}"
    )
