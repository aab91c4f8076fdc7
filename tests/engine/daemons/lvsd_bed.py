"""A whole lvsd for tests: memory plane, real nanny, real servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from lvs_engine.adapters.control_socket import ask
from lvs_engine.adapters.memory import MemoryPlane
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import ServerStatus, Status
from lvs_engine.daemons.lvsd import Lvsd
from lvs_engine.daemons.lvsd_options import Options
from lvs_engine.table.model import DestinationKey, ServiceKey
from lvs_engine.table.plan import Change
from tests.engine.daemons.waiting import until

WEB = ServiceKey(4, "tcp", "192.0.2.10", 80)
MAIL = ServiceKey(4, "tcp", "192.0.2.10", 25)
PREAMBLE = "primary = 192.0.2.1\nservice = lvs\nnetwork = nat\n"


class Backend:
    """A server on loopback that accepts connections, until `stop`."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address = address
        with socket.socket() as probe:
            probe.bind((address, 0))
            self.port: int = probe.getsockname()[1]
        self._server: asyncio.Server | None = None

    @property
    def key(self) -> DestinationKey:
        return DestinationKey(self.address, self.port)

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            _hang_up, self.address, self.port, reuse_address=True
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def block(self, name: str, **more: object) -> str:
        words = {"address": self.address, "active": 1, "port": self.port, **more}
        lines = "".join(f"  {keyword} = {value}\n" for keyword, value in words.items())
        return f" server {name} {{\n{lines} }}\n"


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def virtual(name: str, key: ServiceKey, *servers: str, **more: object) -> str:
    words = {
        "active": 1,
        "address": f"{key.address} eth0:{key.address.rpartition('.')[2]}",
        "vip_nmask": "255.255.255.255",
        "port": key.port,
        "send": '""',  # connecting is the check
        "timeout": 1,
        "reentry": 1,
        **more,
    }
    lines = "".join(f" {keyword} = {value}\n" for keyword, value in words.items())
    return f"virtual {name} {{\n{lines}{''.join(servers)}}}\n"


class Bed:
    """One runtime directory, one file, one plane; lvsd comes and goes on them."""

    def __init__(self, folder: Path, plane: MemoryPlane | None = None) -> None:
        self.folder = folder
        self.file = folder / "lvs.cf"
        self.plane = plane or MemoryPlane()
        self.lvsd: Lvsd | None = None

    def write(self, *virtuals: str, preamble: str = PREAMBLE) -> None:
        self.file.write_text(preamble + "".join(virtuals))

    @contextlib.asynccontextmanager
    async def running(
        self, *, period_s: float = 30.0, checks: bool = True
    ) -> AsyncIterator[Lvsd]:
        """lvsd while it runs; stopped in order at the end, unless it ended before."""
        options = Options(self.file, self.folder, period_s=period_s, checks=checks)
        self.lvsd = Lvsd(options, self.plane)
        first_pass = asyncio.Event()
        task = asyncio.create_task(self.lvsd.run(first_pass.set))
        waiting = asyncio.create_task(first_pass.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()
        try:
            yield self.lvsd
        finally:
            self.lvsd.stop("the end of the test")
            async with asyncio.timeout(10):
                await task

    @contextlib.asynccontextmanager
    async def killed_at_the_end(self, *, period_s: float = 30.0) -> AsyncIterator[Lvsd]:
        """lvsd that gets no chance to clean up."""
        options = Options(self.file, self.folder, period_s=period_s)
        self.lvsd = Lvsd(options, self.plane)
        task = asyncio.create_task(self.lvsd.run())
        try:
            yield self.lvsd
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def ask(self, do: str, **arguments: object) -> dict[str, object]:
        path = self.folder / "lvsd.sock"
        return await asyncio.to_thread(ask, path, do, 10.0, **arguments)

    async def status(self) -> Status:
        return from_dict(await self.ask("status"))

    async def server(self, service: str, name: str) -> ServerStatus:
        services = {s.name: s for s in (await self.status()).services}
        return {s.name: s for s in services[service].servers}[name]

    def destinations(self, key: ServiceKey = WEB) -> dict[DestinationKey, int]:
        """Destination to weight, as the plane has them; empty without the service."""
        pool = self.plane.dump().get(key)
        if pool is None:
            return {}
        return {k: d.weight for k, d in pool.destinations.items()}

    async def until_serving(
        self, *backends: Backend, key: ServiceKey = WEB, limit_s: float = 8.0
    ) -> None:
        wanted = {b.key for b in backends}
        await until(lambda: set(self.destinations(key)) == wanted, limit_s)

    def changes_since(self, count: int) -> list[Change]:
        return self.plane.applied[count:]


@contextlib.asynccontextmanager
async def backends(*servers: Backend) -> AsyncIterator[None]:
    for server in servers:
        await server.start()
    try:
        yield
    finally:
        for server in servers:
            await server.stop()
