"""What one router tells the other, and why a datagram was not believed.

Values only. Bytes are the business of `wire` and `signed`; what follows from a word
is the business of `failover`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lvs_engine.values import Role

TERM_LIMIT = 2**64 - 1  # the term is 64 bits wide on the wire


class BeatState(StrEnum):
    """The five messages of the original; nodes of ours send the first three."""

    RUNNING = "running"
    STOPPED = "stopped"
    STOPME = "stopme"  # "stop, I am taking over"; has a meaning in fos mode only
    HOLD = "hold"  # never sent by anybody: a sign of life
    HELD = "held"  # likewise


class Path(StrEnum):
    """The two ways between the routers."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Word:
    """What a router says of itself. The original format has nothing but the state.

    Attributes:
        term: grows with every activation of either node; 0: not told (original format).
        able: would take the addresses if asked: sound, not held, not stopping.
        hears: heard the other node within its dead time.
        asks: wants an answer at once.
        planned: is taking over on purpose, so the overlap is no incident.
        farewell: stops in order after this one.
    """

    state: BeatState
    term: int = 0
    able: bool = True
    hears: bool = True
    asks: bool = False
    planned: bool = False
    farewell: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a signed heartbeat carries around the word.

    Attributes:
        role: the sender's; a node does not talk to its own kind.
        path: the way that it was sent on.
        boot: 16 random bytes, new with every start of the sender.
        started: Unix time of that start in nanoseconds.
        sequence: grows with every heartbeat; copies on two paths share a number.
        sent_us: the sender's clock in microseconds, from an arbitrary origin.
        echo_us: `sent_us` of the last heartbeat that came to the sender here; 0: none.
        held_us: microseconds between hearing that one and sending this.
        keepalive_ms, deadtime_ms: the sender's timing.
        configuration: sha256 of the lvs.cf that the sender runs.
    """

    role: Role
    path: Path
    boot: bytes
    started: int
    sequence: int
    sent_us: int
    echo_us: int = 0
    held_us: int = 0
    keepalive_ms: int = 0
    deadtime_ms: int = 0
    configuration: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat as it was read; without envelope it had the original format."""

    word: Word
    envelope: Envelope | None = None


class Reason(StrEnum):
    """Why a datagram was not believed; each is counted by itself."""

    STRANGER = "from an address that is not the partner's"
    LENGTH = "too short for a heartbeat"
    MAGIC = "not a heartbeat"
    OTHER_SERVICE = "of the other service type"
    STOPME = "stop-me outside of fos mode"
    UNSIGNED = "unsigned, and a key is set"
    VERSION = "of an unknown version"
    SIGNATURE = "signed with another key, or changed on its way"
    MALFORMED = "signed, but makes no sense"
    WRONG_NODE = "from a node of our own role"
    WRONG_PATH = "sent on another path"
    REPLAYED = "heard before"
    OVERTAKEN = "overtaken by a newer one on the other path"
    OLD_BOOT = "from an earlier start of the partner"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A datagram that changes nothing.

    Attributes:
        detail: what was found, for the log; may be empty.
    """

    reason: Reason
    detail: str = ""
