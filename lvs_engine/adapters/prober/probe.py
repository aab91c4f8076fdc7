"""What a probe is: the one interface that every kind of check is written to.

A probe belongs to one check and makes its runs one after the other. It knows nothing
of intervals, thresholds and servers; it tells the outcome of a run to its `Run`.
"""

from __future__ import annotations

# getaddrinfo loads this codec at its first use, when root has long been given up and
# the installation may be out of our reach.
import encodings.idna  # noqa: F401
import errno
import os
import socket
from collections.abc import Callable
from typing import Protocol

from lvs_engine.adapters.prober.lanes import Lanes
from lvs_engine.adapters.prober.loop import Loop
from lvs_engine.health.checks import Check
from lvs_engine.health.judge import Event as Outcome
from lvs_engine.health.judge import Failed, Undecided
from lvs_engine.values import ReasonCode


class Run(Protocol):
    """Where a probe tells how its run goes."""

    def finish(self, outcome: Outcome, now: float) -> None:
        """The run is over; the probe has let go of everything it used."""

    def next_step(self, now: float) -> None:
        """One step is done, the next one has the whole time limit again."""


class Probe(Protocol):
    """Makes the runs of one check, never two at the same time."""

    def start(self, now: float) -> None:
        """Begin a run; it may be finished when this returns."""

    def expire(self, now: float) -> None:
        """The time limit of the current step is over: finish the run."""

    def close(self) -> None:
        """The check is gone: stop without telling anybody."""


Factory = Callable[[Check, Loop, Lanes, Run], Probe]


class Impossible:
    """A check that cannot be made as it is written; each run says why."""

    def __init__(self, reason: str, run: Run) -> None:
        self._outcome = Failed(ReasonCode.LOCAL_ERROR, reason)
        self._run = run

    def start(self, now: float) -> None:
        self._run.finish(self._outcome, now)

    def expire(self, now: float) -> None:
        self._run.finish(self._outcome, now)

    def close(self) -> None:
        """Nothing is held."""


def endpoint(check: Check) -> tuple[int, tuple[object, ...]]:
    """Address family and socket address.

    Raises:
        ValueError: the address is a host name, or there is no port to go to.
    """
    if not 0 < check.port < 65536:
        raise ValueError("there is no port to check: give the real server a port")
    try:
        # AI_NUMERICHOST: parses, never asks a name server. It knows `fe80::1%eth0`.
        found = socket.getaddrinfo(
            check.address,
            check.port,
            flags=socket.AI_NUMERICHOST,
            type=socket.SOCK_DGRAM,
        )
    except (OSError, UnicodeError):
        raise ValueError(f"the address of {check.address} is not known") from None
    family, _, _, _, address = found[0]
    return int(family), address


_SHORTAGE = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EADDRNOTAVAIL,
        errno.EAGAIN,
    }
)
_OURS = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EAFNOSUPPORT,
        errno.EPROTONOSUPPORT,
        errno.ESOCKTNOSUPPORT,
        errno.EINVAL,
    }
)


def cannot_connect(error: int, seconds: float) -> Outcome:
    """The outcome for an errno of making a connection."""
    reason = os.strerror(error).lower()
    if error in _SHORTAGE:
        return Undecided(
            ReasonCode.LOCAL_ERROR, f"not checked: {reason} (this machine)"
        )
    if error in _OURS:
        return Failed(ReasonCode.LOCAL_ERROR, f"{reason} (this machine)")
    if error == errno.ETIMEDOUT:
        return Failed(
            ReasonCode.CONNECT_TIMEOUT, f"connect timed out after {seconds:.1f} s"
        )
    return Failed(ReasonCode.REFUSED, reason)
