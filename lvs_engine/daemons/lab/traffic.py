"""A small steady flow of requests, so that there is something to see.

Asks the router's pulse which virtual servers it has, and requests a page from each TCP
one in turn; what is added in the browser gets its share. Run inside the client:
`python -m lvs_engine.daemons.lab.traffic RUNTIME_DIRECTORY NETWORK`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from lvs_engine.adapters.control_socket import ask_node
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import Status
from lvs_engine.errors import ControlError

_PAUSE_S = 0.25
_ASK_PERIOD_S = 2.0
_LIMIT_S = 1.0
_AT_ONCE = 8

_REQUEST = b"GET / HTTP/1.0\r\nHost: lab\r\n\r\n"


def targets(status: Status, network: str) -> list[tuple[str, int]]:
    """Address and port of every active TCP service in `network` (and of no other)."""
    inside = ipaddress.ip_network(network)
    found = []
    for service in status.services:
        for text in service.addresses if service.active else ():
            place, _, protocol = text.partition(" ")
            host, _, port = place.rpartition(":")
            with contextlib.suppress(ValueError):
                if protocol == "tcp" and ipaddress.ip_address(host) in inside:
                    found.append((host, int(port)))
    return found


async def flow(runtime: Path, network: str) -> None:
    """Send requests until cancelled; answers and errors are the servers' business."""
    known: list[tuple[str, int]] = []
    places: Iterator[tuple[str, int]] = iter(())
    running: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    asked_at = -_ASK_PERIOD_S
    while True:
        if loop.time() - asked_at >= _ASK_PERIOD_S:
            asked_at = loop.time()
            known = targets(await _status(runtime), network) or known
        place = next(places, None)
        if place is None:
            places = iter(known)
            place = next(places, None)
        if place is not None and len(running) < _AT_ONCE:
            task = asyncio.create_task(_request(*place))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(_PAUSE_S)


async def _status(runtime: Path) -> Status:
    try:
        plain: Mapping[str, object] = await asyncio.to_thread(
            ask_node, runtime, "status"
        )
        return from_dict(plain)
    except (ControlError, ValueError):
        return Status()


async def _request(host: str, port: int) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_LIMIT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_REQUEST)
                await reader.read(4096)
            finally:
                writer.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(flow(Path(sys.argv[1]), sys.argv[2]))
