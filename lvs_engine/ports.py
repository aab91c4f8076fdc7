"""One protocol per outside thing: what the engine asks of the world, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from lvs_engine.network.addresses import (
    AddressChange,
    AddressRefusal,
    Interfaces,
)
from lvs_engine.table.model import DestinationKey, ServiceKey, Table
from lvs_engine.table.plan import Change, Refusal


class Counters(NamedTuple):
    """Totals since the entry was made, as 64-bit numbers.

    A NamedTuple like `DestinationStatistics`: a large table makes 37,205 of each.
    """

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class DestinationStatistics(NamedTuple):
    """Counters of one destination, and the connections that it has now.

    Attributes:
        persistent_connections: persistence templates (IPVS), 0 where not known.
    """

    counters: Counters
    active_connections: int = 0
    inactive_connections: int = 0
    persistent_connections: int = 0


@dataclass(frozen=True, slots=True)
class ServiceStatistics:
    counters: Counters
    destinations: dict[DestinationKey, DestinationStatistics] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; 0 leaves the kernel's value."""

    tcp: int = 0
    tcpfin: int = 0
    udp: int = 0


class DataPlane(Protocol):
    """The thing that balances. Calls block; a daemon makes them in a worker thread.

    All methods raise `KernelError` when the kernel cannot be talked to, and
    `KernelUnavailableError` when this plane is not there at all.
    """

    @property
    def name(self) -> str:
        """`ipvs`, `nftables` or `memory`."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of this plane: approximations, limits. Shown in status."""

    def unsupported(self, table: Table) -> list[Refusal]:
        """What of `table` this plane cannot do, by name; touches nothing."""

    def dump(self) -> Table:
        """The whole table as it is now, foreign services included where they can exist."""

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Carry out the changes in order; report each one that was refused."""

    def statistics(self) -> dict[ServiceKey, ServiceStatistics]:
        """Counters and connections of every service."""

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """Set the connection timeouts; zero fields stay as they are."""

    def close(self) -> None:
        """Let go of sockets; the table stays."""


class Addresses(Protocol):
    """The node's addresses. Calls block; a daemon makes them in a worker thread.

    Both raise `KernelError` when the kernel cannot be talked to.
    """

    def look(self) -> Interfaces:
        """All addresses and devices as they are now."""

    def apply(self, changes: Sequence[AddressChange]) -> list[AddressRefusal]:
        """Carry out the changes in order; report each one that was refused."""


class FrameSender(Protocol):
    """Puts whole Ethernet frames on the wire, without waiting."""

    def send(self, device: str, frame: bytes) -> None:
        """Send one frame; `KernelError` when the device does not take it."""

    def close(self) -> None:
        """Let go of the socket."""
