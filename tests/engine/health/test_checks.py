"""Which checks a cluster needs."""

from __future__ import annotations

from dataclasses import replace

from lvs_engine.config.model import Cluster, RealServer, VirtualServer
from lvs_engine.health.checks import (
    CONNECT,
    DATAGRAM,
    DIALOGUE,
    HTTP_EXPECT,
    HTTP_SEND,
    PROGRAM,
    Check,
    check_of,
    information,
    watches,
)
from lvs_engine.values import Protocol, ServerKey

SERVER = RealServer("a", "10.0.0.1", active=True)
SMTP = VirtualServer(
    "mail", active=True, port=25, timeout=6, reentry=15, servers=(SERVER,)
)


def check(virtual: VirtualServer, server: RealServer = SERVER) -> Check:
    return check_of(virtual, server, server.address)


def test_a_service_without_anything_configured_is_tested_by_connecting() -> None:
    assert check(SMTP) == Check(CONNECT, "10.0.0.1", 25, interval_s=6, timeout_s=6)


def test_port_80_without_anything_configured_is_tested_by_http() -> None:
    found = check(replace(SMTP, port=80))
    assert (found.kind, found.send, found.expect) == (DIALOGUE, HTTP_SEND, HTTP_EXPECT)


def test_the_virtual_port_decides_on_the_http_test_and_the_real_port_is_probed() -> (
    None
):
    other_port = replace(SERVER, port=8080)
    found = check(replace(SMTP, port=80), other_port)
    assert (found.port, found.expect) == (8080, HTTP_EXPECT)
    assert check(SMTP, replace(SERVER, port=80)).kind == CONNECT


def test_port_80_over_udp_is_not_asked_for_http() -> None:
    found = check(replace(SMTP, port=80, protocol=Protocol.UDP))
    assert (found.kind, found.send) == (DATAGRAM, None)


def test_an_empty_send_is_a_configured_check_but_says_nothing() -> None:
    found = check(replace(SMTP, port=80, send=""))
    assert (found.kind, found.send, found.expect) == (CONNECT, "", None)


def test_an_expect_alone_is_a_dialogue_that_the_server_opens() -> None:
    found = check(replace(SMTP, expect="220"))
    assert (found.kind, found.send, found.expect) == (DIALOGUE, None, "220")


def test_a_program_wins_over_send() -> None:
    found = check(replace(SMTP, send="HELO", expect="OK", send_program="/bin/c %h"))
    assert (found.kind, found.send, found.expect) == (PROGRAM, None, "OK")


def test_a_mark_without_its_own_port_is_tested_by_http_like_the_original() -> None:
    marked = VirtualServer("bundle", active=True, fwmark=21, servers=(SERVER,))
    assert check(marked).expect == HTTP_EXPECT


def test_the_information_line_names_only_services_with_an_assumed_test() -> None:
    web = VirtualServer("web", active=True)
    asleep = VirtualServer("asleep")
    found = information(Cluster(virtuals=(web, SMTP, asleep)))
    assert len(found) == 1
    assert found[0].startswith("web: no check is configured; port 80 is tested by HTTP")


def test_only_active_servers_of_active_services_are_watched() -> None:
    idle = RealServer("b", "10.0.0.2")
    cluster = Cluster(
        virtuals=(
            replace(SMTP, servers=(SERVER, idle)),
            replace(SMTP, name="off", active=False),
        )
    )
    assert [w.server for w in watches(cluster)] == [ServerKey("mail", "a")]
    assert watches(cluster)[0].reentry_s == 15


def test_a_server_of_weight_zero_is_watched_like_all_others() -> None:
    """KF-26: the checks leave the weight alone, so zero stays zero."""
    empty = replace(SERVER, weight=0)
    assert check(SMTP, empty) == check(SMTP)
    assert watches(Cluster(virtuals=(replace(SMTP, servers=(empty,)),)))


def test_equal_checks_of_different_services_are_one_and_the_same() -> None:
    cluster = Cluster(virtuals=(SMTP, replace(SMTP, name="again", reentry=60)))
    first, second = watches(cluster)
    assert first.check == second.check and hash(first.check) == hash(second.check)
    assert (first.server, second.server) == (("mail", "a"), ("again", "a"))


def test_another_timeout_port_text_or_protocol_is_another_check() -> None:
    variants = [
        SMTP,
        replace(SMTP, timeout=7),
        replace(SMTP, port=26),
        replace(SMTP, send="x"),
        replace(SMTP, expect="x"),
        replace(SMTP, expect="x", use_regex=True),
        replace(SMTP, send_program="x"),
        replace(SMTP, protocol=Protocol.UDP),
    ]
    assert len({check(v) for v in variants}) == len(variants)


def test_host_names_are_checked_at_the_address_they_were_resolved_to() -> None:
    named = replace(SMTP, servers=(replace(SERVER, address="app1.example"),))
    cluster = Cluster(virtuals=(named,))
    resolved = watches(cluster, {"app1.example": "10.9.9.9"})
    assert resolved[0].check.address == "10.9.9.9"
    assert watches(cluster)[0].check.address == "app1.example"
