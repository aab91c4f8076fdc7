"""pulse: holds the floating addresses of an active router, and runs lvsd under it.

The order is what matters here. Up: role command, table, addresses, announcements.
Down: the reverse. Who is active is decided in `lvs_engine.network.stance`; addresses,
lvsd and announcements have modules of their own. When pulse dies, addresses and table
stay as they are; only an orderly stop withdraws them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path

from lvs_engine import __version__
from lvs_engine.adapters.control_socket import ControlServer
from lvs_engine.adapters.names import Names
from lvs_engine.adapters.net_events import NetworkEvents
from lvs_engine.config.model import Cluster
from lvs_engine.control.status import DaemonStatus, NodeState, NodeStatus, Status
from lvs_engine.daemons.configuration import UnusableError
from lvs_engine.daemons.lasting import refresh_names
from lvs_engine.daemons.pulse_parts import Parts
from lvs_engine.daemons.pulse_status import merged
from lvs_engine.daemons.runtime import (
    host_name,
    keep_watchdog_quiet,
    on_signals,
    write_dump,
)
from lvs_engine.errors import ControlError, KernelError, NotRunningError
from lvs_engine.network.addresses import host_names, wanted
from lvs_engine.network.stance import Stance, decide, router_names
from lvs_engine.ports import Addresses

_LOOK_PERIOD_S = 30.0
_BURST_S = 0.2  # changes of addresses come in bursts; one look serves them all
_RETRY_S = 2.0

log = logging.getLogger(__name__)


class Pulse:
    """One run of the daemon.

    Args:
        parts: its parts.
        stance: what this node does, decided from the running configuration.
        directory: where the control socket is.
        forced: `--forceactive`.
    """

    def __init__(
        self, parts: Parts, stance: Stance, directory: Path, *, forced: bool = False
    ) -> None:
        self._parts = parts
        self._stance = stance
        self._directory = directory
        self._forced = forced
        self._began = time.time()
        self._names = Names()
        self._awake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._changed = True
        self._complaint = ""
        self._entered: NodeState | None = None  # whose role command has been run
        self._jobs: set[asyncio.Task[None]] = set()
        self._node = NodeStatus(
            host_name(), stance.role.value, NodeState.STARTING, self._began, "starting"
        )

    @property
    def _cluster(self) -> Cluster:
        return self._parts.configuration.running.cluster

    async def run(self, ready: Callable[[], None] = lambda: None) -> int:
        """Run until stopped; the exit status.

        Args:
            ready: called when the control socket answers.

        Raises:
            ControlError: another pulse holds the control socket.
        """
        server = ControlServer(
            self._directory / "pulse.sock",
            {"status": self._answer_status, "reload": self._answer_reload},
        )
        await server.start()
        try:
            ready()
            self._parts.notifier.ready()
            await self._begin()
            await self._until_stopped()
        finally:
            for job in self._jobs:
                job.cancel()
            await server.close()
        return 0

    async def _begin(self) -> None:
        configuration = self._parts.configuration
        if configuration.status.rejected:
            errors = "; ".join(configuration.status.rejected)
            self._tell("bad", f"lvs.cf was refused, what ran before runs on: {errors}")
        await configuration.keep()

    def stop(self, reason: str) -> None:
        """End `run` in order: addresses first, then the table."""
        log.info("Terminating due to %s", reason)
        self._stopping.set()

    def wake(self) -> None:
        """Something changed on the node; look soon."""
        self._awake.set()

    def reload(self) -> None:
        """Read lvs.cf again, soon; log and status say how it went."""
        self._soon(self._reload_quietly())

    def dump(self) -> None:
        self._soon(self._dump())

    # The order

    async def _until_stopped(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._parts.lvsd.run())  # ends when it is stopped
            tasks = [
                group.create_task(self._work()),
                group.create_task(
                    refresh_names(self._names, self._host_names, self._renamed)
                ),
                group.create_task(keep_watchdog_quiet(self._parts.notifier)),
            ]
            await self._stopping.wait()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._withdraw()

    async def _work(self) -> None:
        """The one task that changes this node: after each wake-up, and now and then."""
        while True:
            self._awake.clear()
            pause_s = await self._look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), pause_s)
                await asyncio.sleep(_BURST_S)

    async def _look(self) -> float:
        """Bring the node to where it should be; seconds until the next look."""
        changed, self._changed = self._changed, False
        try:
            if changed:
                await self._adjust()
            else:
                await self._parts.floating.keep()
        except (ControlError, KernelError) as error:
            self._changed = changed
            self._complain(str(error))
            return _RETRY_S
        self._complain("")
        return _LOOK_PERIOD_S

    async def _adjust(self) -> None:
        """Go where the configuration says that this node belongs."""
        await self._names.look_up(self._host_names())
        stance = await find_stance(
            self._cluster, self._parts.kernel, self._names.known, forced=self._forced
        )
        if stance.warning != self._stance.warning and stance.warning:
            self._tell("warning", stance.warning)
        self._stance = stance
        if stance.active:
            await self._take()
        else:
            await self._yield()

    async def _take(self) -> None:
        parts, cluster = self._parts, self._cluster
        if self._entered is not NodeState.ACTIVE:
            await parts.command(cluster.active_cmd)
            self._entered = NodeState.ACTIVE
        # Who is sent to the address must find a table behind it (KF-9).
        await parts.lvsd.settle()
        await parts.floating.hold(wanted(cluster, self._names.known))
        self._become(NodeState.ACTIVE, self._stance.warning or self._stance.reason)

    async def _yield(self) -> None:
        parts, cluster = self._parts, self._cluster
        # A standby never keeps an address, whoever left it here (KF-3).
        await parts.floating.withdraw(wanted(cluster, self._names.known))
        if self._entered is not NodeState.STANDBY:
            await parts.command(cluster.inactive_cmd)
            self._entered = NodeState.STANDBY
        self._become(NodeState.STANDBY, self._stance.reason)

    async def _withdraw(self) -> None:
        """The way down: what `_take` did, in reverse."""
        parts = self._parts
        self._node = replace(
            self._node, state=NodeState.STOPPING, reason="stopping", since=time.time()
        )
        parts.notifier.stopping()
        try:
            await parts.floating.withdraw()
        except KernelError as error:
            log.error("the addresses cannot be withdrawn: %s", error)  # noqa: TRY400
        await parts.lvsd.stop()
        if self._entered is NodeState.ACTIVE:
            await parts.command(self._cluster.inactive_cmd)
        parts.configuration.forget()

    # Configuration

    def _host_names(self) -> set[str]:
        return host_names(self._cluster) | router_names(self._cluster)

    def _renamed(self) -> None:
        self._changed = True
        self.wake()

    async def _reload(self) -> dict[str, object]:
        """Let lvsd judge the file; take it too when it is good.

        Raises:
            ControlError: it is not, and why.
        """
        # Of two files that were read at the same time the older might win.
        async with self._reloading:
            return await self._reload_once()

    async def _reload_once(self) -> dict[str, object]:
        parts = self._parts
        verdict: dict[str, object] = {}
        with contextlib.suppress(NotRunningError):  # it reads the file when it starts
            verdict = await parts.lvsd.reload()
        try:
            usable = await parts.configuration.read()
        except UnusableError as error:
            raise ControlError(str(error)) from None
        parts.configuration.take(usable)
        await parts.configuration.keep()
        if not any(v.active for v in usable.cluster.virtuals):
            self._tell("warning", "no virtual server is active: no address is held")
        self._changed = True
        self.wake()
        return {
            "revision": usable.revision,
            "warnings": list(usable.warnings),
            **verdict,
        }

    async def _reload_quietly(self) -> None:
        try:
            await self._reload()
        except ControlError as error:
            self._tell("bad", f"the new configuration is not used: {error}")

    # What others see

    async def _answer_reload(self, _: Mapping[str, object]) -> dict[str, object]:
        return await self._reload()

    async def _answer_status(
        self, arguments: Mapping[str, object]
    ) -> dict[str, object]:
        """As lvsd's `status`, also with `brief`, which leaves out our addresses too."""
        brief, lvsd = arguments.get("brief") is True, None
        with contextlib.suppress(ControlError):
            lvsd = await self._parts.lvsd.snapshot(brief=brief)
        return await asyncio.to_thread(merged, self._status(brief=brief), lvsd)

    def _status(self, *, brief: bool) -> Status:
        parts = self._parts
        return Status(
            version=__version__,
            at=time.time(),
            node=self._node,
            daemons=(
                DaemonStatus("pulse", os.getpid(), "running", self._began),
                parts.lvsd.status,
            ),
            configuration=parts.configuration.status,
            addresses=() if brief else parts.floating.statuses,
            events=() if brief else parts.timeline.newest_first(),
        )

    async def _dump(self) -> None:
        state = await self._answer_status({})
        await asyncio.to_thread(write_dump, self._directory, "pulse", state)

    def _become(self, state: NodeState, reason: str) -> None:
        node = self._node
        since = node.since if node.state is state else time.time()
        self._node = NodeStatus(
            node.name, self._stance.role.value, state, since, reason
        )
        if node.state is not state:
            self._tell("ok", f"{state}: {reason}")

    def _complain(self, text: str) -> None:
        """Tell a lasting trouble once."""
        if text and text != self._complaint:
            self._tell("bad", text)
        if text and self._node.state is NodeState.STARTING:
            self._node = replace(self._node, reason=text)
        self._complaint = text

    def _tell(self, severity: str, text: str) -> None:
        level = logging.INFO if severity in {"ok", "info"} else logging.WARNING
        log.log(level, "%s", text)
        self._parts.timeline.record(time.time(), severity, "pulse", text)

    def _soon(self, job: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)


async def find_stance(
    cluster: Cluster,
    kernel: Addresses,
    resolve: Mapping[str, str],
    *,
    forced: bool = False,
) -> Stance:
    """The stance of this node, from its addresses as they are now."""
    found = await asyncio.to_thread(kernel.look)
    own = {a.key.address for a in found.addresses}
    return decide(cluster, own, resolve, forced=forced)


async def main(pulse: Pulse, ready: Callable[[], None]) -> int:
    """`Pulse.run` with the signals of a daemon, woken by changes of the network."""
    on_signals(stop=pulse.stop, reload=pulse.reload, dump=pulse.dump)
    events = NetworkEvents(pulse.wake)
    try:
        return await pulse.run(ready)
    finally:
        events.close()
