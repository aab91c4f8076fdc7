"""A status snapshot as lines for a terminal of 80 columns.

State is told by a shape and by a word; colour only repeats them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

import click

from lvs_engine.control.status import (
    DaemonStatus,
    PathStatus,
    PeerStatus,
    ServerState,
    ServerStatus,
    ServiceStatus,
    Status,
)

_GOOD, _BAD, _CARE, _OFF, _NONE = "●", "✕", "▲", "○", "−"  # noqa: RUF001
_COLOURS = {_GOOD: "green", _BAD: "red", _CARE: "yellow", _OFF: None, _NONE: None}
_SHAPES = {
    ServerState.UP: _GOOD,
    ServerState.DOWN: _BAD,
    ServerState.UNCHECKED: _CARE,
    ServerState.INACTIVE: _OFF,
    ServerState.DRAINING: _CARE,
    ServerState.SORRY: _CARE,
}
_EVENT_SHAPES = {"ok": _GOOD, "info": _NONE, "warning": _CARE, "bad": _BAD}
_EVENTS = 5
_WIDTH = 80


def report(status: Status, *, colour: bool = False) -> Iterator[str]:
    """The lines, in this order: node, trouble, services, events."""
    paint = _painter(colour)
    yield from _node(status)
    for shape, text in _trouble(status):
        first, *more = _wrapped(text)
        yield paint(shape, first)
        yield from more
    for service in status.services:
        yield ""
        yield paint(*_service(service))
        for server in service.servers:
            yield from (paint(*line) for line in _server(status, server))
    if status.foreign:
        yield ""
        yield "Not ours, left alone: " + ", ".join(status.foreign)
    if status.events:
        yield ""
        yield "Latest events"
        for event in status.events[:_EVENTS]:
            shape = _EVENT_SHAPES.get(event.severity, _NONE)
            when = _ago(status.at - event.at)
            yield paint(shape, f"  {when:<10} {event.subject}: {event.text}")


def _node(status: Status) -> Iterator[str]:
    node = status.node
    role = f" ({node.role})" if node.role else ""
    yield (
        f"{node.name}: {node.state}{role} for {_span(status.at - node.since)}, "
        f"balancing by {status.plane or 'nothing'}, piranha {status.version}"
    )
    if node.reason:
        yield f"  {node.reason}"
    running = ", ".join(_daemon(d) for d in status.daemons)
    yield f"daemons  {running}"
    file = status.configuration
    if file.revision:
        yield (
            f"file     {file.path}, serial {file.serial_no}, revision "
            f"{file.revision[:8]}, loaded {_ago(status.at - file.loaded_at)}"
        )
    done = status.last_pass
    if done.outcome:
        yield f"table    {done.outcome}, looked at {_ago(status.at - done.at)}"
    if status.peer:
        yield f"peer     {_peer(status, status.peer)}"
    for address in status.addresses:
        shape = _GOOD if address.present else _OFF
        word = "here" if address.present else "not here"
        place = f"{address.address} {address.device}"
        yield f"address  {shape} {place:<32} {word}, {address.purpose}"


def _daemon(daemon: DaemonStatus) -> str:
    facts = [f"pid {daemon.pid}"] if daemon.pid else []
    if daemon.restarts:
        facts.append(f"restarted {daemon.restarts} times")
    more = f" ({', '.join(facts)})" if facts else ""
    return f"{daemon.name} {daemon.state}{more}"


def _peer(status: Status, peer: PeerStatus) -> str:
    if not peer.state:
        return f"{peer.address} was never heard"
    heard = max(path.heard_at for path in peer.paths)
    ways = ", ".join(_way(path) for path in peer.paths)
    silent = "silent, was " if peer.silent else ""
    state = _PEER_STATES.get(peer.state, peer.state)
    term = f" in term {peer.term}" if peer.term else ""
    signed = "signed" if peer.signed else "not signed"
    return (
        f"{peer.address} {silent}{state}{term}, heard {_ago(status.at - heard)} "
        f"({ways}), {signed}"
    )


_PEER_STATES = {"running": "active", "stopped": "standby"}


def _way(path: PathStatus) -> str:
    if not path.heard_at:
        return f"{path.name} never"
    if path.round_trip_s < 0:
        return path.name
    return f"{path.name} {path.round_trip_s * 1000:.1f} ms"


def _peer_trouble(peer: PeerStatus) -> Iterator[tuple[str, str]]:
    if peer.silent:
        yield _BAD, f"the other router {peer.address} is silent"
    if peer.same_configuration is False:
        yield _CARE, "the other router runs another lvs.cf than this one"
    if peer.warning:
        yield _CARE, peer.warning
    yield from (
        (_CARE, f"{number} datagrams for the heartbeat not believed: {reason}")
        for reason, number in peer.rejected.items()
    )


def _trouble(status: Status) -> Iterator[tuple[str, str]]:
    file = status.configuration
    if file.rejected:
        yield _BAD, "the file was changed and refused; the former one runs:"
        yield from ((_NONE, f"  {problem}") for problem in file.rejected)
    yield from ((_CARE, problem) for problem in file.problems)
    yield from ((_BAD, refusal) for refusal in status.last_pass.refusals)
    yield from (
        (_CARE, f"changed by somebody else: {sentence}")
        for sentence in status.last_pass.drift
    )
    yield from (
        (_CARE, f"{address.address}: {address.message}")
        for address in status.addresses
        if address.message
    )
    if status.peer:
        yield from _peer_trouble(status.peer)
    yield from ((_NONE, note) for note in status.plane_notes)


def _service(service: ServiceStatus) -> tuple[str, str]:
    where = " ".join(service.addresses)
    if not service.active:
        return _OFF, f"{service.name}  {where}  inactive"
    checked = [s for s in service.servers if s.state in _COUNTED]
    up = sum(s.state in _ABLE for s in checked)
    shape = _GOOD if up == len(checked) else _CARE if up else _BAD
    sticky = f", persistent {service.persistent} s" if service.persistent else ""
    return shape, (
        f"{service.name}  {where}  {service.scheduler}{sticky}, "
        f"{up} of {len(checked)} up, {service.traffic.connections_s:.1f} conn/s"
    )


_ABLE = (ServerState.UP, ServerState.DRAINING)
_COUNTED = (*_ABLE, ServerState.DOWN, ServerState.UNCHECKED)


def _server(status: Status, server: ServerStatus) -> Iterator[tuple[str, str]]:
    weight = _NONE if server.effective_weight < 0 else str(server.effective_weight)
    if server.effective_weight not in {server.weight, -1}:
        weight += f" of {server.weight}"
    yield (
        _SHAPES[server.state],
        f"  {server.name:<14} {_place(server):<24} {server.state:<9} "
        f"weight {weight:<8} {server.traffic.active_connections:>6} active",
    )
    if server.state in {ServerState.DOWN, ServerState.UNCHECKED, ServerState.SORRY}:
        since = f" for {_span(status.at - server.since)}" if server.since else ""
        code = f" ({server.code})" if server.code else ""
        yield _NONE, f"    {server.reason}{code}{since}"


def _place(server: ServerStatus) -> str:
    host = f"[{server.address}]" if ":" in server.address else server.address
    return f"{host}:{server.port}" if server.port else host


def _painter(colour: bool) -> Callable[[str, str], str]:
    def paint(shape: str, text: str) -> str:
        indent = len(text) - len(text.lstrip())
        line = f"{text[:indent]}{shape} {text[indent:]}"
        if not colour or _COLOURS[shape] is None:
            return line
        return click.style(line, fg=_COLOURS[shape])

    return paint


def _wrapped(text: str) -> list[str]:
    """A long sentence in lines that leave room for the shape before the first."""
    rest = " " * (2 + len(text) - len(text.lstrip()))
    return textwrap.wrap(
        text, _WIDTH - 2, subsequent_indent=rest, break_long_words=False
    ) or [text]


def _ago(seconds: float) -> str:
    return f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    """`4 s`, `3 min`, `5 h`, `12 d`."""
    for size, unit, limit in ((86400, "d", 2), (3600, "h", 2), (60, "min", 2)):
        if seconds >= limit * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
