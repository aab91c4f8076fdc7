"""A node that answers on its control socket while a command is run against it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from click import Command
from click.testing import CliRunner, Result

from lvs_engine.adapters.control_socket import ControlServer
from lvs_engine.control.protocol import to_dict
from lvs_engine.control.status import Status
from lvs_engine.errors import ControlError


def invoke(
    folder: Path,
    command: Command,
    *arguments: str,
    status: Status | None = None,
    reload: Mapping[str, object] | ControlError | None = None,
) -> Result:
    """Run `command` with `folder` as runtime directory; lvsd answers with these."""

    async def answer_status(_: Mapping[str, object]) -> Mapping[str, object]:
        return to_dict(status or Status())

    async def answer_reload(_: Mapping[str, object]) -> Mapping[str, object]:
        if isinstance(reload, ControlError):
            raise reload
        return reload or {}

    async def run() -> Result:
        handlers = {"status": answer_status, "reload": answer_reload}
        server = ControlServer(folder / "lvsd.sock", handlers)
        await server.start()
        try:
            return await asyncio.to_thread(alone, folder, command, *arguments)
        finally:
            await server.close()

    return asyncio.run(run())


def alone(folder: Path, command: Command, *arguments: str) -> Result:
    """Run `command` where no daemon runs."""
    runner = CliRunner(env={"PIRANHA_RUNTIME_DIR": str(folder)})
    return runner.invoke(command, list(arguments))
