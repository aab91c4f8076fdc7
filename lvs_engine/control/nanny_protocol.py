"""What lvsd and nanny say to each other: one JSON object on each line.

lvsd sends the whole set of checks whenever it changes (`checks`); nanny answers with
the state of a server when that changes (`state`), and once a second with a sign of life
(`alive`). Both ends come from one installation, so there is no version to negotiate.
Decoding raises `ControlError` and nothing else, whatever the bytes are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

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


@dataclass(frozen=True, slots=True)
class CheckSet:
    """lvsd -> nanny: these are all checks from now on.

    Attributes:
        watches: who is watched, and how.
        known: states that nanny starts from. It looks at them only in the first set
            after its own start, so that its restart changes no server's state.
    """

    watches: tuple[Watch, ...]
    known: HealthView = field(default_factory=HealthView)


@dataclass(frozen=True, slots=True)
class StateReport:
    """nanny -> lvsd: the state of one server, sent when state, code or reason changed.

    `health.since` is the Unix time of the last change of the *state*.
    """

    server: ServerKey
    health: ServerHealth


@dataclass(frozen=True, slots=True)
class Alive:
    """nanny -> lvsd, once a second.

    Attributes:
        results: check results since nanny started.
        late_s: worst lateness of a check in that second; well under 0.1 on a machine
            that keeps up.
        checks: probes that are being repeated now (equal ones are shared).
    """

    results: int
    late_s: float
    checks: int = 0


Message = CheckSet | StateReport | Alive


def encode_checks(watches: Sequence[Watch], known: HealthView | None = None) -> bytes:
    """The line that lvsd sends; equal checks are written once."""
    numbers: dict[Check, int] = {}
    listeners: list[list[list[Any]]] = []
    for watch in watches:
        number = numbers.setdefault(watch.check, len(numbers))
        if number == len(listeners):
            listeners.append([])
        listeners[number].append([*watch.server, watch.reentry_s])
    checks = [
        {**_sparse(check), "servers": listeners[number]}
        for check, number in numbers.items()
    ]
    states = {} if known is None else known.servers
    return _line(
        {
            "do": "checks",
            "checks": checks,
            "known": [_health(key, health) for key, health in states.items()],
        }
    )


def encode_state(report: StateReport) -> bytes:
    return _line({"say": "state", **_health(report.server, report.health)})


def encode_alive(alive: Alive) -> bytes:
    return _line({"say": "alive", **asdict(alive)})


def decode(line: bytes | str) -> Message:
    """One line of either direction.

    Raises:
        ControlError: it is not a line of this protocol; the message says why.
    """
    try:
        record = json.loads(line)
        word = record.get("do") or record.get("say")
        match word:
            case "checks":
                return _check_set(record)
            case "state":
                return StateReport(*_server_health(record))
            case "alive":
                return Alive(
                    int(record["results"]),
                    float(record["late_s"]),
                    int(record.get("checks", 0)),
                )
            case _:
                pass
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ControlError(f"not a line of the nanny protocol: {error!r}") from error
    raise ControlError(f"not a line of the nanny protocol: unknown word {word!r}")


class LineReader:
    """Cuts a stream of bytes into whole lines; holds the unfinished rest."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> Iterable[bytes]:
        """The lines that `data` completes, without their newline, empty ones left out."""
        head, newline, rest = data.partition(b"\n")
        self._parts.append(head)
        if not newline:
            return []
        lines = [b"".join(self._parts), *rest.split(b"\n")]
        self._parts = [lines.pop()]
        return [line for line in lines if line]


def _line(record: Mapping[str, object]) -> bytes:
    # JSON escapes surrogates, so texts with bytes that are not UTF-8 survive.
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"


_DEFAULTS = asdict(Check(kind="", address="", port=0))


def _sparse(check: Check) -> dict[str, Any]:
    """Only what differs from the defaults: a third of the bytes of a large set."""
    return {
        name: value
        for name in Check.__slots__
        if (value := getattr(check, name)) != _DEFAULTS[name]
        or name in {"kind", "address", "port"}
    }


def _check_set(record: Mapping[str, Any]) -> CheckSet:
    found: list[Watch] = []
    for item in record["checks"]:
        fields = dict(item)
        servers = fields.pop("servers")
        fields["protocol"] = Protocol(fields.get("protocol", Protocol.TCP))
        fields["options"] = tuple(
            (str(name), str(value)) for name, value in fields.get("options", ())
        )
        check = Check(**fields)
        found += (
            Watch(ServerKey(str(virtual), str(server)), check, int(reentry))
            for virtual, server, reentry in servers
        )
    known = dict(_server_health(item) for item in record.get("known", ()))
    return CheckSet(tuple(found), HealthView(known))


def _health(key: ServerKey, health: ServerHealth) -> dict[str, Any]:
    return {"virtual": key.virtual, "server": key.server, **asdict(health)}


def _server_health(record: Mapping[str, Any]) -> tuple[ServerKey, ServerHealth]:
    return (
        ServerKey(str(record["virtual"]), str(record["server"])),
        ServerHealth(
            HealthState(record["state"]),
            ReasonCode(record["code"]),
            str(record["reason"]),
            float(record["since"]),
            float(record["duration_s"]),
        ),
    )
