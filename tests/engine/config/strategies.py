"""Hypothesis strategies: texts that look like lvs.cf, and models.

Alphabets are tiny on purpose, so that names, values and keywords meet often.
"""

from __future__ import annotations

from hypothesis import strategies as st

from lvs_engine.config.model import (
    Cluster,
    FailoverService,
    FloatingAddress,
    RealServer,
    VirtualServer,
)
from lvs_engine.values import Forwarding, Protocol, Scheduler, ServiceKind, TunnelType

PORTS = {"http": 80, "smtp": 25}

# Texts

LINE_ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n"])
BLANKS = st.sampled_from([" ", "  ", "\t", " \t"])
INDENTS = st.sampled_from(["", "", " ", "\t", "     "])
NAMES = st.sampled_from(["web", "web", "a", '"two words"', "'x y'", "[unnamed]", '""'])
COMMENTS = st.sampled_from(["# x", "#", '  # "', "\t# { }", ""])
VALUES = st.sampled_from(
    [
        "1",
        "0",
        "010",
        "0x1f",
        "-1",
        "99999999999",
        '""',
        '"a b"',
        "'q'",
        '"{ }"',
        '"a"b"',
        '"x',
        "10.0.0.1",
        "10.1",
        "0.0.0.0",
        "2001:db8::1",
        "10.0.0.1 eth0:1",
        "10.0.0.2 eth0:1",
        "255.255.255.0",
        "24",
        "http",
        "rr",
        "sed",
        "nat",
        "tunnel",
        "udp",
        "[ 10.0.0.3 eth0:2 ]",
        "[ 443 http ]",
        "[ sh-port ]",
        "gue",
        "host.example",
        r'"GET\r\n"',
        r'"\."',
        "# y",
        "",
    ]
)
KEYWORDS = st.sampled_from(
    [
        "primary",
        "backup",
        "backup_active",
        "keepalive",
        "deadtime",
        "network",
        "nat_router",
        "service",
        "serial_no",
        "active",
        "address",
        "vip_nmask",
        "port",
        "protocol",
        "scheduler",
        "send",
        "expect",
        "fwmark",
        "persistent",
        "pmask",
        "weight",
        "forward",
        "tunnel_type",
        "extra_addresses",
        "extra_ports",
        "scheduler_flags",
        "timeout",
        "rack",
        "nmask",
    ]
)


@st.composite
def statements(draw: st.DrawFn) -> str:
    equals = draw(st.sampled_from(["=", "=", "=", "=", ""]))
    words = [draw(KEYWORDS), equals, draw(VALUES), draw(COMMENTS)]
    return draw(BLANKS).join(word for word in words if word)


def _lines(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    """Statements, comments, blank lines and blocks, in any order."""
    single = st.one_of(statements(), COMMENTS, st.just("")).map(lambda s: [s])
    parts = st.lists(st.one_of(single, single, inner), max_size=6)
    return parts.map(lambda found: [line for part in found for line in part])


@st.composite
def blocks(
    draw: st.DrawFn, kind: str, inner: st.SearchStrategy[list[str]]
) -> list[str]:
    """A block, now and then with a slip in it."""
    header = draw(BLANKS).join([kind, draw(NAMES), "{"])
    body = draw(_lines(inner))
    close = draw(st.sampled_from([["}"], ["}"], ["}"], ["} x"], []]))
    return [header, *body, *close]


SERVERS = blocks("server", st.just([]))
SERVICES = st.one_of(blocks("virtual", SERVERS), blocks("failover", SERVERS))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A file: mostly sound, with every kind of slip that people make."""
    lines = draw(_lines(SERVICES))
    end = draw(LINE_ENDS)
    text = "".join(draw(INDENTS) + line + end for line in lines)
    if draw(st.booleans()):
        text = text.removesuffix(end)
    return draw(st.sampled_from(["", "", "", "\ufeff"])) + text


# Any characters at all: most are no configuration, none may be lost.
NOISE = st.text(
    st.sampled_from(list("ab{}=\"'#\\ \t\r\n\0[]1.\ufeff\x0b\x85\u2028\udcff")),
    max_size=60,
)

# Models

_TEXT = st.sampled_from(["x", "a b", r"GET\r\n", "it's", '{"k": 1}', "", r"\\", "="])
_OPTIONAL_TEXT = st.none() | _TEXT
_IPV4 = st.sampled_from(["10.0.0.1", "10.0.0.2", "192.0.2.80"])
_ADDRESS = _IPV4 | st.sampled_from(["2001:db8::1", "host.example"])
_FLOATING = st.builds(
    FloatingAddress, _ADDRESS, st.sampled_from(["eth0:1", "eth0:2", "eth1"])
)
_NAME = st.sampled_from(["web", "web", "two words", "{", "", "=", "#1", "}"])
_PREFIX = st.none() | st.sampled_from([8, 24, 32, 64])
_SECONDS = st.integers(1, 40)

servers = st.builds(
    RealServer,
    name=_NAME,
    address=_ADDRESS,
    active=st.booleans(),
    port=st.none() | st.sampled_from([80, 81]),
    weight=st.integers(0, 3),
    forwarding=st.none() | st.sampled_from(Forwarding),
    tunnel_type=st.sampled_from(TunnelType),
    tunnel_port=st.sampled_from([0, 6080]),
    tunnel_checksum=st.sampled_from(["none", "csum", "remcsum"]),
    upper_threshold=st.sampled_from([0, 9]),
    lower_threshold=st.sampled_from([0, 3]),
)

virtuals = st.builds(
    VirtualServer,
    name=_NAME,
    active=st.booleans(),
    address=st.none() | _FLOATING,
    netmask=_PREFIX,
    port=st.sampled_from([0, 80, 81]),
    protocol=st.sampled_from(Protocol),
    fwmark=st.sampled_from([0, 0, 7, 4294967295]),
    scheduler=st.sampled_from(Scheduler),
    persistent=st.sampled_from([0, 300]),
    pmask=_PREFIX,
    timeout=_SECONDS,
    reentry=_SECONDS,
    send=_OPTIONAL_TEXT,
    expect=_OPTIONAL_TEXT,
    use_regex=st.booleans(),
    send_program=_OPTIONAL_TEXT,
    load_monitor=_OPTIONAL_TEXT,
    quiesce_server=st.booleans(),
    sorry_server=st.none() | _IPV4,
    client_monitor=_OPTIONAL_TEXT,
    extra_addresses=st.lists(_FLOATING, max_size=2).map(tuple),
    extra_ports=st.lists(st.sampled_from([443, 8443]), max_size=2).map(tuple),
    scheduler_flags=st.sampled_from([(), ("sh-port",), ("sh-fallback", "sh-port")]),
    one_packet=st.booleans(),
    persistence_engine=st.sampled_from(["", "sip"]),
    servers=st.lists(servers, max_size=3).map(tuple),
)

failovers = st.builds(
    FailoverService,
    name=_NAME,
    active=st.booleans(),
    address=st.none() | _FLOATING,
    netmask=_PREFIX,
    port=st.sampled_from([0, 80, 81]),
    protocol=st.sampled_from(Protocol),
    timeout=_SECONDS,
    send=_OPTIONAL_TEXT,
    expect=_OPTIONAL_TEXT,
    send_program=_OPTIONAL_TEXT,
    client_monitor=_OPTIONAL_TEXT,
    start_cmd=_OPTIONAL_TEXT,
    stop_cmd=_OPTIONAL_TEXT,
)

clusters = st.builds(
    Cluster,
    serial_no=st.integers(0, 3),
    service=st.sampled_from(ServiceKind),
    primary=st.none() | _ADDRESS,
    primary_private=st.none() | _ADDRESS,
    primary_shared=_OPTIONAL_TEXT,
    backup=_ADDRESS | st.just("0.0.0.0"),
    backup_private=st.none() | _ADDRESS,
    backup_shared=_OPTIONAL_TEXT,
    backup_active=st.booleans(),
    heartbeat=st.booleans(),
    heartbeat_port=st.sampled_from([539, 1050]),
    keepalive=_SECONDS,
    deadtime=_SECONDS,
    network=st.sampled_from(Forwarding),
    nat_router=st.none() | _FLOATING,
    nat_netmask=_PREFIX,
    active_cmd=_OPTIONAL_TEXT,
    inactive_cmd=_OPTIONAL_TEXT,
    monitor_links=st.booleans(),
    hard_shutdown=st.booleans(),
    syncdaemon=st.booleans(),
    syncd_iface=st.sampled_from(["eth0", "eth1"]),
    syncd_id=st.sampled_from([0, 255]),
    tcp_timeout=st.sampled_from([0, 900]),
    tcpfin_timeout=st.sampled_from([0, 60]),
    udp_timeout=st.sampled_from([0, 300]),
    ipvsadm=_OPTIONAL_TEXT,
    rsh_command=_OPTIONAL_TEXT,
    reservation_conflict_action=st.sampled_from([None, "nothing", "preempt"]),
    debug_level=_OPTIONAL_TEXT,
    sync=st.booleans(),
    virtuals=st.lists(virtuals, max_size=3).map(tuple),
    failovers=st.lists(failovers, max_size=2).map(tuple),
)
