"""The lines between lvsd and nanny."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.control.nanny_protocol import (
    Alive,
    CheckSet,
    LineReader,
    StateReport,
    decode,
    encode_alive,
    encode_checks,
    encode_state,
)
from lvs_engine.errors import ControlError
from lvs_engine.health.checks import Check, Watch
from lvs_engine.values import (
    HealthState,
    HealthView,
    Protocol,
    ReasonCode,
    ServerHealth,
    ServerKey,
)

WEB = ServerKey("web", "a")
DOWN = ServerHealth(
    HealthState.DOWN, ReasonCode.REFUSED, "connection refused", 1700000000.5, 0.25
)

words = st.text(st.sampled_from('a\\\n"é\udce9{ '), max_size=4)
checks = st.builds(
    Check,
    kind=st.sampled_from(["connect", "program", "later"]),
    address=words,
    port=st.integers(0, 65535),
    protocol=st.sampled_from(Protocol),
    interval_s=st.sampled_from([1.0, 10.0]),
    timeout_s=st.sampled_from([1.0, 10.0]),
    send=st.none() | words,
    expect=st.none() | words,
    regex=st.booleans(),
    program=st.none() | words,
    options=st.lists(st.tuples(words, words), max_size=2).map(tuple),
)
watches = st.builds(
    Watch, st.builds(ServerKey, words, words), checks, st.integers(0, 9)
)


@given(st.lists(watches, max_size=4))
def test_every_set_of_checks_arrives_as_it_was_sent(sent: list[Watch]) -> None:
    line = encode_checks(sent)
    received = decode(line)
    assert isinstance(received, CheckSet)
    assert sorted(received.watches, key=repr) == sorted(sent, key=repr)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")


def test_an_equal_check_is_written_once() -> None:
    check = Check("connect", "10.0.0.1", 25)
    line = encode_checks([Watch(WEB, check), Watch(ServerKey("b", "a"), check, 3)])
    assert len(json.loads(line)["checks"]) == 1
    assert line.count(b"10.0.0.1") == 1


def test_known_states_travel_with_the_checks() -> None:
    received = decode(encode_checks([], HealthView({WEB: DOWN})))
    assert isinstance(received, CheckSet)
    assert received.known.of(WEB) == DOWN


def test_a_state_report_arrives_as_it_was_sent() -> None:
    report = StateReport(WEB, DOWN)
    assert decode(encode_state(report)) == report
    record = json.loads(encode_state(report))
    assert (record["say"], record["state"], record["code"]) == (
        "state",
        "down",
        "L4CON",
    )


def test_a_sign_of_life_arrives_as_it_was_sent() -> None:
    assert decode(encode_alive(Alive(12, 0.004, 3))) == Alive(12, 0.004, 3)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b"{}",
        b'{"say":"hello"}',
        b'{"say":"state","virtual":"v"}',
        b'{"say":"alive","results":"many","late_s":0}',
        b'{"do":"checks"}',
        b'{"do":"checks","checks":[{"kind":"connect","servers":[]}]}',
        b'{"do":"checks","checks":[{"kind":"c","address":"","port":1,"no":1,"servers":[]}]}',
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused_with_one_kind_of_error(line: bytes) -> None:
    with pytest.raises(ControlError, match="nanny protocol"):
        decode(line)


@given(st.lists(st.binary(max_size=5).map(lambda b: b.replace(b"\n", b"")), max_size=5))
def test_lines_cut_anywhere_are_put_together_again(lines: list[bytes]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    for size in range(1, 4):
        reader = LineReader()
        found: list[bytes] = []
        for start in range(0, len(stream), size):
            found += reader.feed(stream[start : start + size])
        assert found == [line for line in lines if line]


def test_an_unfinished_line_waits_for_its_end() -> None:
    reader = LineReader()
    assert list(reader.feed(b'{"say"')) == []
    assert list(reader.feed(b":1}\nrest")) == [b'{"say":1}']
