"""Framing of (generic) netlink: messages and attributes to bytes and back.

Knows nothing of IPVS and opens no socket. All numbers are in host order, as the
kernel has it, unless a caller packs them otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port id
GENL: Final = struct.Struct("=BBH")  # command, version, reserved
ATTRIBUTE: Final = struct.Struct("=HH")  # length with this header, type
ERROR: Final = struct.Struct("=i")  # negative errno; the refused header follows

NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLMSG_MIN_TYPE: Final = 16  # below are control messages

F_REQUEST: Final = 0x1
F_ACK: Final = 0x4
F_DUMP: Final = 0x300
F_REPLACE: Final = 0x100
F_EXCL: Final = 0x200
F_CREATE: Final = 0x400

# The two high bits of an attribute's type say "nested" and "big-endian".
TYPE_MASK: Final = 0x3FFF

BODY: Final = HEADER.size + GENL.size


class Header(NamedTuple):
    """The fixed head of a netlink message; the length includes the head."""

    length: int
    type: int
    flags: int
    sequence: int
    port_id: int


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes; the padding is not in its length."""
    padding = b"\0" * (-len(payload) % 4)
    return ATTRIBUTE.pack(len(payload) + 4, kind) + payload + padding


def u8(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=B", value))


def u16(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=H", value))


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def be16(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack(">H", value))


def text(kind: int, value: str) -> bytes:
    """A string with its closing zero byte."""
    return attribute(kind, value.encode("ascii") + b"\0")


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A whole message; the kernel fills in who sent it."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def messages(chunk: bytes) -> Iterator[tuple[Header, bytes]]:
    """The messages of one receive, each with its head still on.

    A truncated last message ends the walk: the kernel sends none.
    """
    offset, end = 0, len(chunk)
    while offset + HEADER.size <= end:
        header = Header._make(HEADER.unpack_from(chunk, offset))
        stop = offset + header.length
        if header.length < HEADER.size or stop > end:
            return
        yield header, chunk[offset:stop]
        offset = (stop + 3) & ~3


def attributes(message: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Type, first and last offset of the payload of each attribute in a range."""
    while start + ATTRIBUTE.size <= end:
        length, kind = ATTRIBUTE.unpack_from(message, start)
        if length < ATTRIBUTE.size or start + length > end:
            return
        yield kind & TYPE_MASK, start + ATTRIBUTE.size, start + length
        start += (length + 3) & ~3
