"""A small network out of network namespaces: nodes, and bridges that join them.

Everything is made inside namespaces whose names begin with one prefix, the bridges too,
so nothing leads to the host and `remove` finds what a killed process left. The command
`ip` does the work; what the nodes are is decided by the caller.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lvs_engine.errors import KernelError, KernelUnavailableError

_PREFIX = re.compile(r"piranha-[a-z0-9]{1,16}-")
_SWITCH = "switch"
_NAMESPACES = Path("/run/netns")
_END_LIMIT_S = 4.0


@dataclass(frozen=True, slots=True)
class Link:
    """A network card of a node.

    Attributes:
        device: its name in the node.
        bridge: which network it is plugged into.
        address: with prefix length, such as `192.168.26.9/24`.
    """

    device: str
    bridge: str
    address: str


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the network.

    Attributes:
        gateway: default gateway, or empty.
        forwards: whether it passes packets on between its links.
    """

    name: str
    links: tuple[Link, ...]
    gateway: str = ""
    forwards: bool = False


class Namespaces:
    """All namespaces with one prefix.

    Args:
        prefix: `piranha-NAME-`; whatever else begins with it belongs to us and is removed.
    """

    def __init__(self, prefix: str) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ValueError(f"prefix {prefix!r} is not of the form piranha-NAME-")
        self.prefix = prefix

    def of(self, node: str) -> str:
        """The name of a node's namespace."""
        return self.prefix + node

    def inside(self, node: str, *command: str) -> list[str]:
        """The arguments that run `command` in a node; the process keeps its id."""
        return ["ip", "netns", "exec", self.of(node), *command]

    def names(self) -> list[str]:
        """The nodes that are there now, the switch not counted."""
        return [n for n in self._found() if n != _SWITCH]

    def probe(self) -> None:
        """Make a namespace with a link in it, and remove both.

        Raises:
            KernelUnavailableError: that is not possible here; the message says why.
        """
        name = self.of("probe")
        try:
            _run("ip", "netns", "add", name)
            _run("ip", "-n", name, "link", "add", "name", "a", "type", "veth")
        except FileNotFoundError:
            raise KernelUnavailableError(
                "the command `ip` is missing (Debian, Ubuntu: apt-get install iproute2)"
            ) from None
        except KernelError as error:
            raise KernelUnavailableError(
                f"network namespaces cannot be made here: {error}"
            ) from None
        finally:
            if (_NAMESPACES / name).exists():
                _run("ip", "netns", "del", name)

    def build(self, nodes: Sequence[Node]) -> None:
        """Make the nodes and the bridges between them.

        Raises:
            KernelError: a step failed; `remove` takes away what was made so far.
        """
        _run("ip", "netns", "add", self.of(_SWITCH))
        bridges = dict.fromkeys(link.bridge for node in nodes for link in node.links)
        self._ip(_SWITCH, [f"link add {b} up type bridge" for b in bridges])
        for node in nodes:
            _run("ip", "netns", "add", self.of(node.name))
            self._ip(node.name, _node_lines(node, self.of(_SWITCH)))
            self._ip(
                _SWITCH,
                [f"link set {_port(node, k)} master {k.bridge} up" for k in node.links],
            )
            if node.forwards:
                switch_on = "echo 1 > /proc/sys/net/ipv4/ip_forward"
                _run(*self.inside(node.name, "sh", "-c", switch_on))

    def processes(self) -> list[int]:
        """Process ids inside any of the namespaces."""
        pids: set[int] = set()
        for name in self._found():
            listed = _run("ip", "netns", "pids", self.of(name))
            pids.update(int(pid) for pid in listed.split())
        return sorted(pids)

    def remove(self) -> None:
        """End the processes inside, TERM first, and remove every namespace."""
        if not _NAMESPACES.is_dir():
            return
        self._end(signal.SIGTERM, _END_LIMIT_S)
        self._end(signal.SIGKILL, 1.0)
        for name in self._found():
            _run("ip", "netns", "del", self.of(name))

    def _end(self, number: signal.Signals, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        pids = self.processes()
        for pid in pids:
            _signal(pid, number)
        while pids and time.monotonic() < deadline:
            time.sleep(0.05)
            pids = self.processes()

    def _found(self) -> list[str]:
        if not _NAMESPACES.is_dir():
            return []
        found = sorted(p.name for p in _NAMESPACES.glob(self.prefix + "*"))
        return [name.removeprefix(self.prefix) for name in found]

    def _ip(self, node: str, lines: Iterable[str]) -> None:
        _run("ip", "-n", self.of(node), "-batch", "-", text="\n".join(lines))


def _node_lines(node: Node, switch: str) -> list[str]:
    lines = ["link set lo up"]
    for link in node.links:
        peer = f"peer name {_port(node, link)} netns {switch}"
        lines += [
            f"link add {link.device} type veth {peer}",
            f"addr add {link.address} brd + dev {link.device}",
            f"link set {link.device} up",
        ]
    if node.gateway:
        lines.append(f"route add default via {node.gateway}")
    return lines


def _port(node: Node, link: Link) -> str:
    return f"{node.name}-{link.device}"


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        os.kill(pid, number)


def _run(*command: str, text: str = "") -> str:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().replace("\n", "; ")
        raise KernelError(f"{' '.join(command)}: {said or f'exit {done.returncode}'}")
    return done.stdout
