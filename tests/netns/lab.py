"""A client, a router that balances, and three real servers, as network namespaces.

Real servers say their name and who asks, and echo what they get. Client sockets are
made in the namespace of their node and are used from the test itself.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from lvs_engine.adapters.namespaces import Link, Namespaces, Node
from lvs_engine.adapters.nftables import conntrack
from lvs_engine.adapters.nftables.plane import NftablesPlane
from lvs_engine.table.model import Destination, DestinationKey, Pool, Service, Table
from lvs_engine.table.plan import diff
from lvs_engine.values import Forwarding
from tests.netns.inside import inside

T = TypeVar("T")

VIP = "192.168.26.10"
VIP6 = "2001:db8:26::10"
SERVERS = ("s1", "s2", "s3")
PORTS = (80, 443, 8080)
LIMIT_S = 3.0

# 192.168.26.1 is the client's own address; the others stand for clients elsewhere.
CLIENTS = [f"198.51.100.{n}" for n in range(1, 21)] + ["203.0.113.1", "203.0.113.2"]

_SERVER = """
import socket, sys, threading
name = sys.argv[1].encode()
def talk(s, peer):
    with s:
        try:
            s.sendall(name + b" " + peer[0].removeprefix("::ffff:").encode() + b"\\n")
            while data := s.recv(4096):
                s.sendall(data)
        except OSError:
            pass
def listen(port):
    s = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    s.listen(128)
    return s
def accept(s):
    while True:
        threading.Thread(target=talk, args=s.accept(), daemon=True).start()
for port in sys.argv[2:]:
    threading.Thread(target=accept, args=(listen(int(port)),), daemon=True).start()
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
u.bind(("", 53))
print("ready", flush=True)
while True:
    _, peer = u.recvfrom(4096)
    u.sendto(name, peer)
"""


class Lab:
    """The network, running; one plane in the router."""

    def __init__(self, spaces: Namespaces) -> None:
        self.spaces = spaces
        self.plane = self.on_router(NftablesPlane)

    def on_router(self, function: Callable[[], T]) -> T:
        return inside(self.spaces.of("router"), function)

    def nft(self, *words: str) -> str:
        """Run nft in the router, as a person would."""
        command = self.spaces.inside("router", "nft", *words)
        return subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout

    def dump(self) -> Table:
        return self.on_router(self.plane.dump)

    def load(self, wanted: Table) -> None:
        """Reconcile once, as lvsd does; nothing may be refused."""
        refusals = self.on_router(
            lambda: self.plane.apply(diff(self.plane.dump(), wanted))
        )
        assert not refusals
        assert self.dump() == wanted

    def rebalance(self) -> None:
        """As lvsd does it, after its interval: live counts may be that old."""
        time.sleep(self.plane.rebalance_interval_s)
        self.on_router(self.plane.rebalance)

    def connect(
        self, port: int = 80, source: str = "", vip: str = VIP, node: str = "client"
    ) -> socket.socket:
        """An open TCP connection; `greeting` reads who took it."""

        def open_one() -> socket.socket:
            bound = (source, 0) if source else None
            return socket.create_connection((vip, port), LIMIT_S, bound)

        return inside(self.spaces.of(node), open_one)

    def ask(
        self, port: int = 80, source: str = "", vip: str = VIP, node: str = "client"
    ) -> str:
        """Which real server takes a new connection."""
        with self.connect(port, source, vip, node) as connection:
            return greeting(connection)[0]

    def spread(self, count: int, port: int = 80, vip: str = VIP) -> Counter[str]:
        return Counter(self.ask(port, vip=vip) for _ in range(count))

    def udp_client(self, vip: str = VIP, port: int = 53) -> socket.socket:
        """A UDP socket that keeps its source port."""
        family = socket.AF_INET6 if ":" in vip else socket.AF_INET

        def open_one() -> socket.socket:
            client = socket.socket(family, socket.SOCK_DGRAM)
            client.settimeout(LIMIT_S)
            client.connect((vip, port))
            return client

        return inside(self.spaces.of("client"), open_one)

    def reset(self) -> None:
        """Back to no table and no connections."""

        def clear() -> None:
            self.plane.apply(diff(self.plane.dump(), {}))
            conntrack.delete(conntrack.flows())

        self.on_router(clear)
        self.nft("flush", "ruleset")


def greeting(connection: socket.socket) -> tuple[str, str]:
    """The real server of a connection, and the client as that sees it."""
    line = b""
    while not line.endswith(b"\n"):
        data = connection.recv(100)
        assert data, "closed without a greeting"
        line += data
    name, _, client = line.decode().strip().partition(" ")
    return name, client


def echo(connection: socket.socket, text: bytes = b"still here") -> bytes:
    connection.sendall(text)
    return connection.recv(100)


def ask_udp(client: socket.socket) -> str:
    client.send(b"who")
    return client.recv(100).decode()


def server(number: int, port: int = 8080) -> DestinationKey:
    return DestinationKey(f"10.11.12.{number}", port)


def server6(number: int, port: int = 8080) -> DestinationKey:
    return DestinationKey(f"2001:db8:11::{number}", port)


def nat(weight: int = 1, upper: int = 0, lower: int = 0) -> Destination:
    return Destination(Forwarding.NAT, weight, upper, lower)


def pool(service: Service, weights: dict[int, int], port: int = 8080) -> Pool:
    """Real servers by number, with their weights."""
    return Pool(service, {server(n, port): nat(w) for n, w in weights.items()})


@contextlib.contextmanager
def running_lab() -> Iterator[Lab]:
    """Build the network; take all of it down at the end, whatever happened."""
    spaces = Namespaces(f"piranha-nft{os.getpid()}-")
    processes: list[subprocess.Popen[str]] = []
    try:
        spaces.build(_nodes())
        _more_addresses(spaces)
        processes += [_serve(spaces, name) for name in SERVERS]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield Lab(spaces)
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        spaces.remove()


def _nodes() -> list[Node]:
    public, private = "public", "private"
    return [
        Node(
            "client",
            (Link("eth0", public, "192.168.26.1/24"),),
            gateway="192.168.26.9",
        ),
        Node(
            "router",
            (
                Link("eth0", public, "192.168.26.9/24"),
                Link("eth1", private, "10.11.12.10/24"),
            ),
            forwards=True,
        ),
        *(
            Node(
                name,
                (Link("eth0", private, f"10.11.12.{n}/24"),),
                gateway="10.11.12.10",
            )
            for n, name in enumerate(SERVERS, 1)
        ),
    ]


def _more_addresses(spaces: Namespaces) -> None:
    """The VIPs, IPv6 everywhere, and the addresses of far clients."""

    def ip(node: str, *lines: str) -> None:
        command = ["ip", "-n", spaces.of(node), "-batch", "-"]
        subprocess.run(command, input="\n".join(lines), text=True, check=True)

    far = [f"addr add {address}/32 dev lo" for address in CLIENTS]
    ip(
        "client",
        *far,
        "addr add 2001:db8:26::1/64 dev eth0 nodad",
        "route add ::/0 via 2001:db8:26::9",
    )
    ip(
        "router",
        f"addr add {VIP}/32 dev eth0",
        f"addr add {VIP6}/128 dev eth0 nodad",
        "addr add 2001:db8:26::9/64 dev eth0 nodad",
        "addr add 2001:db8:11::10/64 dev eth1 nodad",
        "route add 198.51.100.0/24 via 192.168.26.1",
        "route add 203.0.113.0/24 via 192.168.26.1",
    )
    switch_on = "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"
    subprocess.run(spaces.inside("router", "sh", "-c", switch_on), check=True)
    for n, name in enumerate(SERVERS, 1):
        ip(
            name,
            f"addr add 2001:db8:11::{n}/64 dev eth0 nodad",
            "route add ::/0 via 2001:db8:11::10",
        )


def _serve(spaces: Namespaces, name: str) -> subprocess.Popen[str]:
    ports = [str(port) for port in PORTS]
    command = spaces.inside(name, sys.executable, "-c", _SERVER, name, *ports)
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
