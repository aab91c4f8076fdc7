"""Servers to be checked: one process that accepts on every loopback address.

`python -m bench.targets PORT COUNTFILE` accepts and closes, and keeps the number of
accepted connections in the file, as eight bytes that the benchmark reads.
"""

from __future__ import annotations

import mmap
import socket
import struct
import sys
from pathlib import Path


def main(port: int, path: Path) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 8) as count:
        listener = socket.create_server(("0.0.0.0", port), backlog=4096)
        accepted = 0
        while True:
            client, _ = listener.accept()
            client.close()
            accepted += 1
            count[:8] = struct.pack("Q", accepted)


def accepted(path: Path) -> int:
    (number,) = struct.unpack("Q", path.read_bytes())
    return int(number)


def addresses(number: int) -> list[str]:
    """Loopback addresses, all of them the same listener."""
    return [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(number)]


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
