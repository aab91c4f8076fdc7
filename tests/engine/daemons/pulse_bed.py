"""A node in memory for pulse: addresses, wire, lvsd and commands that write a journal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from lvs_engine.adapters.control_socket import ask
from lvs_engine.control.events import Timeline
from lvs_engine.control.protocol import encode_services, from_dict, to_dict
from lvs_engine.control.status import DaemonStatus, ServiceStatus, Status
from lvs_engine.daemons.announcing import Announcements
from lvs_engine.daemons.configuration import Configuration
from lvs_engine.daemons.floating import FloatingAddresses
from lvs_engine.daemons.notify import Notifier
from lvs_engine.daemons.pulse import Pulse, find_stance
from lvs_engine.daemons.pulse_parts import Parts
from lvs_engine.errors import ControlError
from lvs_engine.network.addresses import (
    AddAddress,
    AddressChange,
    AddressKey,
    AddressRefusal,
    Interfaces,
    PresentAddress,
)

MAC = bytes.fromhex("02005e005301")
OWN = AddressKey("eth0", "192.0.2.11", 24)
VIP = AddressKey("eth0", "192.0.2.80", 24)
OTHER = AddressKey("eth0", "192.0.2.81", 24)
INSIDE = AddressKey("eth1", "10.20.0.1", 24)
PAUSE_S = 0.02  # between two announcements of one address

HEAD = """\
primary = 192.0.2.11
backup = 192.0.2.12
network = direct
"""


def virtual(
    name: str,
    address: str = VIP.address,
    device: str = "eth0:1",
    *,
    active: bool = True,
) -> str:
    return f"""\
virtual {name} {{
  active = {int(active)}
  address = {address} {device}
  vip_nmask = 255.255.255.0
  port = 80
  server a {{
    address = 10.20.0.21
    active = 1
  }}
}}
"""


class Kernel:
    """The addresses of the node; `refuse` names those that it does not take."""

    def __init__(self, journal: list[str]) -> None:
        self.held = {OWN: PresentAddress(OWN, "eth0")}
        self.refuse: set[AddressKey] = set()
        self._journal = journal

    def look(self) -> Interfaces:
        hardware = dict.fromkeys(("eth0", "eth1"), MAC)
        return Interfaces(tuple(self.held.values()), hardware)

    def apply(self, changes: Sequence[AddressChange]) -> list[AddressRefusal]:
        refusals = []
        for change in changes:
            if change.key in self.refuse:
                refusals.append(AddressRefusal(change, "ENODEV", "no such device"))
            elif isinstance(change, AddAddress):
                self.held[change.key] = PresentAddress(change.key, change.label)
                self._journal.append(f"+{change.key.address}")
            else:
                del self.held[change.key]
                self._journal.append(f"-{change.key.address}")
        return refusals


class Wire:
    def __init__(self) -> None:
        self.frames: list[tuple[str, bytes]] = []

    def send(self, device: str, frame: bytes) -> None:
        self.frames.append((device, frame))

    def close(self) -> None:
        pass


class Balancer:
    """An lvsd.

    `trouble` keeps its table from settling, `verdict` refuses the file; it takes
    `leaving_s` to end and `judging_s`, one for each, for its next reloads.
    """

    def __init__(self, journal: list[str]) -> None:
        self.trouble = ""
        self.verdict = ""
        self.silent = False
        self.asked_briefly = False
        self.leaving_s = 0.0
        self.judging_s: list[float] = []
        self._journal = journal
        self._stopped = asyncio.Event()

    @property
    def status(self) -> DaemonStatus:
        return DaemonStatus("lvsd", 4711, "running")

    async def run(self) -> None:
        await self._stopped.wait()

    async def stop(self) -> None:
        await asyncio.sleep(self.leaving_s)
        self._journal.append("lvsd down")
        self._stopped.set()

    async def settle(self) -> None:
        if self.trouble:
            raise ControlError(self.trouble)
        self._journal.append("settled")

    async def reload(self) -> dict[str, object]:
        if self.judging_s:
            await asyncio.sleep(self.judging_s.pop(0))
        if self.verdict:
            raise ControlError(self.verdict)
        return {}

    async def snapshot(self, *, brief: bool) -> dict[str, object]:
        self.asked_briefly = brief
        if self.silent:
            raise ControlError("no answer")
        daemons = (DaemonStatus("lvsd", 1), DaemonStatus("nanny", 4712, "running"))
        plain = to_dict(Status(plane="memory", daemons=daemons))
        services = () if brief else (ServiceStatus("web", (), True),)
        return {**plain, "services": encode_services(services)}


class Bed:
    """Everything around one pulse; `journal` has what happened, in order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "lvs.cf"
        self.kept = directory / "pulse.last-good.cf"
        self.journal: list[str] = []
        self.kernel = Kernel(self.journal)
        self.wire = Wire()

    def write(self, *blocks: str, head: str = HEAD) -> None:
        self.file.write_text(head + "".join(blocks), "ascii")

    async def _command(self, line: str | None) -> None:
        if line:
            self.journal.append(line)

    @contextlib.asynccontextmanager
    async def running(
        self, *, forced: bool = False, killed: bool = False
    ) -> AsyncIterator[Pulse]:
        """A pulse that runs; at the end it is stopped in order, or `killed`."""
        configuration = Configuration(self.file, self.kept)
        configuration.take(*await configuration.first())
        cluster = configuration.running.cluster
        stance = await find_stance(cluster, self.kernel, {}, forced=forced)
        self.lvsd = Balancer(self.journal)
        self.timeline = Timeline()
        self.announcements = Announcements(self.wire, PAUSE_S)
        floating = FloatingAddresses(
            self.kernel,
            self.announcements,
            self.directory / "addresses.json",
            self.timeline,
        )
        parts = Parts(
            configuration,
            self.kernel,
            floating,
            self.lvsd,
            self._command,
            self.timeline,
            Notifier({}),
            self.directory / "piranha.key",
        )
        ready = asyncio.Event()
        pulse = Pulse(parts, stance, self.directory, forced=forced)
        task = asyncio.create_task(pulse.run(ready.set))
        try:
            await asyncio.wait_for(ready.wait(), 5)
            yield pulse
            if not killed:
                pulse.stop("signal 15")
                assert await asyncio.wait_for(task, 5) == 0
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            floating.close()

    async def ask(self, do: str, **arguments: object) -> dict[str, object]:
        path = self.directory / "pulse.sock"
        return await asyncio.to_thread(ask, path, do, 2.0, **arguments)

    async def status(self, **arguments: object) -> Status:
        return from_dict(await self.ask("status", **arguments))
