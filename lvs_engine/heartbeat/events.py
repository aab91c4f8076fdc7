"""What happens to the failover machine, and what it asks its driver to do."""

from __future__ import annotations

from dataclasses import dataclass

from lvs_engine.heartbeat.beat import Path, Word
from lvs_engine.heartbeat.settings import Rules, Timing


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The partner's word came, and `wire` and `replay` believe it."""

    word: Word
    path: Path = Path.PUBLIC


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The interface of this path lost its link."""

    path: Path = Path.PUBLIC


@dataclass(frozen=True, slots=True)
class LinkUp:
    path: Path = Path.PUBLIC


@dataclass(frozen=True, slots=True)
class ChildFailed:
    """The table cannot be kept: lvsd (or fos) died, or does not settle."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChildRecovered:
    """lvsd keeps the table again."""


@dataclass(frozen=True, slots=True)
class Left:
    """The addresses are gone: the answer to `Deactivate`."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The answer to `Probe`.

    Attributes:
        answered: somebody answers for a floating address.
        cut_off: there is a witness, and this node cannot reach it.
    """

    answered: bool
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The operator wants this node active now; ends a hold."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The operator wants the partner active now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Give up, and stay on standby until `Release` or `TakeOver`."""


@dataclass(frozen=True, slots=True)
class Release:
    """End a hold."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The daemon stops in order."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The configuration was read again. This alone never moves an address."""

    timing: Timing
    rules: Rules


Event = (
    Tick
    | Heard
    | LinkDown
    | LinkUp
    | ChildFailed
    | ChildRecovered
    | Left
    | ProbeResult
    | TakeOver
    | GiveUp
    | Hold
    | Release
    | Stop
    | Changed
)


@dataclass(frozen=True, slots=True)
class SendBeat:
    """Say this on every path, now."""

    word: Word


@dataclass(frozen=True, slots=True)
class Activate:
    """Table, then addresses, then announcements."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deactivate:
    """Take the addresses away, then answer `Left`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell the neighbours again where the addresses are."""

    reason: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask whether somebody answers for a floating address; answer `ProbeResult`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that an operator should know, for the record."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was not carried out, and why."""

    reason: str


Action = SendBeat | Activate | Deactivate | Announce | Probe | Incident | Refused
