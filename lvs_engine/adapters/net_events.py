"""A wake-up whenever an address or a link changes.

It says only *that* something changed: who is woken looks at the whole state again, so
a lost message costs nothing but time. The messages are dropped unread.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

from lvs_engine.errors import KernelError

_LINK = 0x1  # RTMGRP_LINK
_IPV4_ADDRESS = 0x10  # RTMGRP_IPV4_IFADDR
_IPV6_ADDRESS = 0x100  # RTMGRP_IPV6_IFADDR


class NetworkEvents:
    """Calls `wake` in the running loop after each change, until `close`.

    Raises:
        KernelError: when netlink cannot be used.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        try:
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE
            )
            self._socket.setblocking(False)
            self._socket.bind((0, _LINK | _IPV4_ADDRESS | _IPV6_ADDRESS))
        except OSError as error:
            raise KernelError(f"cannot watch the addresses: {error}") from error
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._drain)

    def _drain(self) -> None:
        try:
            while True:
                os.read(self._socket.fileno(), 65536)
        except BlockingIOError:
            pass
        except OSError:
            # ENOBUFS: messages were lost, which is a change like any other.
            pass
        self._wake()

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()
