"""Both formats, byte by byte, and what is not believed."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.heartbeat import signed, wire
from lvs_engine.heartbeat.beat import (
    Beat,
    BeatState,
    Envelope,
    Path,
    Reason,
    Rejected,
    Word,
)
from lvs_engine.values import Role, ServiceKind

LVS, FOS = ServiceKind.LVS, ServiceKind.FOS
KEY = bytes(range(32))
ENVELOPE = Envelope(
    role=Role.PRIMARY,
    path=Path.PRIVATE,
    boot=b"boot-of-sixteen!",
    started=1_700_000_000_000_000_000,
    sequence=7,
    sent_us=123_456_789,
    echo_us=987_654_321,
    held_us=1_000,
    keepalive_ms=250,
    deadtime_ms=1_000,
    configuration=hashlib.sha256(b"lvs.cf").digest(),
)
BEAT = Beat(Word(BeatState.RUNNING, 5, hears=False, asks=True), ENVELOPE)

ORIGINAL = [
    (LVS, BeatState.RUNNING, "dadbadbd"),
    (LVS, BeatState.STOPPED, "bddabdad"),
    (FOS, BeatState.RUNNING, "bebaefbe"),
    (FOS, BeatState.STOPPED, "efbeadde"),
    (FOS, BeatState.STOPME, "dadaadde"),
]


def datagram(beat: Beat = BEAT, key: bytes = KEY, kind: ServiceKind = LVS) -> bytes:
    return signed.encode(wire.encode(beat.word.state, kind), beat, key)


def read(
    data: bytes, key: bytes | None = KEY, role: Role = Role.BACKUP
) -> Beat | Rejected:
    return wire.decode(data, LVS, role, key)


def reason(data: bytes, key: bytes | None = KEY, role: Role = Role.BACKUP) -> Reason:
    answer = read(data, key, role)
    assert isinstance(answer, Rejected)
    return answer.reason


def resigned(body: bytes) -> bytes:
    """What somebody with the key could send."""
    return body + hmac.digest(KEY, body, "sha256")


# The original format


@pytest.mark.parametrize(("kind", "state", "recorded"), ORIGINAL)
def test_the_original_bytes_are_sent_and_read(
    kind: ServiceKind, state: BeatState, recorded: str
) -> None:
    data = bytes.fromhex(recorded)
    assert wire.encode(state, kind) == data
    assert wire.decode(data, kind, Role.BACKUP, None) == Beat(Word(state))


@pytest.mark.parametrize("kind", [LVS, FOS])
@pytest.mark.parametrize(
    ("recorded", "state"), [("bebaafde", BeatState.HOLD), ("dadaafde", BeatState.HELD)]
)
def test_hold_and_held_are_read_in_both_modes(
    kind: ServiceKind, recorded: str, state: BeatState
) -> None:
    data = bytes.fromhex(recorded)
    assert wire.decode(data, kind, Role.BACKUP, None) == Beat(Word(state))


def test_of_a_longer_datagram_the_first_four_bytes_count() -> None:
    assert read(bytes.fromhex("dadbadbd") + b"rest", None) == Beat(
        Word(BeatState.RUNNING)
    )


@pytest.mark.parametrize(
    ("recorded", "why"),
    [
        ("", Reason.LENGTH),
        ("dadbad", Reason.LENGTH),
        ("bdaddbda", Reason.MAGIC),  # big-endian RUNNING
        ("00000000", Reason.MAGIC),
        ("bebaefbe", Reason.OTHER_SERVICE),
        ("efbeadde", Reason.OTHER_SERVICE),
        ("dadaadde", Reason.STOPME),  # KF-2
    ],
)
def test_what_an_lvs_node_does_not_believe(recorded: str, why: Reason) -> None:
    assert reason(bytes.fromhex(recorded), None) is why


def test_a_fos_node_does_not_believe_an_lvs_node() -> None:
    answer = wire.decode(bytes.fromhex("dadbadbd"), FOS, Role.BACKUP, None)
    assert isinstance(answer, Rejected)
    assert answer.reason is Reason.OTHER_SERVICE


def test_stop_me_cannot_be_sent_in_lvs_mode() -> None:
    with pytest.raises(ValueError, match="stopme is never sent in lvs mode"):
        wire.encode(BeatState.STOPME, LVS)


# The signed format


def test_a_signed_heartbeat_comes_back_whole() -> None:
    assert read(datagram()) == BEAT


def test_its_layout_is_the_documented_one() -> None:
    data = datagram()
    assert len(data) == signed.LENGTH == 148
    assert data[:8] == bytes.fromhex("dadbadbd") + b"PrHb"
    assert data[8:16] == bytes([1, 0, 0b101, 0, 1, 2, 148, 0])
    assert data[16:24] == (5).to_bytes(8, "little")
    assert data[24:40] == ENVELOPE.boot
    assert data[40:48] == (7).to_bytes(8, "little")
    assert data[84:116] == ENVELOPE.configuration
    assert data[116:] == hmac.new(KEY, data[:116], hashlib.sha256).digest()


def test_an_unpaired_node_reads_it_as_an_old_one_would() -> None:
    assert read(datagram(), None) == Beat(Word(BeatState.RUNNING))


@pytest.mark.parametrize("recorded", ["dadbadbd", "bddabdad", "dadbadbd" + 200 * "00"])
def test_with_a_key_nothing_unsigned_is_believed(recorded: str) -> None:
    assert reason(bytes.fromhex(recorded)) is Reason.UNSIGNED


def test_another_key_is_not_believed() -> None:
    assert reason(datagram(key=bytes(31) + b"\1")) is Reason.SIGNATURE


@pytest.mark.parametrize("place", range(148))
def test_no_byte_can_be_changed(place: int) -> None:
    data = bytearray(datagram())
    data[place] ^= 0x40
    assert isinstance(read(bytes(data)), Rejected)


def test_a_running_heartbeat_cannot_be_made_a_stopped_one() -> None:
    assert reason(bytes.fromhex("bddabdad") + datagram()[4:]) is Reason.SIGNATURE


@pytest.mark.parametrize("length", [8, 9, 115, 116, 147])
def test_a_truncated_one_is_too_short(length: int) -> None:
    assert reason(datagram()[:length]) is Reason.LENGTH


def test_our_own_heartbeats_sent_back_are_not_believed() -> None:
    assert reason(datagram(), role=Role.PRIMARY) is Reason.WRONG_NODE


def test_a_newer_revision_is_read_and_its_new_fields_are_skipped() -> None:
    body = bytearray(datagram()[:-32] + b"what comes later")
    body[9] = signed.REVISION + 1
    body[14:16] = (len(body) + 32).to_bytes(2, "little")
    assert read(resigned(bytes(body))) == BEAT


def test_but_its_new_fields_are_signed() -> None:
    body = bytearray(datagram()[:-32] + b"what comes later")
    body[9] = signed.REVISION + 1
    body[14:16] = (len(body) + 32).to_bytes(2, "little")
    data = bytearray(resigned(bytes(body)))
    data[120] ^= 1
    assert reason(bytes(data)) is Reason.SIGNATURE


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_told_apart_from_a_wrong_key(version: int) -> None:
    body = bytearray(datagram()[:-32])
    body[8] = version
    assert reason(resigned(bytes(body))) is Reason.VERSION


@pytest.mark.parametrize(
    ("place", "value"), [(12, 0), (12, 3), (13, 0), (14, 147), (16, 0)]
)
def test_a_signed_one_that_makes_no_sense_is_not_obeyed(place: int, value: int) -> None:
    """Place 16: RUNNING in term 0 would ask for the rules between old nodes."""
    body = bytearray(datagram()[:-32])
    body[place] = value
    assert reason(resigned(bytes(body))) is Reason.MALFORMED


def test_a_signed_stop_me_is_not_obeyed_in_lvs_mode_either() -> None:
    beat = replace(BEAT, word=Word(BeatState.STOPME, 5))
    assert reason(datagram(beat, kind=FOS)) is Reason.STOPME


def test_a_node_without_a_role_cannot_sign() -> None:
    with pytest.raises(ValueError, match="cannot send heartbeats"):
        datagram(replace(BEAT, envelope=replace(ENVELOPE, role=Role.NEITHER)))


def test_a_heartbeat_without_an_envelope_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="needs an envelope"):
        datagram(Beat(Word(BeatState.RUNNING, 1)))


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", bytes.fromhex("dadbadbd"), datagram()[:9], datagram()[:116]]),
    st.sampled_from([None, KEY]),
)
def test_no_bytes_make_it_raise(rest: bytes, start: bytes, key: bytes | None) -> None:
    answer = read(start + rest, key)
    assert isinstance(answer, (Beat, Rejected))
    assert key is None or isinstance(answer, Rejected)


U64 = st.integers(0, 2**64 - 1)
U32 = st.integers(0, 2**32 - 1)


@given(
    st.sampled_from([BeatState.RUNNING, BeatState.STOPPED]),
    st.integers(1, 2**64 - 1),
    st.lists(st.booleans(), min_size=5, max_size=5),
    st.builds(
        Envelope,
        role=st.just(Role.PRIMARY),
        path=st.sampled_from(Path),
        boot=st.binary(min_size=16, max_size=16),
        started=U64,
        sequence=U64,
        sent_us=U64,
        echo_us=U64,
        held_us=U32,
        keepalive_ms=U32,
        deadtime_ms=U32,
        configuration=st.binary(min_size=32, max_size=32),
    ),
)
def test_every_value_survives_the_wire(
    state: BeatState, term: int, flags: list[bool], envelope: Envelope
) -> None:
    beat = Beat(Word(state, term, *flags), envelope)
    assert read(datagram(beat)) == beat
