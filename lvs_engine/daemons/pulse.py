"""pulse: holds the floating addresses of an active router, and runs lvsd under it.

The order is what matters here. Up: role command, table, addresses, announcements.
Down: the reverse. Who is active is decided in `lvs_engine.network.stance` and, with a
partner, by the heartbeat in `pair`; addresses, lvsd and announcements have modules of
their own. When pulse dies, addresses and table stay as they are; only an orderly stop
withdraws them.
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
from lvs_engine.adapters.heartbeat_key import read_key
from lvs_engine.adapters.names import Names
from lvs_engine.adapters.net_events import NetworkEvents
from lvs_engine.config.model import Cluster
from lvs_engine.control.status import DaemonStatus, NodeState, NodeStatus, Status
from lvs_engine.daemons.configuration import UnusableError
from lvs_engine.daemons.lasting import refresh_names
from lvs_engine.daemons.pair import Pair, setting_of
from lvs_engine.daemons.pair_status import peer_status
from lvs_engine.daemons.pair_watch import Links, watch_lvsd
from lvs_engine.daemons.pulse_parts import Parts
from lvs_engine.daemons.pulse_status import merged
from lvs_engine.daemons.runtime import (
    host_name,
    keep_watchdog_quiet,
    on_signals,
    write_dump,
)
from lvs_engine.errors import ConfigError, ControlError, KernelError, NotRunningError
from lvs_engine.heartbeat.events import ChildFailed, TakeOver
from lvs_engine.network.addresses import Interfaces, host_names, wanted
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
        self._turned = asyncio.Event()  # the pair wants this node to be another one
        self._announce_again = False
        self._own: set[str] = set()
        self._key: bytes | None = None
        self._links = Links()
        self._pair = Pair(
            directory / "pair.json", self._tell, self._turn, self._announce_soon
        )
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
            self._pair.close()
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
                group.create_task(
                    watch_lvsd(lambda: self._parts.lvsd.status, self._pair.feed)
                ),
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
                await asyncio.wait_for(self._turned.wait(), _BURST_S)

    async def _look(self) -> float:
        """Bring the node to where it should be; seconds until the next look."""
        changed, self._changed = self._changed, False
        turned = self._turned.is_set()
        self._turned.clear()
        try:
            if changed:
                await self._judge()
            if changed or turned:
                await self._go()
            else:
                await self._parts.floating.keep()
            await self._serve_the_pair()
        except (ControlError, KernelError) as error:
            self._changed = changed or turned
            self._complain(str(error))
            return _RETRY_S
        self._complain("")
        return _LOOK_PERIOD_S

    async def _judge(self) -> None:
        """Find out what the configuration says that this node is."""
        await self._names.look_up(self._host_names())
        kernel, known = self._parts.kernel, self._names.known
        self._own = await own_addresses(kernel)
        stance = decide(self._cluster, self._own, known, forced=self._forced)
        if stance.warning != self._stance.warning and stance.warning:
            self._tell("warning", stance.warning)
        self._stance = stance
        if stance.paired:
            await self._join()
        elif self._pair.driver and not stance.active:
            self._pair.stop()

    async def _join(self) -> None:
        """Speak with the partner, as the configuration wants it now."""
        parts, cluster, first = self._parts, self._cluster, self._entered is None
        if parts.key_file:
            try:
                self._key = await asyncio.to_thread(read_key, parts.key_file)
            except ConfigError as error:  # the former one goes on
                self._tell("bad", str(error))
        names = self._names.known
        setting = setting_of(
            cluster,
            self._stance.role,
            self._own,
            names,
            parts.configuration.running.revision,
            self._key,
        )
        if first:
            holding = await parts.floating.left_here(wanted(cluster, names))
        else:
            holding = self._entered is NodeState.ACTIVE
        fresh = self._pair.driver is None
        self._pair.join(setting, holding=holding)
        if fresh and first and self._forced:
            log.info("Forced active on startup: activating lvs")
            self._pair.feed(TakeOver())

    @property
    def _duty(self) -> NodeState:
        """ACTIVE, STANDBY, or STARTING: nothing is to be changed yet."""
        if self._stance.paired:
            return self._pair.duty
        return NodeState.ACTIVE if self._stance.active else NodeState.STANDBY

    @property
    def _reason(self) -> str:
        stance = self._stance
        return self._pair.reason if stance.paired else stance.warning or stance.reason

    async def _go(self) -> None:
        """Go where this node belongs."""
        match self._duty:
            case NodeState.ACTIVE:
                await self._take()
            case NodeState.STANDBY:
                await self._yield()
            case _:
                pass
        if not self._stance.paired:
            self._pair.close()

    async def _take(self) -> None:
        parts, cluster = self._parts, self._cluster
        if self._entered is not NodeState.ACTIVE:
            await parts.command(cluster.active_cmd)
            self._entered = NodeState.ACTIVE
        # Who is sent to the address must find a table behind it (KF-9).
        if not await self._settle():
            return
        await parts.floating.hold(wanted(cluster, self._names.known))
        self._become(NodeState.ACTIVE, self._reason)

    async def _settle(self) -> bool:
        """Wait for the table; False when the addresses are no longer ours to take."""
        settling = asyncio.create_task(self._parts.lvsd.settle())
        turned = asyncio.create_task(self._turned.wait())
        try:
            await asyncio.wait({settling, turned}, return_when=asyncio.FIRST_COMPLETED)
            if settling.done():
                settling.result()
            return settling.done() and self._duty is NodeState.ACTIVE
        except ControlError as error:
            self._pair.feed(ChildFailed(f"the table cannot be had: {error}"))
            raise
        finally:
            settling.cancel()
            turned.cancel()

    async def _yield(self) -> None:
        parts, cluster = self._parts, self._cluster
        # A standby never keeps an address, whoever left it here (KF-3).
        await parts.floating.withdraw(wanted(cluster, self._names.known))
        self._pair.left()
        if self._entered is not NodeState.STANDBY:
            await parts.command(cluster.inactive_cmd)
            self._entered = NodeState.STANDBY
        self._become(NodeState.STANDBY, self._reason)

    # The pair

    def _turn(self) -> None:
        self._turned.set()
        self.wake()

    def _announce_soon(self) -> None:
        self._announce_again = True
        self.wake()

    async def _serve_the_pair(self) -> None:
        setting = self._pair.setting
        if setting is None:
            return
        again, self._announce_again = self._announce_again, False
        if again:
            await self._parts.floating.announce()
        found, ends = Interfaces(), {}
        if self._cluster.monitor_links:
            ends = {way.path: way.own for way in setting.ways}
            found = await asyncio.to_thread(self._parts.kernel.look)
        for event in self._links.look(found, ends):
            self._pair.feed(event)

    async def _withdraw(self) -> None:
        """The way down: what `_take` did, in reverse."""
        parts = self._parts
        self._node = replace(
            self._node, state=NodeState.STOPPING, reason="stopping", since=time.time()
        )
        parts.notifier.stopping()
        self._pair.stop()
        try:
            await parts.floating.withdraw()
            self._pair.left()
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
        parts, pair = self._parts, self._pair
        now = asyncio.get_running_loop().time()
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
            peer=peer_status(pair.setting, pair.driver, now)
            if pair.setting and pair.driver
            else None,
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
    return decide(cluster, await own_addresses(kernel), resolve, forced=forced)


async def own_addresses(kernel: Addresses) -> set[str]:
    found = await asyncio.to_thread(kernel.look)
    return {a.key.address for a in found.addresses}


async def main(pulse: Pulse, ready: Callable[[], None]) -> int:
    """`Pulse.run` with the signals of a daemon, woken by changes of the network."""
    on_signals(stop=pulse.stop, reload=pulse.reload, dump=pulse.dump)
    events = NetworkEvents(pulse.wake)
    try:
        return await pulse.run(ready)
    finally:
        events.close()
