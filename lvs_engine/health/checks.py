"""Which checks a cluster needs, and which of them can be shared.

A check says everything that makes two probes the same probe: servers of different
services that are tested in the same way share one. How a probe is made is the
adapter's business; a new kind of check is a new word in `kind`, a rule that yields it,
and a probe registered under that word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lvs_engine.config.model import Cluster, RealServer, VirtualServer, pools
from lvs_engine.values import Protocol, ServerKey

CONNECT = "connect"  # TCP or SCTP: the connection is the answer
DIALOGUE = "dialogue"  # TCP or SCTP: send a text, expect a text, or one of the two
DATAGRAM = "datagram"  # UDP: send a datagram, expect one or at least no refusal
PROGRAM = "program"  # an external command

HTTP_PORT = 80
HTTP_SEND = r"GET / HTTP/1.0\r\n\r\n"
HTTP_EXPECT = "HTTP"


@dataclass(frozen=True, slots=True)
class Check:
    """One probe that is repeated: its identity is the whole of its fields.

    Attributes:
        kind: which probe carries it out: `connect`, `dialogue`, `datagram`, `program`.
        address: IPv4 or IPv6 text; a host name here is one that nobody could resolve.
        port: 0-65535; 0 can be given to a program only.
        interval_s: seconds from one start to the next; > 0.
        timeout_s: limit of each step (connecting, answering, the program); > 0.
        send, expect: as written in lvs.cf, escapes not translated. None: absent.
        program: command line with `%h` and `%p`, for `program` only.
        options: further words of kinds that need them, sorted by name.
    """

    kind: str
    address: str
    port: int
    protocol: Protocol = Protocol.TCP
    interval_s: float = 10.0
    timeout_s: float = 10.0
    send: str | None = None
    expect: str | None = None
    regex: bool = False
    program: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """A real server that listens to a check.

    Attributes:
        reentry_s: seconds of success that it needs after a failure; >= 0.
    """

    server: ServerKey
    check: Check
    reentry_s: int = 0


def watches(cluster: Cluster, resolve: Mapping[str, str] | None = None) -> list[Watch]:
    """One watch for each active server of each active virtual server, in file order.

    Servers of weight 0 are watched like all others: the weight is no business of the
    checks (KF-26). `resolve` maps host names to addresses, as in the desired table.
    """
    names = resolve or {}
    found: list[Watch] = []
    for _, virtual, servers in pools(cluster):
        if not virtual.active:
            continue
        found += (
            Watch(
                key,
                check_of(virtual, server, names.get(server.address, server.address)),
                virtual.reentry,
            )
            for key, server in servers
            if server.active
        )
    return found


def check_of(virtual: VirtualServer, server: RealServer, address: str) -> Check:
    """The check of one real server, by the rules of the original.

    A program wins over `send`. Without any of program, send and expect, virtual port 80
    means an HTTP request, judged by the virtual port even where the real one differs.
    The HTTP request is not made over UDP, where no server could ever answer it.
    """
    send, expect = virtual.send, virtual.expect
    if assumes_http(virtual):
        send, expect = HTTP_SEND, HTTP_EXPECT
    program = virtual.send_program or None
    return Check(
        kind=_kind(virtual.protocol, send, expect, program),
        address=address,
        port=virtual.port if server.port is None else server.port,
        protocol=virtual.protocol,
        interval_s=float(virtual.timeout),
        timeout_s=float(virtual.timeout),
        send=None if program else send,
        expect=expect,
        regex=virtual.use_regex,
        program=program,
    )


def assumes_http(virtual: VirtualServer) -> bool:
    """No check is configured, and the port says what to ask."""
    return (
        virtual.port == HTTP_PORT
        and virtual.protocol is not Protocol.UDP
        and virtual.send is None
        and virtual.expect is None
        and not virtual.send_program
    )


def information(cluster: Cluster) -> list[str]:
    """Sentences on what was assumed, for the log at start and after a reload."""
    return [
        f"{name}: no check is configured; port {HTTP_PORT} is tested by HTTP"
        f' (send "{HTTP_SEND}", expect "{HTTP_EXPECT}")'
        for name, virtual, _ in pools(cluster)
        if virtual.active and assumes_http(virtual)
    ]


def _kind(
    protocol: Protocol, send: str | None, expect: str | None, program: str | None
) -> str:
    if program:
        return PROGRAM
    if protocol is Protocol.UDP:
        return DATAGRAM
    # An empty send and no expect leave nothing to say and nothing to wait for.
    return CONNECT if not send and expect is None else DIALOGUE
