"""Telling the neighbours where a floating address is: five times, a second apart.

All addresses at the same time, through one socket. An announcement ends at once when
its address is not held any more: one that came late would take traffic away from the
router that took over (KF-10).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection

from lvs_engine.errors import KernelError
from lvs_engine.network.addresses import AddressKey
from lvs_engine.network.arp import announcement
from lvs_engine.ports import FrameSender

TIMES = 5

log = logging.getLogger(__name__)


class Announcements:
    """Announces addresses in the background.

    Args:
        sender: puts the frames on the wire; closed by `close`.
        pause_s: seconds between two frames of one address.
    """

    def __init__(self, sender: FrameSender, pause_s: float = 1.0) -> None:
        self._sender = sender
        self._pause_s = pause_s
        self._tasks: dict[AddressKey, asyncio.Task[None]] = {}
        self._last_at: dict[AddressKey, float] = {}

    def announce(self, key: AddressKey, hardware: bytes) -> None:
        """Begin, or begin again, to announce `key` at `hardware` (six bytes)."""
        self._end(key)
        frame = announcement(hardware, key.address)
        task = asyncio.create_task(self._repeat(key, frame), name=f"announce {key}")
        self._tasks[key] = task

    def last_at(self, key: AddressKey) -> float:
        """Unix seconds of the last frame; 0 when there was none."""
        return self._last_at.get(key, 0.0)

    def keep(self, keys: Collection[AddressKey]) -> None:
        """End every announcement of an address that is not in `keys`."""
        for key in [k for k in self._tasks if k not in keys]:
            self._end(key)

    def stop(self) -> None:
        """End all announcements."""
        self.keep(())

    def close(self) -> None:
        self.stop()
        self._sender.close()

    def _end(self, key: AddressKey) -> None:
        # A cancelled task sends nothing more: it only ever waits between two frames.
        if task := self._tasks.pop(key, None):
            task.cancel()

    async def _repeat(self, key: AddressKey, frame: bytes) -> None:
        for number in range(TIMES):
            if number:
                await asyncio.sleep(self._pause_s)
            try:
                self._sender.send(key.device, frame)
                self._last_at[key] = time.time()
            except KernelError as error:
                log.warning("%s not announced: %s", key, error)
        del self._tasks[key]
        if not self._tasks:
            log.info("gratuitous lvs arps finished")
