"""The control socket on real Unix sockets."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from lvs_engine.adapters.control_socket import ControlServer, ask, ask_node
from lvs_engine.control.protocol import REQUEST_LIMIT
from lvs_engine.errors import ControlError, NotRunningError


async def _echo(arguments: Mapping[str, object]) -> Mapping[str, object]:
    return {"got": dict(arguments)}


async def _refuse(arguments: Mapping[str, object]) -> Mapping[str, object]:
    raise ControlError(f"not today\nnor with {len(arguments)} arguments")


async def _break(arguments: Mapping[str, object]) -> Mapping[str, object]:
    raise ZeroDivisionError(arguments)


async def _sleep(arguments: Mapping[str, object]) -> Mapping[str, object]:
    await asyncio.sleep(30)
    return arguments


async def _large(arguments: Mapping[str, object]) -> Mapping[str, object]:
    return {"text": "x" * 3_000_000, **arguments}


HANDLERS = {
    "echo": _echo,
    "refuse": _refuse,
    "break": _break,
    "sleep": _sleep,
    "large": _large,
}


def serving(path: Path, peer: Callable[[], None], request_limit_s: float = 5.0) -> None:
    """Run a server, and `peer` in a thread beside it."""

    async def run() -> None:
        server = ControlServer(path, HANDLERS, request_limit_s)
        await server.start()
        try:
            await asyncio.to_thread(peer)
        finally:
            await server.close()

    asyncio.run(run())


def say(path: Path, data: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(data)
        with connection.makefile("rb") as lines:
            reply = json.loads(lines.readline())
    assert isinstance(reply, dict)
    return reply


def test_a_question_gets_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        assert ask(path, "echo", a=1, b="two") == {"got": {"a": 1, "b": "two"}}

    serving(path, peer)


def test_a_long_answer_arrives_whole(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        assert len(str(ask(path, "large")["text"])) == 3_000_000

    serving(path, peer)


def test_a_no_is_an_error_with_every_line_of_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        with pytest.raises(ControlError, match="not today\nnor with 0 arguments"):
            ask(path, "refuse")
        with pytest.raises(ControlError, match=r"'dance' is not known.*echo, large"):
            ask(path, "dance")

    serving(path, peer)


def test_a_fault_in_a_handler_is_an_error_and_the_server_lives(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        with pytest.raises(ControlError, match="failed inside the daemon"):
            ask(path, "break")
        assert ask(path, "echo") == {"got": {}}

    serving(path, peer)


def test_a_request_has_a_time_limit(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        with pytest.raises(ControlError, match=r"sleep took more than 0\.1 s"):
            ask(path, "sleep")

    serving(path, peer, request_limit_s=0.1)


def test_the_client_does_not_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        with pytest.raises(ControlError, match=r"no answer within 0\.2 s"):
            ask(path, "sleep", timeout_s=0.2)

    serving(path, peer)


@pytest.mark.parametrize("garbage", [b"\xff\x00\n", b"GET / HTTP/1.0\r\n", b"{}\n"])
def test_garbage_is_answered_with_an_error(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        assert say(path, garbage)["ok"] is False
        assert ask(path, "echo") == {"got": {}}

    serving(path, peer)


def test_an_endless_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        reply = say(path, b"x" * (REQUEST_LIMIT + 100))
        assert str(REQUEST_LIMIT) in str(reply["error"])
        assert ask(path, "echo") == {"got": {}}

    serving(path, peer)


def test_several_requests_go_over_one_connection(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(path))
            with connection.makefile("rwb") as lines:
                for i in range(3):
                    lines.write(b'{"v":1,"do":"echo","i":%d}\n' % i)
                    lines.flush()
                    reply = json.loads(lines.readline())
                    assert reply["result"] == {"got": {"i": i}}

    serving(path, peer)


def test_only_owner_and_group_may_connect(tmp_path: Path) -> None:
    path = tmp_path / "s"

    def peer() -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660

    serving(path, peer)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_stranger_is_turned_away() -> None:
    with tempfile.TemporaryDirectory(prefix="piranha-") as folder:
        Path(folder).chmod(0o755)
        _turn_a_stranger_away(Path(folder) / "s")


def _turn_a_stranger_away(path: Path) -> None:

    def peer() -> None:
        path.chmod(0o666)
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
                ask(path, "echo", timeout_s=10.0)
            except ControlError as error:
                os._exit(7 if "only root and members" in str(error) else 8)
            finally:
                os._exit(9)
        _, ended = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(ended) == 7

    serving(path, peer)


def test_nobody_there_is_told_apart_from_a_no(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="no daemon listens"):
        ask(tmp_path / "s", "echo")
    left_behind = tmp_path / "pulse.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left_behind))
    with pytest.raises(NotRunningError, match="neither pulse nor lvsd runs"):
        ask_node(tmp_path, "echo")


def test_the_node_is_asked_at_lvsd_where_pulse_does_not_run(tmp_path: Path) -> None:
    def peer() -> None:
        assert ask_node(tmp_path, "echo", who="me") == {"got": {"who": "me"}}

    serving(tmp_path / "lvsd.sock", peer)


def test_a_socket_left_by_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    def peer() -> None:
        assert ask(path, "echo") == {"got": {}}

    serving(path, peer)
    assert not path.exists()


def test_a_second_server_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def run() -> None:
        first = ControlServer(path, HANDLERS)
        await first.start()
        with pytest.raises(ControlError, match="another daemon listens"):
            await ControlServer(path, HANDLERS).start()
        assert await asyncio.to_thread(ask, path, "echo") == {"got": {}}
        await first.close()

    asyncio.run(run())


def test_closing_does_not_wait_for_idle_peers(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def run(wait: Callable[[], Awaitable[None]]) -> None:
        server = ControlServer(path, HANDLERS)
        await server.start()
        with socket.socket(socket.AF_UNIX) as idle:
            idle.setblocking(False)
            await asyncio.get_running_loop().sock_connect(idle, str(path))
            await wait()
            async with asyncio.timeout(2):
                await server.close()

    asyncio.run(run(lambda: asyncio.sleep(0.05)))
