"""What pulse is composed of, and how the parts are made for the real world."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lvs_engine.adapters.net_netlink import NetlinkAddresses
from lvs_engine.adapters.net_packets import PacketSender
from lvs_engine.control.events import Timeline
from lvs_engine.control.status import DaemonStatus
from lvs_engine.daemons.announcing import Announcements
from lvs_engine.daemons.configuration import Configuration
from lvs_engine.daemons.floating import FloatingAddresses
from lvs_engine.daemons.lvsd_child import LvsdChild
from lvs_engine.daemons.notify import Notifier
from lvs_engine.daemons.role_commands import RoleCommands
from lvs_engine.ports import Addresses


class Lvsd(Protocol):
    """What pulse needs of lvsd; `LvsdChild` is the real one and says what each does."""

    @property
    def status(self) -> DaemonStatus: ...
    async def run(self) -> None: ...
    async def stop(self) -> None: ...
    async def settle(self) -> None: ...
    async def reload(self) -> dict[str, object]: ...
    async def snapshot(self, *, brief: bool) -> dict[str, object]: ...


RoleCommand = Callable[[str | None], Awaitable[None]]
"""Runs `active_cmd` or `inactive_cmd` to its end; tells the log when it fails."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one pulse.

    Attributes:
        kernel: the node's addresses, to find the role.
        floating: the addresses that pulse holds.
        timeline: the events of pulse.
        key_file: the key that both routers share; without one nothing is signed.
    """

    configuration: Configuration
    kernel: Addresses
    floating: FloatingAddresses
    lvsd: Lvsd
    command: RoleCommand
    timeline: Timeline
    notifier: Notifier
    key_file: Path | None = None


@contextlib.contextmanager
def real_parts(
    configuration: Configuration,
    directory: Path,
    lvsd_command: list[str],
    key_file: Path | None = None,
) -> Iterator[Parts]:
    """Parts on this node's kernel, let go of at the end.

    Raises:
        KernelError: no packet socket may be opened.
    """
    timeline = Timeline()
    kernel = NetlinkAddresses()
    # lvsd finds the directory by its environment.
    os.environ["PIRANHA_RUNTIME_DIR"] = str(directory)
    commands = RoleCommands()
    floating = FloatingAddresses(
        kernel, Announcements(PacketSender()), directory / "addresses.json", timeline
    )

    def lvsd_ended(reason: str) -> None:
        text = f"lvsd {reason}; table and addresses stay"
        timeline.record(time.time(), "bad", "lvsd", text)

    lvsd = LvsdChild(lvsd_command, directory, lvsd_ended)
    try:
        yield Parts(
            configuration,
            kernel,
            floating,
            lvsd,
            commands,
            timeline,
            Notifier(),
            key_file,
        )
    finally:
        floating.close()
        commands.close()
