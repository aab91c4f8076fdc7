"""What the failover machine is told of its surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lvs_engine.values import ServiceKind


@dataclass(frozen=True, slots=True)
class Timing:
    """Heartbeat timing.

    Attributes:
        keepalive: seconds between two heartbeats that we send; > 0.
        deadtime: seconds of silence after which the partner counts as dead; more than
            `keepalive`, else one lost datagram is a failover. (The sample file: 6, 18.)

    Raises:
        ValueError: they are not (KF-44).
    """

    keepalive: float
    deadtime: float

    def __post_init__(self) -> None:
        if not 0 < self.keepalive < self.deadtime < math.inf:
            raise ValueError(
                "0 < keepalive < deadtime is needed, "
                f"got {self.keepalive:g} and {self.deadtime:g} s"
            )

    @property
    def hurried(self) -> float:
        """Seconds between two heartbeats when something hangs on the next one."""
        return self.keepalive / 10

    @property
    def worrying(self) -> float:
        """Seconds of silence after which the partner is asked to speak."""
        return self.keepalive * 1.25

    @property
    def patience(self) -> float:
        """Seconds that a backup gives an idle primary to take the addresses."""
        return min(2 * self.keepalive, self.deadtime)

    @property
    def longest_retry(self) -> float:
        """Upper limit of the seconds between two tries after lvsd failed."""
        return 10 * self.deadtime


@dataclass(frozen=True, slots=True)
class Rules:
    """Who the node is, and what it may do.

    Attributes:
        preferred: the primary of lvs.cf: wins when all else is equal.
        partner: there is another router (`backup_active = 1` and an address).
        signed: both speak the signed format, so terms are told and questions answered.
        failback: a sound primary takes the addresses back after `deadtime`.
        probing: ask the network for an owner before replacing a silent partner.
        kind: lvs or fos; only fos knows "stop-me".
    """

    preferred: bool
    partner: bool = True
    signed: bool = True
    failback: bool = False
    probing: bool = False
    kind: ServiceKind = ServiceKind.LVS
