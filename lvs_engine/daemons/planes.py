"""Which data plane this node uses."""

from __future__ import annotations

import logging
from typing import Protocol, runtime_checkable

from lvs_engine.errors import KernelUnavailableError
from lvs_engine.ports import DataPlane

NAMES = ("auto", "ipvs", "nftables", "memory")

log = logging.getLogger(__name__)


@runtime_checkable
class Rebalancing(Protocol):
    """A plane that approximates a scheduler by adjusting weights now and then."""

    @property
    def rebalance_interval_s(self) -> float:
        """Seconds between two adjustments."""

    def rebalance(self) -> None:
        """Adjust; raises KernelError when the kernel cannot be talked to."""


def choose(name: str) -> DataPlane:
    """The plane called `name`; `auto` is IPVS where the kernel has it, else nftables.

    Raises:
        KernelUnavailableError: it is not in this kernel; the message names the remedy.
    """
    match name:
        case "auto":
            return _best()
        case "ipvs":
            from lvs_engine.adapters.ipvs.plane import IpvsPlane

            return IpvsPlane()
        case "nftables":
            from lvs_engine.adapters.nftables.plane import NftablesPlane

            return NftablesPlane()
        case "memory":
            from lvs_engine.adapters.memory import MemoryPlane

            return MemoryPlane()
        case _:
            raise KernelUnavailableError(
                f"there is no data plane {name!r}; there are {', '.join(NAMES)}"
            )


def _best() -> DataPlane:
    try:
        return choose("ipvs")
    except KernelUnavailableError as error:
        no_ipvs = error
    try:
        plane = choose("nftables")
    except KernelUnavailableError as no_nftables:
        raise KernelUnavailableError(
            f"nothing here can balance: {no_ipvs}; {no_nftables}"
        ) from None
    log.info("nftables balances, since IPVS does not: %s", no_ipvs)
    return plane
