"""From documents to the model: order, defaults, and what is told on the way."""

from __future__ import annotations

from pathlib import Path

from lvs_engine.config.model import (
    Cluster,
    FloatingAddress,
    RealServer,
    VirtualServer,
)
from lvs_engine.config.parser import parse
from lvs_engine.config.reader import Reading, read
from lvs_engine.values import Forwarding, Protocol, Scheduler

VALID = Path(__file__).parents[2] / "data" / "valid"


def reading(text: str) -> Reading:
    return read(parse(text), {"http": 80, "domain": 53})


def codes(text: str) -> list[str]:
    return [f"{p.line}:{p.column} {p.code}" for p in reading(text).problems]


def test_comments_alone_read_as_pure_defaults() -> None:
    assert reading("# nothing\n\n") == Reading(Cluster(), [])


def test_the_sample_of_two_routers_reads_as_it_is_written() -> None:
    cluster, problems = reading((VALID / "nat-two-routers.cf").read_text())
    assert problems == []
    assert (cluster.keepalive, cluster.deadtime, cluster.syncd_id) == (3, 10, 7)
    assert cluster.network is Forwarding.NAT
    assert cluster.nat_router == FloatingAddress("10.20.0.1", "eth1:1")
    assert cluster.nat_netmask == 24
    assert not cluster.hard_shutdown
    dns = cluster.virtuals[1]
    assert dns == VirtualServer(
        "shop-dns",
        active=True,
        address=FloatingAddress("192.0.2.53", "eth0:2"),
        netmask=24,
        port=53,
        protocol=Protocol.UDP,
        scheduler=Scheduler.RR,
        send_program="/usr/local/libexec/dns-probe %h %p",
        expect="OK",
        timeout=5,
        reentry=30,
        servers=(
            RealServer("ns1", "10.20.0.31", active=True),
            RealServer("ns2", "10.20.0.32"),
        ),
    )


def test_of_a_repeated_keyword_the_last_one_counts() -> None:
    cluster, problems = reading("keepalive = 3\nkeepalive = 4\n")
    assert cluster.keepalive == 4
    assert [(p.line, p.code) for p in problems] == [(2, "repeated-keyword")]
    assert "line 1" in problems[0].message


SERVERS = """\
virtual a {{
active = 1
{first}
server s {{
address = 10.0.0.1
active = 1
}}
server t {{
address = 10.0.0.2
active = 1
port = 7
}}
{last}
}}
"""


def test_a_server_keeps_the_port_that_stands_above_it() -> None:
    text = SERVERS.format(first="port = 81", last="port = 82")
    cluster, problems = reading(text)
    assert cluster.virtuals[0].port == 82
    assert [s.port for s in cluster.virtuals[0].servers] == [81, 7]
    assert [(p.line, p.code) for p in problems] == [
        (13, "repeated-keyword"),
        (4, "late-port"),
    ]
    assert "keeps port 81" in problems[1].message


def test_a_late_port_that_says_the_same_is_no_matter() -> None:
    cluster, problems = reading(SERVERS.format(first="", last="port = 80"))
    assert [s.port for s in cluster.virtuals[0].servers] == [None, 7]
    assert problems == []


def test_a_port_that_cannot_be_read_changes_nothing_below_it() -> None:
    text = SERVERS.format(first="port = 81\nport = x", last="port = 82")
    assert [s.port for s in reading(text).cluster.virtuals[0].servers] == [81, 7]


def test_a_block_without_active_is_told_that_it_is_not_in_use() -> None:
    assert codes("virtual a {\nserver b {\n}\n}\n") == [
        "1:1 inactive-by-default",
        "2:1 inactive-by-default",
    ]


def test_unknown_keywords_are_kept_and_the_nearest_known_one_is_named() -> None:
    (problem,) = reading("keepalve = 3\n").problems
    assert (problem.severity, problem.code) == ("warning", "unknown-keyword")
    assert problem.message.endswith("did you mean keepalive?")


def test_a_keyword_in_the_wrong_place_is_told_where_it_belongs() -> None:
    (problem,) = reading("weight = 3\n").problems
    assert (problem.severity, problem.code) == ("error", "misplaced-keyword")
    assert problem.message.endswith("weight belongs in a server block")


def test_what_only_the_old_web_tool_wrote_is_a_warning() -> None:
    text = "virtual a {\nactive = 0\ndeadtime = 3\nexpect_program = x\n}\n"
    assert codes(text) == ["3:1 without-effect", "4:1 without-effect"]


def test_the_extensions_are_read() -> None:
    cluster, problems = reading(
        "virtual a {\nactive = 1\naddress = 2001:DB8::80 eth0:1\nvip_nmask = 64\n"
        "scheduler = mh\nscheduler_flags = [ mh-port ]\nprotocol = sctp\n"
        "extra_addresses = [ 2001:db8::81 eth0:2 ]\nextra_ports = [ 443 http ]\n"
        "one_packet = 1\npersistence_engine = sip\n"
        "server b {\naddress = fd00::1\nactive = 1\nforward = tunnel\n"
        "tunnel_type = gue\ntunnel_port = 6080\ntunnel_checksum = remcsum\n"
        "upper_threshold = 9\nlower_threshold = 3\nport = http\n}\n}\n"
    )
    assert problems == []
    (virtual,) = cluster.virtuals
    assert virtual.address == FloatingAddress("2001:db8::80", "eth0:1")
    assert (virtual.netmask, virtual.extra_ports) == (64, (443, 80))
    assert virtual.extra_addresses == (FloatingAddress("2001:db8::81", "eth0:2"),)
    assert (virtual.one_packet, virtual.persistence_engine) == (True, "sip")
    (server,) = virtual.servers
    assert (server.forwarding, server.tunnel_port) == (Forwarding.TUNNEL, 6080)
    assert (server.upper_threshold, server.lower_threshold) == (9, 3)
    assert (server.port, server.tunnel_checksum) == (80, "remcsum")
