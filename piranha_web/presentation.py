"""A snapshot in the words of the pages: marks, numbers, times, small pictures.

Pure: values in, values out. Nothing here reads a clock or asks a daemon; `now` is Unix
seconds. What the whole control page consists of is in `control_page`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lvs_engine.control.status import (
    DaemonStatus,
    NodeState,
    NodeStatus,
    ServerState,
    ServerStatus,
    ServiceStatus,
)

THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A state: a word, and the kind that gives it shape and colour.

    Attributes:
        kind: ok, warn, bad, standby or off.
    """

    kind: str
    word: str


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The paths of a small chart, in a box of `WIDTH` by `HEIGHT`.

    Attributes:
        words: the same for those who do not see it.
    """

    line: str
    area: str
    words: str


WIDTH, HEIGHT = 96, 20
_SAMPLES = 60

_NODE_MARKS = {
    NodeState.ACTIVE: "ok",
    NodeState.STANDBY: "standby",
    NodeState.STARTING: "warn",
    NodeState.STOPPING: "warn",
}
_SERVER_MARKS = {
    ServerState.UP: Mark("ok", "up"),
    ServerState.DOWN: Mark("bad", "down"),
    ServerState.UNCHECKED: Mark("standby", "unchecked"),
    ServerState.INACTIVE: Mark("off", "inactive"),
    ServerState.DRAINING: Mark("off", "draining"),
    ServerState.SORRY: Mark("warn", "sorry server"),
}
_OFF_ON_PURPOSE = {ServerState.INACTIVE, ServerState.DRAINING}
_SEVERITIES = {"ok": "ok", "info": "standby", "warning": "warn", "bad": "bad"}


def plane_in_words(plane: str) -> str:
    """Whose table it is that the page shows."""
    words = {
        "ipvs": "what the kernel's IPVS has",
        "nftables": "what the kernel's nftables rules do",
        "memory": "kept in memory, nothing is balanced",
    }
    return words.get(plane, plane)


def node_mark(node: NodeStatus) -> Mark:
    if node.state is NodeState.UNKNOWN:
        return Mark("warn", "without pulse")
    return Mark(_NODE_MARKS[node.state], str(node.state))


def daemon_mark(daemon: DaemonStatus) -> Mark:
    kind = {"running": "ok", "stopped": "bad"}.get(daemon.state, "warn")
    return Mark(kind, daemon.state)


def server_mark(server: ServerStatus) -> Mark:
    return _SERVER_MARKS[server.state]


def service_mark(service: ServiceStatus) -> Mark:
    """How many of the real servers that should take connections do so."""
    if not service.active:
        return Mark("off", "inactive")
    if any(s.state is ServerState.SORRY for s in service.servers):
        return Mark("bad", "sorry server")
    wanted = [s for s in service.servers if s.state not in _OFF_ON_PURPOSE]
    if not wanted:
        return Mark("warn", "no server")
    up = sum(in_service(s) for s in wanted)
    if up == len(wanted):
        return Mark("ok", f"{up} of {len(wanted)}")
    all_down = all(s.state is ServerState.DOWN for s in wanted)
    return Mark("bad" if all_down else "warn", f"{up} of {len(wanted)}")


def in_service(server: ServerStatus) -> bool:
    """Whether it gets new connections; one not checked yet does only if it did before."""
    if server.state is ServerState.UNCHECKED:
        return server.effective_weight > 0
    return server.state is ServerState.UP


def services_in_words(services: Sequence[ServiceStatus]) -> str:
    """`2 up, 1 degraded`: how the virtual servers are."""
    words = {"ok": "up", "warn": "degraded", "bad": "down", "off": "inactive"}
    kinds = [service_mark(s).kind for s in services]
    counted = [(kinds.count(kind), word) for kind, word in words.items()]
    return ", ".join(f"{count} {word}" for count, word in counted if count)


def severity_mark(severity: str) -> str:
    return _SEVERITIES.get(severity, "standby")


def health_note(server: ServerStatus, now: float) -> str:
    """What stands beside the badge: why, since when, or how fast it answered."""
    match server.state:
        case ServerState.UP:
            return milliseconds(server.duration_s) if server.duration_s else ""
        case ServerState.DOWN:
            reason = server.reason or server.code
            length = span(now - server.since) if server.since else ""
            return ", ".join(part for part in (reason, length) if part)
        case ServerState.DRAINING:
            left = server.traffic.active_connections
            return f"{number(left)} connection{'' if left == 1 else 's'} left"
        case _:
            return server.reason


def weight_in_words(server: ServerStatus) -> str:
    """`40`, or `40 of 80` where the kernel has another weight than the file."""
    effective = max(server.effective_weight, 0)
    if effective == server.weight or server.state is ServerState.INACTIVE:
        return number(server.weight)
    return f"{number(effective)} of {number(server.weight)}"


def share(server: ServerStatus, service: ServiceStatus) -> float:
    """The part of new connections that the weights give it, 0 to 1."""
    total = sum(max(s.effective_weight, 0) for s in service.servers)
    return max(server.effective_weight, 0) / total if total else 0.0


def number(value: float) -> str:
    """`18 412`: whole, in groups of three."""
    return f"{round(value):,}".replace(",", THIN_SPACE)


def rate(value: float) -> str:
    """A rate a second: one decimal below ten, none above, nothing lost near zero."""
    if value == 0:
        return "0"
    if value < 9.95:
        return f"{value:.1f}" if value >= 0.05 else "<0.1"
    return number(value)


def bits_per_second(bytes_a_second: float) -> str:
    """`3.1 Gbit/s`."""
    value = bytes_a_second * 8
    for unit in ("bit/s", "kbit/s", "Mbit/s", "Gbit/s"):
        if value < 999.5:
            return f"{_three_figures(value)} {unit}"
        value /= 1000
    return f"{_three_figures(value)} Tbit/s"


def amount(count: float) -> str:
    """Bytes: `3.1 GB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{_three_figures(value)} {unit}"
        value /= 1000
    return f"{_three_figures(value)} TB"


def _three_figures(value: float) -> str:
    exact = value == int(value)
    return f"{value:.1f}" if value < 9.95 and not exact else f"{value:.0f}"


def milliseconds(seconds: float) -> str:
    """`2.1 ms`, `1.2 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{_three_figures(seconds * 1000)} ms"


def span(seconds: float) -> str:
    """A duration in one or two units: `12 s`, `4 min`, `3 h 20 min`, `5 days`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    hours, minutes = divmod(whole // 60, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"
    days = hours // 24
    return f"{days} day{'' if days == 1 else 's'}"


def moment(at: float, now: float) -> str:
    """The clock of this machine: `02:41:07` today, `03 Nov 04:12` this year, else with it."""
    if not at:
        return "never"
    then = datetime.fromtimestamp(at).astimezone()
    today = datetime.fromtimestamp(now).astimezone()
    if then.date() == today.date():
        return then.strftime("%H:%M:%S")
    if then.year == today.year or abs(now - at) < 180 * DAY_S:
        return then.strftime("%d %b %H:%M")
    return then.strftime("%d %b %Y")


def sparkline(history: Sequence[float]) -> Sparkline | None:
    """The last samples, scaled to their highest; None when there is nothing to draw."""
    samples = [max(0.0, value) for value in history[-_SAMPLES:]]
    if len(samples) < 2:
        return None
    top = max(samples) or 1.0
    step = WIDTH / (len(samples) - 1)
    points = [
        f"{index * step:.1f} {HEIGHT - 1 - value / top * (HEIGHT - 3):.1f}"
        for index, value in enumerate(samples)
    ]
    line = "M" + "L".join(points)
    return Sparkline(
        line=line,
        area=f"{line}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z",
        words=f"from {rate(samples[0])} to {rate(samples[-1])} a second, "
        f"at most {rate(max(samples))}",
    )
