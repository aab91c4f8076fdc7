"""The network of the kernel tier: a client, a router with IPVS, and real servers.

    client --- public 192.168.26.0/24 --- router --- private 10.11.12.0/24 --- s1 s2 s3
                        |
                      d1 d2   (direct routing and tunnelling: they answer by themselves)

One network serves all tests, as making it takes seconds in the guest; each test loads
its own table and leaves none behind.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from lvs_engine.adapters.namespaces import Link, Namespaces, Node
from lvs_engine.errors import KernelUnavailableError
from lvs_engine.table.model import ServiceKey, Table
from lvs_engine.table.plan import Refusal, RemoveService, diff
from tests.fix_net import host_network, new_prefix, no_namespaces, resident
from tests.kernel.sockets import Connection, Servers, ask_by_datagram

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from lvs_engine.adapters.ipvs.plane import IpvsPlane

VIP, VIP6 = "192.168.26.10", "2001:db8:26::10"
VIP2 = "192.168.26.20"
CLIENT = "192.168.26.100"
SOURCES = ("10.99.1.1", "10.99.1.2", "10.99.2.1", "10.99.3.1", "10.99.4.1")
S = {n: f"10.11.12.{n}" for n in (1, 2, 3)}
S6 = {n: f"2001:db8:12::{n}" for n in (1, 2, 3)}
D = {n: f"192.168.26.{10 + n}" for n in (1, 2)}
PORTS = (80, 443, 8080)

NODES = (
    Node("client", (Link("eth0", "public", f"{CLIENT}/24"),)),
    Node(
        "router",
        (
            Link("eth0", "public", "192.168.26.9/24"),
            Link("eth1", "private", "10.11.12.9/24"),
        ),
        forwards=True,
    ),
    *(
        Node(f"s{n}", (Link("eth0", "private", f"{a}/24"),), gateway="10.11.12.9")
        for n, a in S.items()
    ),
    *(Node(f"d{n}", (Link("eth0", "public", f"{a}/24"),)) for n, a in D.items()),
)


class Network:
    """The running network, with calls in the words of the tests."""

    def __init__(
        self, spaces: Namespaces, plane: IpvsPlane, router: ThreadPoolExecutor
    ) -> None:
        self.spaces = spaces
        self.plane = plane
        self._router = router
        self._ports = itertools.count(10_000)

    @contextmanager
    def balancing(self, table: Table) -> Iterator[None]:
        """The table is in the kernel within this block."""
        assert self.change(table) == []
        try:
            yield
        finally:
            self.plane.apply([RemoveService(key) for key in self.plane.dump()])

    def change(self, table: Table) -> list[Refusal]:
        return self.plane.apply(diff(self.plane.dump(), table))

    def ask(self, address: str = VIP, port: int = 80, source: str = "") -> str:
        """The name of the server that takes a connection, which is closed at once."""
        with self.hold(address, port, source) as connection:
            return connection.server

    def hold(self, address: str = VIP, port: int = 80, source: str = "") -> Connection:
        return Connection(self.spaces.of("client"), (address, port), source)

    @contextmanager
    def hold_many(self, number: int, port: int = 80) -> Iterator[list[Connection]]:
        """Connections that stay open within this block."""
        with ExitStack() as stack:
            yield [stack.enter_context(self.hold(VIP, port)) for _ in range(number)]

    def fresh_web(self) -> ServiceKey:
        """A service that no other test has.

        The kernel keeps a removed server while it has connections, and gives it back
        with them to the service that adds it again: they would count.
        """
        return ServiceKey(4, "tcp", VIP, next(self._ports))

    def ask_by_datagram(self, address: str, port: int, datagrams: int = 1) -> list[str]:
        return ask_by_datagram(self.spaces.of("client"), (address, port), datagrams)

    def run(self, node: str, *command: str, text: str | None = None) -> str:
        """What a command prints in a machine."""
        done = subprocess.run(
            self.spaces.inside(node, *command),
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    if reason := no_namespaces():
        pytest.skip(reason)
    from lvs_engine.adapters.ipvs.plane import IpvsPlane

    try:
        IpvsPlane().close()
    except KernelUnavailableError as error:
        pytest.skip(str(error))
    # Its fallback device appears in every namespace, this one too.
    if modprobe := shutil.which("modprobe", path=f"{os.environ['PATH']}:/sbin"):
        subprocess.run([modprobe, "-q", "ipip"], check=False)
    before = host_network()
    spaces = Namespaces(new_prefix())
    try:
        with ExitStack() as stack:
            spaces.build(NODES)
            _set_up(spaces)
            servers = Servers()
            stack.callback(servers.close)
            for node in NODES[2:]:
                servers.listen(spaces.of(node.name), node.name, PORTS)
            router = stack.enter_context(resident(spaces.of("router")))
            plane = router.submit(IpvsPlane).result()
            stack.callback(plane.close)
            yield Network(spaces, plane, router)
    finally:
        spaces.remove()
    assert host_network() == before


def _set_up(spaces: Namespaces) -> None:
    """What the lab's network has not: VIPs, IPv6, many clients, tunnels."""
    _batch(
        spaces,
        "client",
        "addr add 2001:db8:26::100/64 dev eth0 nodad",
        "route add 2001:db8:12::/64 via 2001:db8:26::9",
        *(f"addr add {address}/32 dev eth0" for address in SOURCES),
    )
    _batch(
        spaces,
        "router",
        "addr add 2001:db8:26::9/64 dev eth0 nodad",
        "addr add 2001:db8:12::9/64 dev eth1 nodad",
        f"addr add {VIP}/32 dev eth0",
        f"addr add {VIP2}/32 dev eth0",
        f"addr add {VIP6}/128 dev eth0 nodad",
        f"route add 10.99.0.0/16 via {CLIENT}",
    )
    _sysctl(spaces, "router", "net.ipv6.conf.all.forwarding=1")
    for n in S:
        _batch(
            spaces,
            f"s{n}",
            f"addr add {S6[n]}/64 dev eth0 nodad",
            "route add default via 2001:db8:12::9",
        )
    for n in D:
        # The VIP is on the servers too, where nobody may learn of it by ARP.
        quiet = [
            f"net.ipv4.conf.{device}.{name}"
            for device in ("all", "eth0")
            for name in ("arp_ignore=1", "arp_announce=2")
        ]
        loose = [f"net.ipv4.conf.{device}.rp_filter=0" for device in ("all", "tunl0")]
        _batch(
            spaces,
            f"d{n}",
            "link add tunl0 type ipip",
            "link set tunl0 up",
            check=False,
        )
        _sysctl(spaces, f"d{n}", *quiet, *loose)
        _batch(spaces, f"d{n}", f"addr add {VIP}/32 dev lo")


def _batch(spaces: Namespaces, node: str, *lines: str, check: bool = True) -> None:
    command = ["ip", "-force", "-n", spaces.of(node), "-batch", "-"]
    subprocess.run(
        command, input="\n".join(lines), text=True, capture_output=True, check=check
    )


def _sysctl(spaces: Namespaces, node: str, *settings: str) -> None:
    command = spaces.inside(node, "sysctl", "-q", "-w", *settings)
    subprocess.run(command, check=True)
