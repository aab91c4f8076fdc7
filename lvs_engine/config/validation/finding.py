"""What a rule finds, and where in the model."""

from __future__ import annotations

from typing import NamedTuple

from lvs_engine.config.document import Scope
from lvs_engine.config.model import Cluster, FailoverService, VirtualServer
from lvs_engine.config.problems import Severity
from lvs_engine.values import ServiceKind


class Place(NamedTuple):
    """A block of the model.

    Attributes:
        service: place among the virtual (or failover) blocks, from 0; -1 for GLOBAL.
        server: place among the servers of the virtual block, or -1.
    """

    scope: Scope = Scope.GLOBAL
    service: int = -1
    server: int = -1


class Finding(NamedTuple):
    """A problem without line and column.

    Attributes:
        keywords: the first is what the problem is about; the first that is in the file
            is what it points at.
        word: which word of the value, from 0.
        offset: characters into that word, or -1 for the word as such.
    """

    severity: Severity
    code: str
    message: str
    place: Place = Place()
    keywords: tuple[str, ...] = ()
    word: int = 0
    offset: int = -1


def grade(active: bool) -> Severity:
    """An error where the block is in use, else a warning."""
    return Severity.ERROR if active else Severity.WARNING


def virtual_in_use(cluster: Cluster, virtual: VirtualServer) -> bool:
    """Whether the daemons serve a virtual block."""
    return virtual.active and cluster.service is ServiceKind.LVS


def failover_in_use(cluster: Cluster, failover: FailoverService) -> bool:
    """Whether the daemons serve a failover block."""
    return failover.active and cluster.service is ServiceKind.FOS
