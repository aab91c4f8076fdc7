"""The kernel's connection synchronisation: which threads run, as values and bytes.

A master thread multicasts the connections of this node; a backup thread takes in
those of another. Both may run at the same time. Nothing here decides which should.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from lvs_engine.adapters.ipvs import constants as c
from lvs_engine.adapters.ipvs import netlink as nl
from lvs_engine.adapters.ipvs.codec import Request, packed_address
from lvs_engine.adapters.ipvs.decode import text
from lvs_engine.adapters.ipvs.layout import Row, Shapes


class SyncRole(StrEnum):
    """What a synchronisation thread does."""

    MASTER = "master"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class SyncDaemon:
    """One synchronisation thread.

    Attributes:
        interface: device that carries the multicast, at most 15 characters.
        sync_id: 0-255; a backup takes in only messages with its own number, 0 any.
        max_length: bytes of UDP payload; 0 leaves the kernel's choice (the device's MTU).
        group: multicast address, IPv4 or IPv6; empty: the kernel's 224.0.0.81.
        port: UDP port; 0: the kernel's 8848.
        ttl: hops; 0: the kernel's 1.
    """

    role: SyncRole
    interface: str
    sync_id: int = 0
    max_length: int = 0
    group: str = ""
    port: int = 0
    ttl: int = 0


_A = c.ATTR_DAEMON

THREADS: Final = Shapes(
    {
        (_A, c.DAEMON_STATE): 0,
        (_A, c.DAEMON_MCAST_IFN): b"",
        (_A, c.DAEMON_SYNC_ID): 0,
        (_A, c.DAEMON_SYNC_MAXLEN): 0,
        (_A, c.DAEMON_MCAST_GROUP): b"",
        (_A, c.DAEMON_MCAST_GROUP6): b"",
        (_A, c.DAEMON_MCAST_PORT): 0,
        (_A, c.DAEMON_MCAST_TTL): 0,
    },
    raw=[(_A, c.DAEMON_MCAST_IFN), (_A, c.DAEMON_MCAST_GROUP)],
)

_STATES: Final = {SyncRole.MASTER: c.STATE_MASTER, SyncRole.BACKUP: c.STATE_BACKUP}
_ROLES: Final = {state: role for role, state in _STATES.items()}


def start(daemon: SyncDaemon) -> Request:
    """Asks for a thread; fields that are 0 or empty are left to the kernel."""
    content = _identity(daemon.role) + nl.text(c.DAEMON_MCAST_IFN, daemon.interface)
    content += nl.u32(c.DAEMON_SYNC_ID, daemon.sync_id)
    if daemon.max_length:
        content += nl.u16(c.DAEMON_SYNC_MAXLEN, daemon.max_length)
    if daemon.group:
        six = ":" in daemon.group
        kind = c.DAEMON_MCAST_GROUP6 if six else c.DAEMON_MCAST_GROUP
        content += nl.attribute(kind, packed_address(daemon.group))
    if daemon.port:
        content += nl.u16(c.DAEMON_MCAST_PORT, daemon.port)
    if daemon.ttl:
        content += nl.u8(c.DAEMON_MCAST_TTL, daemon.ttl)
    return _request(c.CMD_NEW_DAEMON, nl.F_REQUEST, content)


def stop(role: SyncRole) -> Request:
    """Asks for the end of a thread."""
    return _request(c.CMD_DEL_DAEMON, nl.F_REQUEST, _identity(role))


def get() -> Request:
    """Asks for all threads; one answer for each."""
    body = nl.GENL.pack(c.CMD_GET_DAEMON, c.GENL_VERSION, 0)
    return (nl.F_REQUEST | nl.F_DUMP, body)


def decode(row: Row) -> SyncDaemon | None:
    """One answer to `get`, read by `THREADS`; None if it is no thread that we know."""
    state, interface, sync_id, max_length, group, group6, port, ttl = row
    role = _ROLES.get(state)
    if role is None:
        return None
    raw = group or group6
    return SyncDaemon(
        role=role,
        interface=text(interface),
        sync_id=sync_id,
        max_length=max_length,
        group=str(ip_address(raw)) if raw else "",
        port=port,
        ttl=ttl,
    )


def _identity(role: SyncRole) -> bytes:
    return nl.u32(c.DAEMON_STATE, _STATES[role])


def _request(command: int, flags: int, content: bytes) -> Request:
    head = nl.GENL.pack(command, c.GENL_VERSION, 0)
    return (flags, head + nl.attribute(c.ATTR_DAEMON, content))
