"""Telling the service manager how we are: the sd_notify protocol, without its library.

Silent where no manager listens (`NOTIFY_SOCKET` is not set).
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """One datagram for each message; a manager that is gone is no error."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_us = environment.get("WATCHDOG_USEC", "")
        self._watched_pid = environment.get("WATCHDOG_PID", "")

    @property
    def watchdog_s(self) -> float | None:
        """Seconds between two signs of life, half of the limit; None: nobody waits."""
        if not self._watchdog_us.isdecimal() or int(self._watchdog_us) == 0:
            return None
        if self._watched_pid and self._watched_pid != str(os.getpid()):
            return None
        return int(self._watchdog_us) / 2_000_000

    def ready(self, status: str = "") -> None:
        self._send("READY=1", f"STATUS={status}" if status else "")

    def reloading(self) -> None:
        """Follow it with `ready` when the reload is done, good or bad."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        message = "\n".join(line for line in lines if line).encode()
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(message, self._address)
