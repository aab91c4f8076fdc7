"""The signed heartbeat: what two nodes of ours tell each other, under a shared key.

All numbers are little-endian. The first four bytes are the original's number, so that
a node which is not paired yet still reads the state.

    0  4  number          16  8  term         64  8  echo_us
    4  4  magic           24 16  boot         72  4  held_us
    8  1  version         40  8  sequence     76  4  keepalive_ms
    9  1  revision        48  8  started      80  4  deadtime_ms
   10  2  flags           56  8  sent_us      84 32  configuration
   12  1  role                               116     fields of newer revisions
   13  1  path                               end-32  HMAC-SHA256 over all before it
   14  2  length

A newer *revision* only adds fields before the signature: an older reader skips them, a
newer one takes its defaults where they are missing. So neighbours in revision always
talk. A change that this cannot express is a new *version*; its author keeps the decoder
of the version before.

What the key buys: nobody without it can make a heartbeat, change one, or send an old
one again (`replay`). What it does not buy: secrecy (all is readable); protection
against somebody who drops or delays datagrams, since silence then looks like death; and
against somebody on a paired router. A node that just started, and whose partner
is really silent, believes a recording of that partner until it hears a later one.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Mapping

from lvs_engine.heartbeat.beat import (
    Beat,
    BeatState,
    Envelope,
    Path,
    Reason,
    Rejected,
    Word,
)
from lvs_engine.values import Role

VERSION = 1
REVISION = 0
KEY_LENGTH = 32
MAGIC = b"PrHb"
_SIGNATURE_LENGTH = 32
_FIELDS = struct.Struct("<4s4sBBHBBHQ16sQQQQIII32s")
LENGTH = _FIELDS.size + _SIGNATURE_LENGTH

_ROLES = {1: Role.PRIMARY, 2: Role.BACKUP}
_PATHS = {1: Path.PUBLIC, 2: Path.PRIVATE}
_FLAGS = {"able": 1, "hears": 2, "asks": 4, "planned": 8, "farewell": 16}
_U32 = 2**32 - 1


def is_ours(data: bytes) -> bool:
    """Whether this claims to be a signed heartbeat."""
    return data[4:8] == MAGIC


def encode(number: bytes, beat: Beat, key: bytes) -> bytes:
    """The signed datagram.

    Args:
        number: the original's four bytes for this state.
        beat: with an envelope.
        key: shared by the two nodes.

    Raises:
        ValueError: the heartbeat has no envelope, or its role is neither.
    """
    envelope, word = beat.envelope, beat.word
    if envelope is None:
        raise ValueError("a signed heartbeat needs an envelope")
    body = _FIELDS.pack(
        number,
        MAGIC,
        VERSION,
        REVISION,
        sum(bit for name, bit in _FLAGS.items() if getattr(word, name)),
        _code(_ROLES, envelope.role),
        _code(_PATHS, envelope.path),
        LENGTH,
        word.term,
        envelope.boot,
        envelope.sequence,
        envelope.started,
        envelope.sent_us,
        envelope.echo_us,
        min(envelope.held_us, _U32),
        min(envelope.keepalive_ms, _U32),
        min(envelope.deadtime_ms, _U32),
        envelope.configuration,
    )
    return body + _sign(body, key)


def decode(data: bytes, state: BeatState, role: Role, key: bytes) -> Beat | Rejected:
    """Read a datagram that claims to be ours.

    Args:
        data: the whole datagram.
        state: what its first four bytes say.
        role: our own role.
        key: shared by the two nodes.
    """
    if len(data) < LENGTH:
        return Rejected(Reason.LENGTH, f"{len(data)} bytes, signed ones have {LENGTH}")
    if data[8] != VERSION:
        return Rejected(Reason.VERSION, f"version {data[8]}, this node knows {VERSION}")
    # Nothing that is not signed is looked at any further.
    body, signature = data[:-_SIGNATURE_LENGTH], data[-_SIGNATURE_LENGTH:]
    if not hmac.compare_digest(signature, _sign(body, key)):
        return Rejected(Reason.SIGNATURE)
    return _read(body, len(data), state, role)


def _read(body: bytes, length: int, state: BeatState, own: Role) -> Beat | Rejected:
    fields = _FIELDS.unpack_from(body)
    flags, role_code, path_code, told_length, term = fields[4:9]
    boot, sequence, started, sent_us, echo_us, held_us = fields[9:15]
    keepalive_ms, deadtime_ms, configuration = fields[15:]
    role, path = _ROLES.get(role_code), _PATHS.get(path_code)
    if role is None or path is None or told_length != length:
        told = f"role {role_code}, path {path_code}, length {told_length} of {length}"
        return Rejected(Reason.MALFORMED, told)
    if role is own:
        return Rejected(Reason.WRONG_NODE, f"both are {role}")
    if term == 0 and state is BeatState.RUNNING:
        # Term 0 stands for "not told", which would call for the rules of the original.
        return Rejected(Reason.MALFORMED, "running in term 0")
    word = Word(state, term, **{n: bool(flags & bit) for n, bit in _FLAGS.items()})
    envelope = Envelope(
        role=role,
        path=path,
        boot=boot,
        started=started,
        sequence=sequence,
        sent_us=sent_us,
        echo_us=echo_us,
        held_us=held_us,
        keepalive_ms=keepalive_ms,
        deadtime_ms=deadtime_ms,
        configuration=configuration,
    )
    return Beat(word, envelope)


def _sign(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")


def _code(codes: Mapping[int, object], wanted: object) -> int:
    for code, value in codes.items():
        if value is wanted:
            return code
    raise ValueError(f"{wanted!r} cannot send heartbeats")
