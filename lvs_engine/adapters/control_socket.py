"""The control socket: a Unix stream socket that answers lines of JSON.

Who may ask: root, the user that the daemon runs as, and members of the group `piranha`.
A peer that sends garbage is told so and let go; it never harms the daemon.

`ask` and `ask_node` are the blocking client for commands and the web; a daemon calls
them in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from lvs_engine.control.protocol import (
    REQUEST_LIMIT,
    Answer,
    Garbage,
    Refused,
    Request,
    decode_around,
    decode_reply,
    decode_request,
    encode_request,
    reply_pieces,
)
from lvs_engine.errors import ControlError, NotRunningError

GROUP = "piranha"
NODE_SOCKETS = ("pulse.sock", "lvsd.sock")
"""Who answers for the node, in the order in which they are asked."""
_IDLE_LIMIT_S = 60.0
_REPLY_LIMIT = 256 * 1024 * 1024
_CHUNK = 1 << 18  # bytes that are handed to the kernel between two other things
_SO_PEERGROUPS = 59  # Linux 4.13; Python's socket module has no name for it

Handler = Callable[[Mapping[str, object]], Awaitable[Mapping[str, object]]]
"""Takes the arguments of a request; raises ControlError to say no."""

log = logging.getLogger(__name__)


class ControlServer:
    """Answers requests with one handler for each word after "do".

    Args:
        path: where the socket is made; a socket that a dead daemon left is replaced.
        request_limit_s: seconds that one request may take.
    """

    def __init__(
        self, path: Path, handlers: Mapping[str, Handler], request_limit_s: float = 30.0
    ) -> None:
        self._path = path
        self._handlers = handlers
        self._limit_s = request_limit_s
        self._server: asyncio.Server | None = None
        self._peers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen.

        Raises:
            ControlError: another daemon listens there.
        """
        _clear_stale(self._path)
        # Nobody but us may connect before group and mode are set.
        old_mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._accept, self._path, limit=REQUEST_LIMIT
            )
        finally:
            os.umask(old_mask)
        gid = _group_id()
        if gid is not None:
            with contextlib.suppress(PermissionError):
                os.chown(self._path, -1, gid)
        self._path.chmod(0o660)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._peers:
            task.cancel()
        await asyncio.gather(*self._peers, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        self._path.unlink(missing_ok=True)

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._peers.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the peer went away, said nothing for too long, or we stop
        finally:
            self._peers.discard(task)
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        allowed = _may_ask(writer.get_extra_info("socket"))
        while True:
            try:
                # A stranger is heard out too: who hangs up first loses the answer.
                async with asyncio.timeout(_IDLE_LIMIT_S if allowed else 1.0):
                    line = await reader.readline()
            except ValueError:
                reply: Answer | Refused = Refused(
                    f"a request is at most {REQUEST_LIMIT} bytes long"
                )
                await _send(writer, reply)
                return
            if not line:
                return
            if not allowed:
                await _send(writer, Refused(_NOT_ALLOWED))
                return
            await _send(writer, await self._reply(line))

    async def _reply(self, line: bytes) -> Answer | Refused:
        request = decode_request(line)
        if isinstance(request, Garbage):
            return Refused(request.reason)
        handler = self._handlers.get(request.do)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            return Refused(f"{request.do!r:.60} is not known here; known are: {known}")
        try:
            async with asyncio.timeout(self._limit_s):
                return Answer(await handler(request.arguments))
        except ControlError as error:
            return Refused(str(error))
        except TimeoutError:
            return Refused(f"{request.do} took more than {self._limit_s:g} s")
        except Exception:
            log.exception("request %s failed", request.do)
            return Refused(f"{request.do} failed inside the daemon; its log has more")


async def _send(writer: asyncio.StreamWriter, reply: Answer | Refused) -> None:
    async with asyncio.timeout(_IDLE_LIMIT_S):
        for piece in reply_pieces(reply):
            view = memoryview(piece)
            for start in range(0, len(view), _CHUNK):
                writer.write(view[start : start + _CHUNK])
                await writer.drain()


def ask(
    path: Path, do: str, timeout_s: float = 2.0, **arguments: object
) -> dict[str, object]:
    """Ask a daemon and wait for its answer.

    Args:
        path: its control socket.
        do: the word of the request, such as `status`.
        timeout_s: seconds for the whole exchange.
        arguments: further keys of the request.

    Raises:
        NotRunningError: nobody listens there.
        ControlError: it answered no, or not in time.
    """
    line = _exchange(path, encode_request(Request(do, arguments)), timeout_s)
    return _result(path, decode_reply(line))


def ask_around(
    path: Path, do: str, key: str, timeout_s: float, **arguments: object
) -> dict[str, object]:
    """Like `ask`, for who passes the long value at `key` on: it comes as `Encoded`."""
    line = _exchange(path, encode_request(Request(do, arguments)), timeout_s)
    return _result(path, decode_around(line, key))


def _result(path: Path, reply: Answer | Refused | Garbage) -> dict[str, object]:
    if isinstance(reply, Answer):
        return dict(reply.result)
    if isinstance(reply, Refused):
        raise ControlError(reply.error)
    raise ControlError(f"{path}: not understood: {reply.reason}")


def ask_node(
    runtime_directory: Path, do: str, timeout_s: float = 2.0, **arguments: object
) -> dict[str, object]:
    """Ask pulse or, where it does not run, lvsd.

    Raises:
        NotRunningError: neither runs.
        ControlError: the one that runs answered no, or not in time.
    """
    for name in NODE_SOCKETS:
        with contextlib.suppress(NotRunningError):
            return ask(runtime_directory / name, do, timeout_s, **arguments)
    raise NotRunningError(
        f"neither pulse nor lvsd runs (looked in {runtime_directory})"
    )


def _exchange(path: Path, line: bytes, timeout_s: float) -> bytes:
    deadline = time.monotonic() + timeout_s
    chunks: list[bytes] = []
    size = 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunningError(f"no daemon listens on {path}") from None
        except OSError as error:
            raise ControlError(f"{path}: {error.strerror or error}") from None
        try:
            # A daemon that refuses in mid-request has still answered.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(line)
            while not chunks or not chunks[-1].endswith(b"\n"):
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                chunk = connection.recv(1 << 20)
                size += len(chunk)
                if not chunk or size > _REPLY_LIMIT:
                    raise ControlError(f"{path}: the daemon hung up in mid-answer")
                chunks.append(chunk)
        except TimeoutError:
            raise ControlError(f"{path}: no answer within {timeout_s:g} s") from None
        except OSError as error:
            raise ControlError(f"{path}: {error.strerror or error}") from None
    return b"".join(chunks)


_NOT_ALLOWED = f"only root and members of the group {GROUP} may ask"


def _may_ask(connection: socket.socket) -> bool:
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    _, uid, gid = struct.unpack("3i", credentials)
    if uid in {0, os.geteuid()}:
        return True
    wanted = _group_id()
    return wanted is not None and wanted in {gid, *_groups(connection)}


def _groups(connection: socket.socket) -> tuple[int, ...]:
    """Supplementary groups of the peer's process; empty when the kernel does not say."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4096)
    except OSError:
        return ()
    return struct.unpack(f"{len(raw) // 4}I", raw)


def _group_id() -> int | None:
    try:
        return grp.getgrnam(GROUP).gr_gid
    except KeyError:
        return None


def _clear_stale(path: Path) -> None:
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise ControlError(f"another daemon listens on {path}")
