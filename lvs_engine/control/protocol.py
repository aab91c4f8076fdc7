"""What goes over a control socket: one JSON object a line, with a version.

    {"v":1,"do":"status"}             request; further keys are arguments
    {"v":1,"ok":true,"result":{...}}  reply
    {"v":1,"ok":false,"error":"..."}  reply: no, and why, in sentences

Bytes from a socket never raise here: what cannot be understood comes back as `Garbage`.
A list of 37,205 servers is JSON of 20 MB, and making it or reading it stops a process
for as long as it takes: `Encoded` carries such a value through as the bytes it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lvs_engine.control.plain import from_plain, to_plain
from lvs_engine.control.status import ServiceStatus, Status

VERSION = 1
REQUEST_LIMIT = 65536
"""Bytes of the longest request line."""


@dataclass(frozen=True, slots=True)
class Request:
    do: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value in a result that is JSON already, to be passed on as it is."""

    json: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes. Only the first level of `result` may hold `Encoded` values."""

    result: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Refused:
    error: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """A line that is not what this version speaks."""

    reason: str


def to_dict(status: Status) -> dict[str, object]:
    """The snapshot as dictionaries, lists and scalars."""
    plain = to_plain(status)
    assert isinstance(plain, dict)
    return plain


def from_dict(plain: Mapping[str, object]) -> Status:
    """The snapshot that `to_dict` wrote, perhaps in another version.

    Raises:
        ValueError: it is none; the message names the place.
    """
    return from_plain(Status, dict(plain))


def encode_services(services: Iterable[ServiceStatus]) -> Encoded:
    """The list of services, made piece by piece: a thread that does it lets others run."""
    return Encoded(b"[%s]" % b",".join(_json(to_plain(one)) for one in services))


def encode_request(request: Request) -> bytes:
    return _line({"v": VERSION, "do": request.do, **request.arguments})


def decode_request(line: bytes) -> Request | Garbage:
    message = _object(line)
    if isinstance(message, Garbage):
        return message
    do = message.get("do")
    if not isinstance(do, str) or not do:
        return Garbage('a request needs "do", such as {"v":1,"do":"status"}')
    arguments = {k: v for k, v in message.items() if k not in {"v", "do"}}
    return Request(do, arguments)


def encode_reply(reply: Answer | Refused) -> bytes:
    return b"".join(reply_pieces(reply))


def reply_pieces(reply: Answer | Refused) -> list[bytes | memoryview]:
    """The line of a reply, in pieces that need not be copied to be sent."""
    if isinstance(reply, Refused):
        return [_line({"v": VERSION, "ok": False, "error": reply.error})]
    head = b'{"v":%d,"ok":true,"result":' % VERSION
    return [head, *object_pieces(reply.result), b"}\n"]


def object_pieces(result: Mapping[str, object]) -> list[bytes | memoryview]:
    """`result` as one JSON object; its `Encoded` values come last."""
    plain = {k: v for k, v in result.items() if not isinstance(v, Encoded)}
    pieces: list[bytes | memoryview] = [_json(plain)[:-1]]
    for key, value in result.items():
        if isinstance(value, Encoded):
            comma = b"," if plain or len(pieces) > 1 else b""
            pieces += [comma + _json(key) + b":", value.json]
    return [*pieces, b"}"]


def decode_around(line: bytes, key: str) -> Answer | Refused | Garbage:
    """Like `decode_reply`, with the value at `key` left `Encoded` if it comes last."""
    # In a text the quotes would be escaped: this is a key wherever it stands.
    mark, end = b"," + _json(key) + b":", b"}}\n"
    at = line.find(mark)
    if at >= 0 and line.endswith(end):
        reply = decode_reply(line[:at] + end)
        if isinstance(reply, Answer):
            value = memoryview(line)[at + len(mark) : -len(end)]
            return Answer({**reply.result, key: Encoded(value)})
    return decode_reply(line)


def decode_reply(line: bytes) -> Answer | Refused | Garbage:
    message = _object(line)
    if isinstance(message, Garbage):
        return message
    if message.get("ok") is True:
        result = message.get("result", {})
        if isinstance(result, dict):
            return Answer(result)
        return Garbage("the result is not an object")
    if message.get("ok") is False:
        return Refused(str(message.get("error", "no reason given")))
    return Garbage('a reply needs "ok"')


def _line(message: Mapping[str, object]) -> bytes:
    return _json(message) + b"\n"


def _json(value: object) -> bytes:
    # Names in lvs.cf are bytes read with surrogateescape: ASCII JSON carries them all.
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _object(line: bytes) -> dict[str, object] | Garbage:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return Garbage("not a line of JSON")
    if not isinstance(message, dict):
        return Garbage("not a JSON object")
    if message.get("v") != VERSION:
        return Garbage(
            f"version {VERSION} is spoken here, got {message.get('v')!r:.20}"
        )
    return message
