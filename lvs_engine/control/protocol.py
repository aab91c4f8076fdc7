"""What goes over a control socket: one JSON object a line, with a version.

    {"v":1,"do":"status"}             request; further keys are arguments
    {"v":1,"ok":true,"result":{...}}  reply
    {"v":1,"ok":false,"error":"..."}  reply: no, and why, in sentences

Bytes from a socket never raise here: what cannot be understood comes back as `Garbage`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_engine.control.plain import from_plain, to_plain
from lvs_engine.control.status import Status

VERSION = 1
REQUEST_LIMIT = 65536
"""Bytes of the longest request line."""


@dataclass(frozen=True, slots=True)
class Request:
    do: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
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
    if isinstance(reply, Refused):
        return _line({"v": VERSION, "ok": False, "error": reply.error})
    return _line({"v": VERSION, "ok": True, "result": dict(reply.result)})


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
    # Names in lvs.cf are bytes read with surrogateescape: ASCII JSON carries them all.
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


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
