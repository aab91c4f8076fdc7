"""Connections and dialogues, against real servers on loopback."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from dataclasses import replace

import pytest

from lvs_engine.health.judge import Failed, Passed, Undecided
from lvs_engine.values import Protocol, ReasonCode
from tests.engine.adapters.loopback import (
    HOST,
    Talk,
    bench,
    closed_port,
    connect,
    deaf_server,
    dialogue,
    first,
    open_descriptors,
    reset,
    tcp_server,
    timed,
)

GET = r"GET / HTTP/1.0\r\n\r\n"


def say(*pieces: bytes, pause: float = 0.03, listen: bool = False) -> Talk:
    def talk(client: socket.socket) -> None:
        if listen:
            client.recv(100)
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)

    return talk


def test_a_port_that_takes_connections_is_up() -> None:
    with tcp_server() as port:
        event, duration = timed(connect(port))
    assert event == Passed(ReasonCode.CONNECTED, "connected")
    assert 0 < duration < 0.2


def test_a_refused_connection_is_down_at_once() -> None:
    event, duration = timed(connect(closed_port()))
    assert event == Failed(ReasonCode.REFUSED, "connection refused")
    assert duration < 0.2


def test_a_port_without_an_answer_is_down_when_the_time_is_over() -> None:
    with deaf_server() as port:
        event, duration = timed(connect(port, every=0.2))
    assert event == Failed(ReasonCode.CONNECT_TIMEOUT, "connect timed out after 0.2 s")
    assert 0.17 <= duration < 0.3


def test_ipv6_servers_are_checked_like_others() -> None:
    with tcp_server(host="::1") as port:
        assert isinstance(first(connect(port, host="::1")), Passed)
    refused = first(connect(port, host="::1"))
    assert refused == Failed(ReasonCode.REFUSED, "connection refused")


def test_a_name_that_nobody_resolved_is_down_and_no_name_server_is_asked() -> None:
    event = first(connect(80, host="app1.example"))
    assert event == Failed(
        ReasonCode.LOCAL_ERROR, "the address of app1.example is not known"
    )


def test_a_server_without_a_port_cannot_be_connected_to() -> None:
    event = first(connect(0))
    assert isinstance(event, Failed)
    assert event.reason == "there is no port to check: give the real server a port"


def test_an_unknown_kind_of_check_is_down_and_says_so() -> None:
    event = first(replace(connect(80), kind="telepathy"))
    assert isinstance(event, Failed)
    assert event.reason == "this nanny knows no check of the kind telepathy"


def test_sctp_is_checked_where_the_kernel_has_it_and_named_where_not() -> None:
    event = first(replace(connect(closed_port()), protocol=Protocol.SCTP))
    assert isinstance(event, Failed)
    assert event.reason in {
        "connection refused",
        "protocol not supported (this machine)",
    }


def test_an_answer_that_begins_as_expected_is_up() -> None:
    with tcp_server(say(b"HTTP/1.1 200 OK\r\n", listen=True)) as port:
        event = first(dialogue(port, GET, "HTTP"))
    assert event == Passed(ReasonCode.PASSED, "answered as expected")


def test_the_text_is_sent_with_its_escapes_translated() -> None:
    heard: list[bytes] = []
    with tcp_server(lambda c: heard.append(c.recv(100))) as port:
        first(dialogue(port, GET, "HTTP"))
    assert heard[0] == b"GET / HTTP/1.0\r\n\r\n"


def test_another_answer_is_down_and_both_are_quoted() -> None:
    with tcp_server(say(b"HTTP/1.1 503 No\r\n", listen=True)) as port:
        event = first(dialogue(port, GET, "HTTP/1.1 200"))
    assert event == Failed(
        ReasonCode.WRONG_ANSWER,
        r'answered "HTTP/1.1 503 No\r\n", expected "HTTP/1.1 200"',
    )


def test_a_certain_mismatch_is_not_waited_for() -> None:
    def stay(client: socket.socket) -> None:
        client.sendall(b"554")
        client.recv(100)

    with tcp_server(stay) as port:
        _, duration = timed(dialogue(port, None, "220", timeout=1.0))
    assert duration < 0.5


def test_an_answer_split_over_segments_is_up() -> None:
    """KF-17."""
    with tcp_server(say(b"2", b"20 re", b"ady\r\n")) as port:
        assert isinstance(first(dialogue(port, None, "220 ready")), Passed)


def test_a_split_answer_is_searched_as_a_whole() -> None:
    """KF-17, KF-23."""
    with tcp_server(say(b"status: 1", b"7 of 20")) as port:
        check = dialogue(port, None, "status: [[:digit:]]+ of", regex=True)
        assert isinstance(first(check), Passed)


def test_an_answer_cut_short_is_down() -> None:
    """KF-17: early close."""
    with tcp_server(say(b"220 r")) as port:
        event = first(dialogue(port, None, "220 ready"))
    assert event == Failed(
        ReasonCode.WRONG_ANSWER, 'answered "220 r" and closed, expected "220 ready"'
    )


def test_an_expression_that_never_matches_is_down_with_the_answer_quoted() -> None:
    with tcp_server(say(b"no luck")) as port:
        event = first(dialogue(port, None, "^2[0-9]+", regex=True))
    assert event == Failed(
        ReasonCode.WRONG_ANSWER,
        'answered "no luck" and closed, expected a match of "^2[0-9]+"',
    )


def test_a_close_without_a_byte_does_not_satisfy_the_star() -> None:
    """KF-18."""
    with tcp_server() as port:
        event = first(dialogue(port, None, "*"))
    assert event == Failed(ReasonCode.CLOSED, "closed the connection without an answer")


def test_one_byte_satisfies_the_star() -> None:
    """KF-18."""
    with tcp_server(say(b"\0")) as port:
        assert isinstance(first(dialogue(port, None, "*")), Passed)


def test_a_silent_server_is_down_when_the_time_is_over() -> None:
    with tcp_server(lambda _: time.sleep(0.25)) as port:
        event, duration = timed(dialogue(port, "hello", "world", timeout=0.2))
    assert event == Failed(ReasonCode.ANSWER_TIMEOUT, "no answer within 0.2 s")
    assert 0.17 <= duration < 0.35


def test_half_an_answer_is_quoted_when_the_time_is_over() -> None:
    with tcp_server(say(b"wor", pause=0.25)) as port:
        event = first(dialogue(port, "hello", "world", timeout=0.2))
    assert event == Failed(
        ReasonCode.WRONG_ANSWER, 'answered "wor" within 0.2 s, expected "world"'
    )


def test_an_endless_answer_is_read_up_to_64_kib_only() -> None:
    """KF-17: there is a limit."""

    def flood(client: socket.socket) -> None:
        for _ in range(1000):
            client.sendall(b"x" * 4096)

    with tcp_server(flood) as port:
        event = first(dialogue(port, None, "never", regex=True, timeout=2.0))
    assert isinstance(event, Failed)
    assert event.code is ReasonCode.WRONG_ANSWER


@pytest.mark.parametrize("listen", [False, True])
def test_a_connection_reset_by_the_server_is_down_and_harms_nobody(
    listen: bool,
) -> None:
    """KF-25: neither a write into it nor a read from it is deadly."""

    def slam(client: socket.socket) -> None:
        if listen:
            client.recv(10)
        reset(client)

    with tcp_server(slam) as port:
        event = first(dialogue(port, "hello" * 20000, "world"))
    assert isinstance(event, Failed)
    assert event.reason in {
        "reset the connection",
        "connection reset by peer",  # before we have seen that it was made
        "closed the connection without an answer",
    }


def test_a_text_without_an_expectation_only_has_to_be_taken() -> None:
    with tcp_server(lambda _: time.sleep(0.05)) as port:
        event = first(dialogue(port, "hello"))
    assert event == Passed(ReasonCode.CONNECTED, "connected, and took what was sent")


def test_an_empty_expectation_waits_for_nothing() -> None:
    with tcp_server(lambda _: time.sleep(0.25)) as port:
        event, duration = timed(dialogue(port, "hello", ""))
    assert isinstance(event, Passed)
    assert duration < 0.2


def test_a_text_larger_than_the_buffers_is_sent_in_pieces() -> None:
    text = "x" * 3_000_000

    def count(client: socket.socket) -> None:
        left = len(text)
        while left > 0:
            left -= len(client.recv(65536))
        client.sendall(b"all")

    with tcp_server(count) as port:
        assert isinstance(first(dialogue(port, text, "all", timeout=2.0)), Passed)


def test_a_wrong_escape_is_down_with_the_reason_and_stops_nobody() -> None:
    """KF-5: loading refuses it; a check that slips through does not hang."""
    with tcp_server() as port, bench() as made:
        bad, good = dialogue(port, r"\q", "x"), connect(port)
        made.check(bad, good)
        made.run(1.0, until=lambda: len(made.reports) >= 2)
        (failed,) = made.outcomes(bad)[:1]
        assert isinstance(failed, Failed)
        assert failed.reason.startswith(r"\q is not an escape")
        assert isinstance(made.outcomes(good)[0], Passed)


def test_a_bad_expression_is_compiled_once_and_says_why() -> None:
    """KF-23."""
    with tcp_server(say(b"x")) as port:
        event = first(dialogue(port, None, "(", regex=True))
    assert isinstance(event, Failed)
    assert "is not a regular expression" in event.reason


def test_a_socket_that_serves_many_connections_tells_the_truth_of_each() -> None:
    closed = connect(closed_port(), every=0.02)
    with tcp_server() as port, bench() as made:
        other = connect(port, host="127.0.0.2", every=0.03)
        fine = connect(port, every=0.02)
        made.check(fine, closed, other)
        made.run(0.3)
        assert len(made.outcomes(fine)) > 3  # 15 on an idle machine
        assert {type(e) for e in made.outcomes(fine)} == {Passed}
        assert {type(e) for e in made.outcomes(closed)} == {Failed}
        assert {type(e) for e in made.outcomes(other)} == {Failed}


def test_a_server_that_goes_is_noticed_and_so_is_its_return() -> None:
    with bench() as made:
        with tcp_server() as port:
            check = connect(port, every=0.03)
            made.check(check)
            made.run(0.1)
            assert isinstance(made.outcomes(check)[-1], Passed)
        made.run(0.1)
        assert isinstance(made.outcomes(check)[-1], Failed)
        with socket.create_server((HOST, port)):
            made.run(0.1)
            assert isinstance(made.outcomes(check)[-1], Passed)


def test_a_closed_prober_leaves_no_descriptor_open() -> None:
    before = open_descriptors()
    with socket.create_server((HOST, 0)) as listener, bench() as made:
        port = listener.getsockname()[1]  # connects, and never answers
        made.check(
            connect(port, every=0.05),
            connect(closed_port(), every=0.05),
            dialogue(port, None, "*", timeout=0.1),
            dialogue(port, "x", "y", timeout=5.0),
        )
        made.run(0.2)
        assert open_descriptors() > before
    assert open_descriptors() == before


def test_without_a_free_descriptor_nothing_is_said_of_the_server() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with tcp_server() as port, bench() as made:
        checks = [connect(port), dialogue(port, "x")]
        held: list[socket.socket] = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
        try:
            with contextlib.suppress(OSError):
                while True:
                    held.append(socket.socket())
            made.check(*checks)
            made.run(0.5, until=lambda: len(made.reports) >= 2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for sock in held:
                sock.close()
        for check in checks:
            (event,) = made.outcomes(check)[:1]
            assert event == Undecided(
                ReasonCode.LOCAL_ERROR,
                "not checked: too many open files (this machine)",
            )
