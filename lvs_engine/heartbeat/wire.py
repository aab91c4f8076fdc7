"""Datagram <-> heartbeat: the original format, and the door to the signed one.

The original sends four bytes, one number, little-endian on the machines that remain;
of a longer datagram it reads the first four. It knows no sender, order or key: whoever
can write the partner's source address is believed. So with a key none of it is believed,
and without one "stop-me" is obeyed in fos mode only (KF-2).

Bytes from the network never raise: `decode` answers `Rejected`. Source addresses and
replays are not seen here (`heartbeat_udp`, `replay`).
"""

from __future__ import annotations

import struct

from lvs_engine.heartbeat import signed
from lvs_engine.heartbeat.beat import Beat, BeatState, Reason, Rejected, Word
from lvs_engine.values import Role, ServiceKind

LENGTH = 4

NUMBERS: dict[ServiceKind, dict[BeatState, int]] = {
    ServiceKind.LVS: {BeatState.RUNNING: 0xBDADDBDA, BeatState.STOPPED: 0xADBDDABD},
    ServiceKind.FOS: {
        BeatState.RUNNING: 0xBEEFBABE,
        BeatState.STOPPED: 0xDEADBEEF,
        BeatState.STOPME: 0xDEADDADA,
    },
}
_EITHER = {0xDEAFBABE: BeatState.HOLD, 0xDEAFDADA: BeatState.HELD}
_STOPME = NUMBERS[ServiceKind.FOS][BeatState.STOPME]
_NUMBER = struct.Struct("<I")


def encode(state: BeatState, kind: ServiceKind) -> bytes:
    """The original's four bytes.

    Raises:
        ValueError: the original does not send this state in this mode.
    """
    number = NUMBERS[kind].get(state)
    if number is None:
        raise ValueError(f"{state} is never sent in {kind} mode")
    return _NUMBER.pack(number)


def decode(
    data: bytes, kind: ServiceKind, role: Role, key: bytes | None
) -> Beat | Rejected:
    """Read what came from the partner's address.

    Args:
        data: the whole datagram.
        kind: what both nodes run; the other's numbers are rejected.
        role: our own; a signed heartbeat of the same role is our echo, or a mistake.
        key: None: the node is not paired, and reads a signed heartbeat as an old one
            would, by its first four bytes.
    """
    if len(data) < LENGTH:
        return Rejected(Reason.LENGTH, f"{len(data)} bytes")
    state = _state(_NUMBER.unpack_from(data)[0], kind)
    if isinstance(state, Rejected):
        return state
    if key is None:
        return Beat(Word(state))
    if not signed.is_ours(data):
        return Rejected(Reason.UNSIGNED, f"{state}, {len(data)} bytes")
    return signed.decode(data, state, role, key)


def _state(number: int, kind: ServiceKind) -> BeatState | Rejected:
    for state, known in NUMBERS[kind].items():
        if number == known:
            return state
    if number in _EITHER:
        return _EITHER[number]
    if number == _STOPME:
        return Rejected(Reason.STOPME)
    if any(number in numbers.values() for numbers in NUMBERS.values()):
        return Rejected(Reason.OTHER_SERVICE, f"number {number:#010x}")
    return Rejected(Reason.MAGIC, f"number {number:#010x}")
