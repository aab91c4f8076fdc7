"""The lines of the control socket, and snapshots as plain dictionaries."""

from __future__ import annotations

import json
import types
import typing
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvs_engine.control import status as snapshot
from lvs_engine.control.plain import from_plain, to_plain
from lvs_engine.control.protocol import (
    Answer,
    Encoded,
    Garbage,
    Refused,
    Request,
    decode_around,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    encode_services,
    from_dict,
    to_dict,
)
from lvs_engine.control.status import (
    Event,
    ServerState,
    ServerStatus,
    ServiceStatus,
    Status,
)
from lvs_engine.table.model import ServiceKey

_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def _values_of(kind: object) -> st.SearchStrategy[object]:
    """Any value of an annotation that occurs in a snapshot."""
    if kind is float:
        return _NUMBERS
    if typing.get_origin(kind) is tuple:
        item = _values_of(typing.get_args(kind)[0])
        return st.lists(item, max_size=2).map(tuple)
    if isinstance(kind, types.UnionType):
        return st.one_of(*map(_values_of, typing.get_args(kind)))
    if isinstance(kind, type) and kind.__module__ == snapshot.__name__:
        if issubclass(kind, StrEnum):
            return st.sampled_from(list(kind))
        hints = typing.get_type_hints(kind)
        return st.fixed_dictionaries(
            {name: _values_of(hint) for name, hint in hints.items()}
        ).map(lambda fields: kind(**fields))
    return st.from_type(typing.cast("type[object]", kind))


@given(status=_values_of(Status))
@settings(max_examples=60, deadline=None)
def test_a_snapshot_survives_the_wire(status: Status) -> None:
    wire = json.dumps(to_dict(status))
    assert from_dict(json.loads(wire)) == status


def test_a_snapshot_is_plain_words_and_numbers() -> None:
    server = ServerStatus("a", "10.0.0.1", 80, ServerState.UP)
    status = Status(services=(ServiceStatus("web", ("192.0.2.1:80 tcp",), True),))
    assert type(typing.cast("dict[str, object]", to_plain(server))["state"]) is str
    plain = to_dict(status)
    assert plain["services"] == [
        {
            "name": "web",
            "addresses": ["192.0.2.1:80 tcp"],
            "active": True,
            "scheduler": "wlc",
            "persistent": 0,
            "servers": [],
            "traffic": to_plain(ServiceStatus("", (), True).traffic),
            "history": [],
        }
    ]


def test_an_older_or_newer_snapshot_is_still_understood() -> None:
    status = from_dict({"version": "9.9", "invented_later": [1, 2]})
    assert status == Status(version="9.9")


@pytest.mark.parametrize(
    ("plain", "place"),
    [
        ({"version": 3}, "Status.version"),
        ({"events": [{"at": 1.0}]}, "Status.events[0]"),
        ({"node": {"state": "asleep"}}, "Status.node.state"),
        ({"services": "none"}, "Status.services"),
        ({"at": True}, "Status.at"),
    ],
)
def test_a_wrong_type_is_named_by_its_place(
    plain: dict[str, object], place: str
) -> None:
    with pytest.raises(ValueError, match=place.replace("[", r"\[")):
        from_dict(plain)


def test_a_key_of_the_table_travels_as_a_list() -> None:
    key = ServiceKey(4, "tcp", "192.0.2.1", 80)
    assert to_plain(key) == [4, "tcp", "192.0.2.1", 80, 0]
    assert from_plain(ServiceKey, [4, "tcp", "192.0.2.1", 80, 0]) == key
    with pytest.raises(ValueError, match="list of 5"):
        from_plain(ServiceKey, [4, "tcp"])


def test_requests_and_replies_survive_the_wire() -> None:
    request = Request("wait-settled", {"wait_s": 10})
    assert decode_request(encode_request(request)) == request
    for reply in (Answer({"a": [1]}), Refused("no: lvs.cf:1:1: error: \udce4")):
        assert encode_reply(reply).count(b"\n") == 1
        assert decode_reply(encode_reply(reply)) == reply


def test_services_told_one_by_one_are_the_list_that_a_snapshot_has() -> None:
    trap = 'a,"services":[{}]'
    services = [ServiceStatus(name, (), True) for name in (trap, "\udce4")]
    whole = to_dict(Status(version=trap, services=tuple(services)))
    line = encode_reply(Answer({**whole, "services": encode_services(services)}))
    assert decode_reply(line) == Answer(whole)

    around = decode_around(line, "services")
    assert isinstance(around, Answer)
    value = around.result["services"]
    assert isinstance(value, Encoded)
    assert json.loads(bytes(value.json)) == whole["services"]
    assert {**around.result, "services": 0} == {**whole, "services": 0}
    assert encode_reply(around) == line


def test_what_has_no_long_value_is_decoded_as_ever() -> None:
    for reply in (Answer({"a": [1]}), Answer({"services": []}), Refused("no")):
        assert decode_around(encode_reply(reply), "services") == reply
    nested = Answer({"a": {"b": 1, "services": [1]}})
    assert decode_around(encode_reply(nested), "services") == nested
    assert encode_reply(Answer({"services": Encoded(b"[]")})) == encode_reply(
        Answer({"services": []})
    )
    assert isinstance(decode_around(b'{"a":1,"services":[]}}\n', "services"), Garbage)


@given(line=st.binary(max_size=40))
def test_bytes_from_a_socket_never_raise(line: bytes) -> None:
    assert isinstance(decode_request(line), Garbage)
    assert isinstance(decode_reply(line), Garbage)


@pytest.mark.parametrize(
    "line",
    [
        b'{"v":2,"do":"status"}',
        b'{"do":"status"}',
        b'{"v":1}',
        b'{"v":1,"do":7}',
        b'["v",1]',
        b"[" * 50_000,
    ],
)
def test_what_is_not_a_request_says_why(line: bytes) -> None:
    garbage = decode_request(line)
    assert isinstance(garbage, Garbage) and garbage.reason


def test_an_event_keeps_its_words() -> None:
    event = Event(12.5, "bad", "web/app3", "down: 100%s refused")
    assert from_plain(Event, to_plain(event)) == event
