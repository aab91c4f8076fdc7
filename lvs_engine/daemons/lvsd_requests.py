"""What lvsd answers on its control socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from lvs_engine.adapters.control_socket import Handler
from lvs_engine.control.protocol import encode_services, to_dict
from lvs_engine.control.status import (
    ConfigurationStatus,
    PassStatus,
    ServiceStatus,
    Status,
)
from lvs_engine.daemons.configuration import UnusableError
from lvs_engine.errors import ControlError

_WAIT_LIMIT_S = 25.0  # the control socket gives a request 30 s


class Answering(Protocol):
    """What the answers need of the daemon."""

    def overview(self) -> Status:
        """The snapshot without its services."""

    def services(self) -> Iterator[ServiceStatus]:
        """Its services; thousands take seconds, which a thread may spend."""

    async def reread(self) -> ConfigurationStatus:
        """Read lvs.cf again; raises UnusableError."""

    @property
    def last_pass(self) -> PassStatus: ...

    def waiting(self) -> list[str]:
        """Virtual servers that nobody serves yet."""

    async def until(self, true: Callable[[], bool]) -> None:
        """Return after a pass with `true()`."""

    def stop(self, reason: str, *, leave: bool = False) -> None: ...


def handlers(daemon: Answering) -> dict[str, Handler]:
    """One handler for each request.

    status (brief)            the snapshot; brief: without virtual servers and events,
                              for who only asks how the whole is
    reload                    lvs.cf again: {"revision", "warnings"}, or an error with
                              every problem of the refused file
    wait-settled (wait_s)     {"ready", "waiting", "outcome"} once the table is as the
                              file and the first check results want it, or time is up
    stop (leave)              end; with leave the table stays
    """

    async def status(arguments: Mapping[str, object]) -> Mapping[str, object]:
        if arguments.get("brief") is True:
            return to_dict(replace(daemon.overview(), events=()))
        return await whole_status(daemon)

    async def reload(_: Mapping[str, object]) -> Mapping[str, object]:
        try:
            status = await daemon.reread()
        except UnusableError as error:
            raise ControlError(
                f"the file was refused, the running configuration stays\n{error}"
            ) from None
        return {"revision": status.revision, "warnings": list(status.problems)}

    async def wait_settled(arguments: Mapping[str, object]) -> Mapping[str, object]:
        return await _wait_settled(daemon, arguments.get("wait_s", 10.0))

    async def stop(arguments: Mapping[str, object]) -> Mapping[str, object]:
        daemon.stop("a request", leave=arguments.get("leave") is True)
        return {}

    return {
        "status": status,
        "reload": reload,
        "wait-settled": wait_settled,
        "stop": stop,
    }


async def whole_status(daemon: Answering) -> Mapping[str, object]:
    """The snapshot as plain values; the daemon goes on while its services are told."""
    overview = to_dict(daemon.overview())
    services = await asyncio.to_thread(encode_services, daemon.services())
    return {**overview, "services": services}


async def _wait_settled(daemon: Answering, wait_s: object) -> Mapping[str, object]:
    limit_s = wait_s if isinstance(wait_s, int | float) else 10.0
    try:
        async with asyncio.timeout(min(max(0.0, limit_s), _WAIT_LIMIT_S)):
            await daemon.until(lambda: _settled(daemon) and not daemon.waiting())
    except TimeoutError:
        if not _settled(daemon):
            reasons = "; ".join(daemon.last_pass.refusals)
            raise ControlError(
                f"the table is not settled: {reasons or 'no pass yet'}"
            ) from None
    waiting = daemon.waiting()
    return {
        "ready": not waiting,
        "waiting": waiting,
        "outcome": daemon.last_pass.outcome,
    }


def _settled(daemon: Answering) -> bool:
    """What the kernel refuses it will refuse again: that is as settled as it gets."""
    return daemon.last_pass.outcome in {"settled", "refused"}
