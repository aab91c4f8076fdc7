"""Rules over several fields: each with the file that breaks it and the one that does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_engine.config import validation
from lvs_engine.config.loading import load
from lvs_engine.config.model import (
    Cluster,
    FloatingAddress,
    RealServer,
    VirtualServer,
)
from lvs_engine.config.problems import Problem

BASE = """\
primary = 192.0.2.1
{globals}
virtual web {{
active = {active}
address = 192.0.2.80 eth0:1
vip_nmask = 24
{virtual}
server a {{
address = 10.0.0.2
active = 1
{server}
}}
}}
{more}
"""
SECOND = """\
virtual two {{
active = {active}
address = {address}
vip_nmask = 24
{virtual}
server a {{
address = 10.0.0.2
active = 1
}}
}}
"""


def second(address: str, virtual: str = "", active: int = 1) -> str:
    return SECOND.format(address=address, virtual=virtual, active=active)


def third(address: str, virtual: str = "", active: int = 1) -> str:
    return second(address, virtual, active).replace("virtual two", "virtual three")


MARK = "fwmark = 1\npersistent = 300"


def problems(
    globals_: str = "",
    virtual: str = "",
    server: str = "",
    more: str = "",
    active: int = 1,
) -> list[Problem]:
    text = BASE.format(
        globals=globals_, virtual=virtual, server=server, more=more, active=active
    )
    found = load(text, {"http": 80}).problems
    # The frame's own lines may be said again by a case.
    ignored = {"repeated-keyword", *([] if active else ["no-active-service"])}
    return [p for p in found if p.code not in ignored]


def codes(
    globals_: str = "",
    virtual: str = "",
    server: str = "",
    more: str = "",
    active: int = 1,
) -> list[str]:
    found = problems(globals_, virtual, server, more, active)
    return sorted(f"{p.severity} {p.code}" for p in found)


PAIR = "backup = 192.0.2.2\nbackup_active = 1\nnetwork = direct"


def test_the_frame_of_these_tests_is_sound() -> None:
    assert codes() == codes(PAIR) == codes(active=0) == []


@pytest.mark.parametrize(
    ("globals_", "expected"),
    [
        ("keepalive = 5", ["warning deadtime-too-short"]),
        (f"{PAIR}\nkeepalive = 5", ["error deadtime-too-short"]),
        (f"{PAIR}\nkeepalive = 5\ndeadtime = 6", []),
        (f"{PAIR}\ndeadtime = 0", ["error deadtime-too-short", "warning number-adjusted"]),
        (f"{PAIR}\nkeepalive = 0", ["error out-of-range"]),
        ("keepalive = 0", ["error out-of-range"]),
        ("backup_active = 1", ["warning backup-undefined"]),
        (f"{PAIR}\nbackup = 192.0.2.1", ["error same-node"]),
        (f"{PAIR}\nbackup = 2001:db8::2", ["error family-mismatch"]),
        (f"{PAIR}\nbackup_private = 10.0.0.4", ["warning half-channel"]),
        (f"{PAIR}\nprimary_private = 10.0.0.4", ["warning half-channel"]),
        ("primary_private = 10.0.0.4", []),
        (f"{PAIR}\nnetwork = nat", ["warning no-nat-router"]),
        ("nat_router = 10.0.0.1 eth1:1\nnat_nmask = 33", ["error mask-too-long"]),
        ("network = direct\nnat_router = 10.0.0.1 eth1:1\nnat_nmask = 33", ["warning mask-too-long"]),
        ("nat_router = 10.0.0.1 eth0:1", ["error label-taken"]),
        ("network = direct\nnat_router = 10.0.0.1 eth0:1", []),
        ("service = fos", ["warning ignored-blocks", "warning no-active-service"]),
        ("service = fos\nprimary_shared = /dev/sdb", ["warning ignored-blocks", "warning no-active-service", "warning no-conflict-action"]),
        ("keepalive = 99999999999", ["error out-of-range"]),
        ("syncd_id = 300", ["warning number-adjusted"]),
        ("heartbeat_port = 0", ["error out-of-range"]),
        ("tcp_timeout = -1", ["error out-of-range"]),
    ],
)  # fmt: skip
def test_rules_over_the_nodes(globals_: str, expected: list[str]) -> None:
    assert codes(globals_) == expected


@pytest.mark.parametrize(
    ("virtual", "expected"),
    [
        ("address = 0.0.0.0 eth0:1", "no-address"),
        ("address = 224.0.0.1 eth0:1", "not-unicast"),
        ("address = 255.255.255.255 eth0:1", "not-unicast"),
        ("address = 192.0.2.80", "missing-device"),
        ("address = 192.0.2.80 eth0/1", "bad-device"),
        ("address = 192.0.2.80 interface0:12345", "bad-device"),
        ("vip_nmask = 33", "mask-too-long"),
        ("pmask = 64\npersistent = 1", "mask-too-long"),
        ("port = 0\nsend_program = \"/bin/x %h\"", "port-zero"),
        ("port = 99999", "out-of-range"),
        ("timeout = 0", "out-of-range"),
        ("persistence_engine = sip", "engine-needs-udp"),
        ("scheduler_flags = [ sh-port ]", "flag-of-other-scheduler"),
        ("one_packet = 1", "one-packet-needs-udp"),
        ("sorry_server = 192.0.2.80", "sorry-is-vip"),
        ("sorry_server = 2001:db8::5", "family-mismatch"),
        (r'send = "a\.b"', "bad-escape"),
        (r'expect = "\x"', "bad-escape"),
        ('use_regex = 1\nexpect = "("', "bad-regex"),
        (r'use_regex = 1' + '\n' + r'expect = "[[:digit:]"', "bad-regex"),
        ('send_program = " "', "empty-program"),
        ("extra_addresses = [ 192.0.2.81 eth0:1 ]", "label-taken"),
        ("extra_ports = [ 80 ]", "duplicate-service"),
    ],
)  # fmt: skip
def test_what_hurts_an_active_service_is_a_warning_in_an_inactive_one(
    virtual: str, expected: str
) -> None:
    active = [c for c in codes(virtual=virtual) if c.startswith("error")]
    assert active == [f"error {expected}"]
    inactive = codes(virtual=virtual, active=0)
    assert [c for c in inactive if c.startswith("error")] == []
    if expected not in ("label-taken", "duplicate-service"):
        assert f"warning {expected}" in inactive


@pytest.mark.parametrize(
    ("virtual", "expected"),
    [
        ("address = 192.0.2.80 eth0", ["no-alias"]),
        ("address = 2001:db8::80 eth0:1\nserver z {\naddress = 2001:db8::2\nactive = 0\n}", None),
        ("port = 0\npersistent = 300", ["port-zero-check"]),
        ("fwmark = 5", ["mark-without-persistence"]),
        ("fwmark = 5\npersistent = 300", []),
        ("fwmark = 5\npersistent = 60\nport = 0\nsend_program = \"/x %h\"", []),
        ("fwmark = 5\npersistent = 60\nextra_ports = [ 81 ]", ["without-effect"]),
        ("pmask = 255.255.255.0", ["without-effect"]),
        ("use_regex = 1", ["without-effect"]),
        ('send = "x"\nsend_program = "/x %h"', ["without-effect"]),
        ('send_program = "/x"', ["program-without-host"]),
        ("protocol = udp", ["udp-unchecked"]),
        ('protocol = udp\nsend = "x"\none_packet = 1', []),
        ("scheduler = mh\nscheduler_flags = [ mh-port mh-fallback ]", []),
        (r'use_regex = 1' + '\n' + r'expect = "HTTP/1\\.[[:digit:]]+"', []),
        (r'send = "\r\n\t\\\'\""', []),
        ('expect = "\\"', ["inner-quote"]),  # one character is taken as it is
        ("persistent = -5", ["number-adjusted"]),
        ("client_monitor = /usr/sbin/nanny", []),
        ("client_monitor = /opt/mine", ["without-effect"]),
    ],
)  # fmt: skip
def test_what_is_harmless_or_fine_is_no_error(
    virtual: str, expected: list[str] | None
) -> None:
    found = codes(virtual=virtual)
    if expected is None:
        assert found == ["error family-mismatch"]
    else:
        assert found == [f"warning {code}" for code in expected]


@pytest.mark.parametrize(
    ("globals_", "server", "expected"),
    [
        ("", "address = 0.0.0.0", ["error no-address"]),
        ("", "address = 0.0.0.0\nactive = 0", ["warning no-active-server", "warning no-address"]),
        ("", "address = 192.0.2.80", ["warning server-is-vip"]),
        ("", "address = web.example", ["warning host-name"]),
        ("", "address = 2001:db8::1", ["error family-mismatch"]),
        ("", "address = 2001:db8::1\nforward = tunnel", []),
        ("network = tunnel", "address = 2001:db8::1", []),
        ("", "port = 8080", []),
        ("", "port = http", []),
        ("network = direct", "port = 8080", ["warning port-ignored"]),
        ("network = direct", "port = 80", []),
        ("network = direct", "port = 8080\nforward = nat", []),
        ("", "port = 8080\nforward = tunnel", ["warning port-ignored"]),
        ("", "weight = 0", ["warning no-weight"]),
        ("", "weight = -1", ["error out-of-range"]),
        ("", "weight = 65536", ["error out-of-range"]),
        ("", "upper_threshold = 5\nlower_threshold = 6", ["error thresholds-crossed"]),
        ("", "upper_threshold = 5\nlower_threshold = 5", []),
        ("", "lower_threshold = 6", []),
        ("", "tunnel_type = gre", ["warning without-effect"]),
        ("", "tunnel_port = 5\ntunnel_checksum = csum", ["warning without-effect"] * 2),
        ("network = tunnel", "tunnel_type = gue", ["error no-tunnel-port"]),
        ("network = tunnel", "tunnel_type = gue\ntunnel_port = 6080\ntunnel_checksum = remcsum", []),
        ("network = tunnel", "tunnel_checksum = csum", ["error checksum-not-possible"]),
        ("network = tunnel", "tunnel_type = gre\ntunnel_checksum = remcsum", ["error checksum-not-possible"]),
    ],
)  # fmt: skip
def test_rules_over_real_servers(
    globals_: str, server: str, expected: list[str]
) -> None:
    assert codes(globals_, server=server) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (second("192.0.2.81 eth0:2"), []),
        (second("192.0.2.81 eth0:1"), ["error label-taken"]),
        (second("192.0.2.81 eth0:1", active=0), []),
        (second("192.0.2.81 eth0"), ["warning no-alias"]),
        (second("192.0.2.80 eth0:1", "port = 81"), []),
        (second("192.0.2.80 eth0:2", "port = 81"), ["warning two-devices"]),
        (second("192.0.2.80 eth0:1"), ["error duplicate-service"]),
        (second("192.0.2.80 eth0:1", "protocol = sctp"), []),
        (second("192.0.2.80 eth0:1", active=0), []),
        (second("192.0.2.80 eth0:1", MARK), []),
        (second("192.0.2.80 eth0:1", MARK) + third("192.0.2.80 eth0:1", MARK), ["warning shared-mark"]),
        (second("192.0.2.80 eth0:1", MARK) + third("192.0.2.80 eth0:1", MARK, active=0), []),
        (second("192.0.2.80 eth0:1", MARK) + third("192.0.2.80 eth0:1", "fwmark = 2\npersistent = 300"), []),
        (second("192.0.2.80 eth0:1", MARK) + third("192.0.2.80 eth0:1", "fwmark = 1\npersistent = 60"), ["warning shared-mark", "warning unequal-persistence"]),
        (second("192.0.2.80 eth0:1", MARK) + third("192.0.2.80 eth0:1", MARK + "\npmask = 24"), ["warning shared-mark", "warning unequal-persistence"]),
        (second("2001:db8::1 eth0:2", MARK).replace("10.0.0.2", "fd00::2") + third("192.0.2.80 eth0:1", MARK), []),
        (second("0.0.0.0 eth0:1", MARK), ["warning no-address"]),
        (second("192.0.2.82 eth0:3").replace("two", "web"), ["warning same-name"]),
        (second("192.0.2.82 eth0:3", "extra_addresses = [ 192.0.2.80 eth0:1 ]"), ["error duplicate-service"]),
    ],
)  # fmt: skip
def test_rules_over_what_may_be_there_once(more: str, expected: list[str]) -> None:
    assert codes(more=more) == expected


def test_a_file_with_one_mark_in_two_blocks_runs_with_the_servers_of_the_first() -> (
    None
):
    two, three = second("192.0.2.81 eth0:2", MARK), third("192.0.2.82 eth0:3", MARK)
    found = problems(more=two + three.replace("10.0.0.2", "10.0.0.3"))
    assert [(p.code, p.line, p.where) for p in found] == [
        ("shared-mark", 29, ("virtual three",))
    ]
    assert "virtual two" in found[0].message


def test_the_same_real_server_twice_is_an_error_only_while_both_are_active() -> None:
    text = "}\nserver b {\naddress = 10.0.0.2\nactive = %d"
    assert codes(server=text % 1) == ["error duplicate-server"]
    assert codes(server=text % 0) == []


def test_a_regular_expression_problem_points_at_the_text() -> None:
    found = problems(virtual='use_regex = 1\n  expect = "("')
    assert [(p.line, p.column) for p in found] == [(8, 12)]


def test_an_absent_keyword_points_at_the_header_or_the_keyword_it_clashes_with() -> (
    None
):
    text = "primary = 10.0.0.1\nkeepalive = 9\nvirtual a {\nactive = 1\n}\n"
    found = {p.code: (p.line, p.column) for p in load(text, {}).problems}
    assert found["deadtime-too-short"] == (2, 13)
    assert found["no-address"] == (3, 1)


def test_a_model_without_a_file_can_be_checked() -> None:
    vip = FloatingAddress("192.0.2.80", "eth0:1")
    web = VirtualServer("web", active=True, address=vip, netmask=24, timeout=6)
    bad = replace(web, servers=(RealServer("a", active=True),))
    found = validation.check(Cluster(primary="192.0.2.1", virtuals=(web, bad)))
    assert {(p.code, p.line, p.where) for p in found} == {
        ("no-active-server", 0, ("virtual web",)),
        ("duplicate-service", 0, ("virtual web#2",)),
        ("same-name", 0, ("virtual web#2",)),
        ("no-address", 0, ("virtual web#2", "server a")),
    }


def test_a_value_that_could_not_be_read_is_not_complained_about_twice() -> None:
    assert codes(virtual='address = nowhere! eth0:1\nsend = "') == [
        "error invalid-address",
        "error unclosed-quote",
    ]


def test_fos_needs_its_commands() -> None:
    text = (
        "service = fos\nprimary = 10.0.0.1\nfailover web {\nactive = 1\n"
        "address = 10.0.0.9 eth0:1\nvip_nmask = 24\nfwmark = 3\n"
        'start_cmd = "/x start"\nserver a {\nactive = 1\n}\n}\n'
    )
    found = [(p.severity.value, p.code, p.line) for p in load(text, {}).problems]
    assert found == [
        ("error", "no-command", 3),
        ("warning", "without-effect", 7),
        ("warning", "without-effect", 9),
    ]


def test_a_service_that_a_block_has_twice_is_pointed_at_in_its_list() -> None:
    (found,) = problems(virtual="extra_ports = [ 81 http ]")
    assert (found.line, found.column) == (7, 20)
    assert found.message == (
        "192.0.2.80:80 tcp stands twice in this block; remove one of them"
    )
