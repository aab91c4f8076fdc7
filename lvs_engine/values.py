"""Small values that several domains share, so that the domains need not know each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Protocol(StrEnum):
    """Transport protocols that IPVS balances; sctp is an extension to lvs.cf."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"


class Forwarding(StrEnum):
    """How a packet reaches the real server, in the words of the `network` keyword."""

    NAT = "nat"
    DIRECT = "direct"
    TUNNEL = "tunnel"


class Scheduler(StrEnum):
    """The kernel's schedulers; the original knew the first eight."""

    RR = "rr"
    WRR = "wrr"
    LC = "lc"
    WLC = "wlc"
    LBLC = "lblc"
    LBLCR = "lblcr"
    DH = "dh"
    SH = "sh"
    SED = "sed"
    NQ = "nq"
    FO = "fo"
    OVF = "ovf"
    MH = "mh"
    TWOS = "twos"


class TunnelType(StrEnum):
    """Encapsulation of the tunnel method."""

    IPIP = "ipip"
    GUE = "gue"
    GRE = "gre"


class ServiceKind(StrEnum):
    """Which kind of block the daemons use: virtual (lvs) or failover (fos)."""

    LVS = "lvs"
    FOS = "fos"


class Role(StrEnum):
    """Which of the two routers of lvs.cf a node is; the original called the rest backup."""

    PRIMARY = "primary"
    BACKUP = "backup"
    NEITHER = ""


class ServerKey(NamedTuple):
    """A real server of the configuration.

    Names in lvs.cf need not be unique. The second block called `web` is known as
    `web#2`, the third as `web#3`, for virtual and real servers alike
    (`lvs_engine.config.model.identities`).
    """

    virtual: str
    server: str


class HealthState(StrEnum):
    """What health checks say of a real server."""

    UP = "up"
    DOWN = "down"
    UNCHECKED = "unchecked"  # no result yet: takes no traffic until its first success


class ReasonCode(StrEnum):
    """Why a check ended as it did, in the style of HAProxy's check codes."""

    PASSED = "L7OK"
    CONNECTED = "L4OK"
    REFUSED = "L4CON"
    CONNECT_TIMEOUT = "L4TOUT"
    ANSWER_TIMEOUT = "L7TOUT"
    WRONG_ANSWER = "L7RSP"
    CLOSED = "L7EOF"
    PROGRAM_OK = "PROCOK"
    PROGRAM_FAILED = "PROCERR"
    PROGRAM_TIMEOUT = "PROCTOUT"
    LOCAL_ERROR = "SOCKERR"
    NONE = "INI"


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """The state of one real server as the checks see it.

    Attributes:
        state: up, down, or not yet checked.
        code: reason code of the last result.
        reason: the same in words that one would say on the phone.
        since: wall-clock seconds (Unix time) of the last change of state; 0 if none.
        duration_s: seconds that the last check took; 0 if none was made.
    """

    state: HealthState
    code: ReasonCode = ReasonCode.NONE
    reason: str = "not checked yet"
    since: float = 0.0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HealthView:
    """Health of all real servers at one moment; a server not in it is UNCHECKED."""

    servers: Mapping[ServerKey, ServerHealth] = field(default_factory=dict)

    def of(self, key: ServerKey) -> ServerHealth:
        return self.servers.get(key, UNCHECKED)


UNCHECKED = ServerHealth(HealthState.UNCHECKED)
