"""What the daemons tell of themselves: one immutable snapshot, as values.

Times are Unix seconds, so that page and command can show them in words; durations are
seconds. `protocol.py` turns a snapshot into plain dictionaries and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class NodeState(StrEnum):
    """What this router does now."""

    ACTIVE = "active"
    STANDBY = "standby"
    STARTING = "starting"
    STOPPING = "stopping"
    UNKNOWN = "unknown"  # lvsd runs without pulse


class ServerState(StrEnum):
    """Configured and effective state in one word, for a badge."""

    UP = "up"
    DOWN = "down"
    UNCHECKED = "unchecked"
    INACTIVE = "inactive"  # `active = 0`
    DRAINING = "draining"  # weight 0 on purpose, connections may remain
    SORRY = "sorry"  # the sorry server, in use


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """This router.

    Attributes:
        name: host name.
        role: primary, backup, or empty when neither address is local.
        reason: why it is in this state, in a sentence.
    """

    name: str = ""
    role: str = ""
    state: NodeState = NodeState.UNKNOWN
    since: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DaemonStatus:
    """One process of ours.

    Attributes:
        state: running, starting, restarting, stopped.
        restarts: times it was started again after dying.
        message: the last thing worth knowing, such as why it died.
    """

    name: str
    pid: int = 0
    state: str = "stopped"
    since: float = 0.0
    restarts: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class ConfigurationStatus:
    """Which lvs.cf runs, and whether the file has become another one since.

    Attributes:
        revision: sha256 of the bytes that run.
        problems: rendered warnings of the running file.
        rejected: rendered errors of a newer file that was refused; the old one runs on.
    """

    path: str = ""
    serial_no: int = 0
    revision: str = ""
    loaded_at: float = 0.0
    problems: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    rejected_revision: str = ""


@dataclass(frozen=True, slots=True)
class AddressStatus:
    """A floating address.

    Attributes:
        purpose: `virtual NAME` or `nat_router`.
        present: whether the kernel has it on the device now.
    """

    address: str
    device: str
    purpose: str
    present: bool
    announced_at: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class PassStatus:
    """How the last reconcile pass ended.

    Attributes:
        outcome: settled, retry, refused, or empty before the first.
        drift: sentences on what was found changed by hand and put right, newest last.
        refusals: sentences on what the kernel refused.
    """

    outcome: str = ""
    at: float = 0.0
    duration_s: float = 0.0
    added: int = 0
    changed: int = 0
    removed: int = 0
    refusals: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traffic:
    """Totals since the entry was made, and rates per second over the last sample."""

    active_connections: int = 0
    inactive_connections: int = 0
    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    connections_s: float = 0.0
    bytes_in_s: float = 0.0
    bytes_out_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """A real server in a virtual server.

    Attributes:
        name: identity (`app1`, `app1#2`).
        code, reason: of the last check result.
        weight: configured; effective_weight: what the kernel has, -1 when it has none.
        history: connections per second, oldest first, one value a sample.
    """

    name: str
    address: str
    port: int
    state: ServerState
    forwarding: str = "nat"
    code: str = ""
    reason: str = ""
    since: float = 0.0
    duration_s: float = 0.0
    weight: int = 1
    effective_weight: int = -1
    traffic: Traffic = Traffic()
    history: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A virtual server.

    Attributes:
        name: identity (`web`, `web#2`).
        addresses: `192.0.2.10:80 tcp` or `mark 21`, one for each kernel service.
        active: `active = 1` in the file.
    """

    name: str
    addresses: tuple[str, ...]
    active: bool
    scheduler: str = "wlc"
    persistent: int = 0
    servers: tuple[ServerStatus, ...] = ()
    traffic: Traffic = Traffic()
    history: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A change worth a line on the wall: `web, app3: down: connection refused`.

    Attributes:
        severity: ok, info, warning, bad.
        subject: `web/app3`, `web`, `configuration`, `lvsd` ...
    """

    at: float
    severity: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class PathStatus:
    """One way between the two routers.

    Attributes:
        name: public or private.
        address: the partner's.
        heard_at: 0 when no heartbeat came this way.
        round_trip_s: there and back; -1 when not known (original format).
    """

    name: str
    address: str
    heard_at: float = 0.0
    round_trip_s: float = -1.0


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """The other router, as its heartbeats tell.

    Attributes:
        address: its public one.
        state: running, stopped ...; empty when it was never heard.
        silent: nothing was heard for the dead time.
        term: of the last activation that it knows; 0 in the original format.
        signed: whether heartbeats are signed with a key that both have.
        same_configuration: None when it does not say.
        rejected: datagrams that changed nothing, by reason.
        warning: what a person should know, or empty.
    """

    address: str
    state: str = ""
    silent: bool = False
    term: int = 0
    paths: tuple[PathStatus, ...] = ()
    signed: bool = False
    same_configuration: bool | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at one moment.

    Attributes:
        plane: ipvs, nftables, memory; plane_notes: what to know of it.
        foreign: kernel services that are not ours and are left alone.
        peer: the other router; None when there is none.
        events: newest first, at most 200.
    """

    version: str = ""
    at: float = 0.0
    node: NodeStatus = NodeStatus()
    daemons: tuple[DaemonStatus, ...] = ()
    configuration: ConfigurationStatus = ConfigurationStatus()
    plane: str = ""
    plane_notes: tuple[str, ...] = ()
    last_pass: PassStatus = PassStatus()
    addresses: tuple[AddressStatus, ...] = ()
    services: tuple[ServiceStatus, ...] = ()
    foreign: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    peer: PeerStatus | None = None
