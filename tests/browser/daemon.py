"""A small daemon on a real control socket: answers with a snapshot of the test's making."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from lvs_engine.adapters.control_socket import ControlServer
from lvs_engine.control.protocol import to_dict
from lvs_engine.control.status import Status
from lvs_engine.errors import ControlError


class RecordedDaemon:
    """Answers `status` and `reload` in a thread of its own, as pulse unless told else.

    Attributes:
        status: what the next request gets; tests change it while it runs.
        refusal: a sentence with which every request is refused, or empty.
        asked: the arguments of each request for the status.
        reloads: how often somebody asked for a reload.
    """

    def __init__(
        self, runtime_dir: Path, status: Status, socket: str = "pulse.sock"
    ) -> None:
        self.status = status
        self.asked: list[dict[str, object]] = []
        self.refusal = ""
        self.reloads = 0
        self._socket = runtime_dir / socket
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server = ControlServer(
            self._socket, {"status": self._status, "reload": self._reload}
        )

    def __enter__(self) -> Self:
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(5)
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _status(self, arguments: Mapping[str, object]) -> Mapping[str, object]:
        self._refuse()
        self.asked.append(dict(arguments))
        return to_dict(self.status)

    async def _reload(self, _: Mapping[str, object]) -> Mapping[str, object]:
        self._refuse()
        self.reloads += 1
        return {}

    def _refuse(self) -> None:
        if self.refusal:
            raise ControlError(self.refusal)
