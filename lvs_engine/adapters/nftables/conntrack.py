"""Connections as the kernel's conntrack knows them, over a netlink socket of our own.

Read for live counts, and deleted when their real server is gone. Parsed by hand: the
table of a busy router has 100,000 entries, and is read every second.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Final, NamedTuple

from lvs_engine.errors import KernelError

_NETLINK_NETFILTER: Final = 12
_GET: Final = 0x0101  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
_DELETE: Final = 0x0102
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_DONE, _ERROR = 3, 2
_TUPLE_ORIGINAL, _TUPLE_REPLY, _STATUS, _PROTOCOL_INFO, _ID = 1, 2, 3, 4, 12
_NESTED: Final = 0x8000
_TYPE_MASK: Final = 0x3FFF
_DESTINATION_NAT: Final = 1 << 5
_ENOENT: Final = 2
_BATCH: Final = 200

PROTOCOLS: Final = {6: "tcp", 17: "udp", 132: "sctp"}
_ESTABLISHED: Final = {6: 3, 132: 4}


class Flow(NamedTuple):
    """A connection.

    Attributes:
        destination, port: where the client sent it.
        server, server_port: who answers it, after translation.
        active: established, as far as the protocol knows such a state.
        translated: whether its destination was rewritten.
        original, identity: the kernel's attributes, as bytes to name it again.
    """

    family: int
    protocol: str
    destination: str
    port: int
    server: str
    server_port: int
    active: bool
    translated: bool
    original: bytes
    identity: bytes


def flows() -> list[Flow]:
    """Every connection of this network namespace with a protocol that is balanced."""
    with _open() as channel:
        channel.send(_message(_GET, _REQUEST | _DUMP, 1, b""))
        return list(_read(channel))


def delete(doomed: Iterable[Flow]) -> int:
    """Forget these connections; how many there still were.

    The next packet of one is balanced anew, as if it began a connection: a client of
    udp goes on with another real server, one of tcp gets a reset from it.
    """
    todo = list(doomed)
    gone = 0
    with _open() as channel:
        for start in range(0, len(todo), _BATCH):
            batch = todo[start : start + _BATCH]
            channel.send(b"".join(_deletion(flow, n) for n, flow in enumerate(batch)))
            gone += _acknowledged(channel, len(batch))
    return gone


def _open() -> socket.socket:
    try:
        channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        channel.settimeout(10.0)
        channel.bind((0, 0))
    except OSError as error:
        raise KernelError(f"conntrack cannot be asked: {error}") from error
    return channel


def _message(kind: int, flags: int, number: int, body: bytes, family: int = 0) -> bytes:
    head = struct.pack("=IHHII", 20 + len(body), kind, flags, number, 0)
    return head + struct.pack("=BBH", family, 0, 0) + body


def _deletion(flow: Flow, number: int) -> bytes:
    original = struct.pack("=HH", 4 + len(flow.original), _TUPLE_ORIGINAL | _NESTED)
    # With its number: an entry that took the same addresses meanwhile is another one.
    identity = struct.pack("=HH", 4 + len(flow.identity), _ID)
    body = original + flow.original + identity + flow.identity
    family = socket.AF_INET6 if flow.family == 6 else socket.AF_INET
    return _message(_DELETE, _REQUEST | _ACK, number, body, family)


def _acknowledged(channel: socket.socket, count: int) -> int:
    gone = seen = 0
    while seen < count:
        for kind, payload in _messages(_receive(channel)):
            if kind != _ERROR:
                continue
            seen += 1
            errno = -struct.unpack_from("=i", payload)[0]
            if errno not in (0, _ENOENT):
                raise KernelError(f"conntrack refused a deletion (errno {errno})")
            gone += not errno
    return gone


def _read(channel: socket.socket) -> Iterator[Flow]:
    texts: dict[bytes, str] = {}
    while True:
        for kind, payload in _messages(_receive(channel)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                errno = -struct.unpack_from("=i", payload)[0]
                raise KernelError(f"conntrack cannot be read (errno {errno})")
            flow = parse(payload, texts)
            if flow is not None:
                yield flow


def _receive(channel: socket.socket) -> bytes:
    try:
        return channel.recv(1 << 17)
    except OSError as error:
        raise KernelError(f"conntrack does not answer: {error}") from error


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if length < 16:
            return
        yield kind, data[at + 16 : at + length]
        at += (length + 3) & ~3


def _attributes(data: bytes, at: int = 0) -> dict[int, bytes]:
    found = {}
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found[kind & _TYPE_MASK] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def parse(payload: bytes, texts: dict[bytes, str] | None = None) -> Flow | None:
    """The connection of one message; None when its protocol is not balanced.

    `texts` remembers the written form of addresses from one message to the next.
    """
    texts = {} if texts is None else texts
    attributes = _attributes(payload, 4)
    original = attributes.get(_TUPLE_ORIGINAL, b"")
    ends = _ends(original)
    answer = _ends(attributes.get(_TUPLE_REPLY, b""))
    if ends is None or answer is None or ends.protocol not in PROTOCOLS:
        return None
    status = int.from_bytes(attributes.get(_STATUS, b""), "big")
    return Flow(
        6 if len(ends.destination) == 16 else 4,
        PROTOCOLS[ends.protocol],
        _text(ends.destination, texts),
        ends.destination_port,
        _text(answer.source, texts),
        answer.source_port,
        _is_established(ends.protocol, attributes.get(_PROTOCOL_INFO, b"")),
        bool(status & _DESTINATION_NAT),
        original,
        attributes.get(_ID, b""),
    )


class _Ends(NamedTuple):
    source: bytes
    destination: bytes
    protocol: int
    source_port: int
    destination_port: int


# The kernel always writes a tuple in this order, so no search: CTA_TUPLE_IP with source
# and destination, CTA_TUPLE_PROTO with number, source port, destination port.
_IPV4: Final = struct.Struct("!8x4s4x4s4x4xB3x4xH2x4xH")
_IPV6: Final = struct.Struct("!8x16s4x16s4x4xB3x4xH2x4xH")


def _ends(data: bytes) -> _Ends | None:
    layout = _IPV4 if len(data) < 64 else _IPV6
    if len(data) < layout.size:
        return None
    return _Ends(*layout.unpack_from(data))


def _text(address: bytes, texts: dict[bytes, str]) -> str:
    text = texts.get(address)
    if text is None:
        text = texts[address] = str(ip_address(address))
    return text


def _is_established(protocol: int, data: bytes) -> bool:
    if protocol not in _ESTABLISHED:
        return False
    for inner in _attributes(data).values():
        return _attributes(inner).get(1) == bytes([_ESTABLISHED[protocol]])
    return False
