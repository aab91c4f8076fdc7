"""Frames onto the wire, through one packet socket for all devices.

Only whole Ethernet frames go out; nothing is received.
"""

from __future__ import annotations

import socket

from lvs_engine.errors import KernelError


class PacketSender:
    """Sends frames; `close` when done, or use it in a `with` statement.

    Raises:
        KernelError: without CAP_NET_RAW.
    """

    def __init__(self) -> None:
        try:
            # Protocol 0: this socket hears nothing, so its queue cannot fill.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except OSError as error:
            raise KernelError(f"no packet socket: {error}") from error
        self._socket.setblocking(False)

    def send(self, device: str, frame: bytes) -> None:
        """Queue one frame at the device.

        Raises:
            KernelError: no such device, device down, or its queue is full.
        """
        try:
            self._socket.sendto(frame, (device, 0))
        except OSError as error:
            raise KernelError(f"cannot send on {device}: {error.strerror}") from error

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> PacketSender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
