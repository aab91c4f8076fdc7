"""lvsd: keeps the kernel's table as lvs.cf and the health of the servers want it.

Composes configuration, health book, nanny, reconciler and sampler; the rules are
theirs. When lvsd dies the table stays; only an orderly stop withdraws it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from functools import partial

from lvs_engine import __version__
from lvs_engine.adapters.control_socket import ControlServer
from lvs_engine.adapters.names import Names
from lvs_engine.config.model import Cluster
from lvs_engine.control.events import Timeline
from lvs_engine.control.nanny_protocol import StateReport
from lvs_engine.control.status import (
    ConfigurationStatus,
    DaemonStatus,
    NodeStatus,
    PassStatus,
    ServiceStatus,
    Status,
)
from lvs_engine.daemons import lasting
from lvs_engine.daemons.configuration import Configuration, UnusableError, Usable
from lvs_engine.daemons.health_book import HealthBook, serving
from lvs_engine.daemons.lvsd_options import Options
from lvs_engine.daemons.lvsd_requests import handlers, whole_status
from lvs_engine.daemons.nanny_child import NannyChild
from lvs_engine.daemons.narrator import Narrator
from lvs_engine.daemons.notify import Notifier
from lvs_engine.daemons.ownership import Ownership
from lvs_engine.daemons.planes import Rebalancing
from lvs_engine.daemons.readiness import waiting
from lvs_engine.daemons.reconciler import Reconciler
from lvs_engine.daemons.runtime import (
    host_name,
    keep_watchdog_quiet,
    on_signals,
    write_dump,
)
from lvs_engine.daemons.sampler import Sampler
from lvs_engine.daemons.snapshot import Sources, services
from lvs_engine.errors import KernelError
from lvs_engine.health.checks import watches
from lvs_engine.ports import DataPlane, Timeouts
from lvs_engine.table.desired import Wanted, host_names, want

log = logging.getLogger(__name__)


class Lvsd:
    """One run of the daemon.

    Args:
        options: how it runs.
        plane: the data plane; closed at the end.
        notifier: the service manager.
    """

    def __init__(
        self, options: Options, plane: DataPlane, notifier: Notifier | None = None
    ) -> None:
        self._options = options
        self._plane = plane
        self._notifier = notifier or Notifier({})
        self._began = time.time()
        self._timeline = Timeline()
        self._configuration = Configuration(
            options.configuration, options.directory / "lvsd.last-good.cf"
        )
        self._names = Names()
        self._book = HealthBook(options.directory / "health.json")
        self._sampler = Sampler()
        self._narrator = Narrator(self._report, self._book)
        self._stopping = asyncio.Event()
        self._stop_reason = ""
        self._leave = False
        self._reloading = asyncio.Lock()
        self._jobs: set[asyncio.Task[None]] = set()
        self._reconciler = Reconciler(
            plane,
            self._wanted,
            Ownership(options.directory / "owned.json", plane.name),
            options.period_s,
            self._report,
        )
        self._nanny = NannyChild(
            options.nanny, self._book.view, self._learned, self._nanny_ended
        )

    @property
    def _cluster(self) -> Cluster:
        return self._configuration.running.cluster

    async def run(self, ready: Callable[[], None] = lambda: None) -> int:
        """Run until stopped; the exit status.

        Args:
            ready: called when the first pass over the table is done.

        Raises:
            UnusableError: lvs.cf has errors and no text of it ran before; nothing was
                touched.
            KernelError: the table cannot be read; nothing was touched.
            ControlError: another daemon holds the control socket.
        """
        options = self._options
        server = ControlServer(options.directory / "lvsd.sock", handlers(self))
        try:
            first, refused = await self._configuration.first(resume=options.resume)
            await self._adopt(first, refused)
            await self._assume_what_serves()
            await server.start()
            await self._until_stopped(ready)
            await self._shut_down()
        finally:
            await server.close()
            await self._reconciler.close()
        return 0

    def stop(self, reason: str, *, leave: bool = False) -> None:
        """End `run`, withdrawing our services unless `leave`; the first call counts."""
        if self._stopping.is_set():
            return
        self._stop_reason = reason
        self._leave = leave
        self._stopping.set()

    def reload(self) -> None:
        """Read lvs.cf again, soon; log and status say how it went."""
        self._soon(self._reload_quietly())

    async def reread(self) -> ConfigurationStatus:
        """Read lvs.cf again and run with it.

        Raises:
            UnusableError: it was refused; what runs goes on.
        """
        async with self._reloading:
            log.info("rereading configuration file %s", self._options.configuration)
            self._notifier.reloading()
            try:
                await self._adopt(await self._configuration.read())
            except UnusableError as error:
                self._narrator.rejected(error)
                raise
            finally:
                self._notifier.ready(self._narrator.summary())
            return self._configuration.status

    def dump(self) -> None:
        self._soon(self._dump())

    async def _dump(self) -> None:
        state = await whole_status(self)
        await asyncio.to_thread(write_dump, self._options.directory, "lvsd", state)

    def status(self) -> Status:
        return replace(self.overview(), services=tuple(self.services()))

    def services(self) -> Iterator[ServiceStatus]:
        sources = Sources(
            self._cluster,
            self._book.of,
            self._reconciler.table,
            self._sampler,
            self._names.known,
        )
        return services(sources)

    def overview(self) -> Status:
        return Status(
            version=__version__,
            at=time.time(),
            node=NodeStatus(
                name=host_name(), since=self._began, reason="lvsd runs without pulse"
            ),
            daemons=(
                DaemonStatus("lvsd", os.getpid(), "running", self._began),
                self._nanny.status,
            ),
            configuration=self._configuration.status,
            plane=self._plane.name,
            plane_notes=tuple(self._plane.notes),
            last_pass=self._reconciler.last_pass,
            foreign=tuple(str(key) for key in self._reconciler.foreign),
            events=self._timeline.newest_first(),
        )

    @property
    def last_pass(self) -> PassStatus:
        return self._reconciler.last_pass

    async def until(self, true: Callable[[], bool]) -> None:
        """Return after a pass with nothing left to look at and `true()`."""
        await self._reconciler.until(true)

    def waiting(self) -> list[str]:
        """Virtual servers that nobody serves yet while a check may change that."""
        return waiting(
            self._cluster, self._book, self._reconciler.table, self._names.known
        )

    # Start and end

    async def _assume_what_serves(self) -> None:
        """Let servers of a former lvsd go on, so that our start interrupts nobody."""
        table = await self._reconciler.in_worker(self._plane.dump)
        served = serving(self._cluster, table, self._names.known)
        if assumed := self._book.assume_up(served):
            log.info("%d servers go on as they are until checked", len(assumed))
            longest_s = max(v.timeout for v in self._cluster.virtuals)
            self._soon(self._end_assumptions(2 * longest_s))

    async def _until_stopped(self, ready: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in self._lasting_jobs()]
            stopping = group.create_task(self._stopping.wait())
            first_pass = group.create_task(self._reconciler.until(lambda: True))
            await asyncio.wait(
                {stopping, first_pass}, return_when=asyncio.FIRST_COMPLETED
            )
            ready()
            self._notifier.ready(self._narrator.summary())
            await stopping
            log.info("shutting down due to %s", self._stop_reason)
            self._notifier.stopping()
            # While its line is up: it ends by our word and not because we hung up.
            await self._nanny.stop()
            for task in [*tasks, first_pass]:
                task.cancel()

    def _lasting_jobs(self) -> list[Coroutine[object, object, None]]:
        plane = self._plane
        jobs = [
            self._reconciler.run(),
            lasting.unharmed(
                partial(lasting.sample, self._reconciler, plane, self._sampler)
            ),
            lasting.unharmed(partial(lasting.store_health, self._book)),
            lasting.refresh_names(
                self._names, lambda: host_names(self._cluster), self._watch
            ),
            keep_watchdog_quiet(self._notifier),
        ]
        if self._options.checks:
            jobs.append(self._nanny.run())
        if isinstance(plane, Rebalancing):
            rebalance = partial(lasting.rebalance, self._reconciler, plane)
            jobs.append(lasting.unharmed(rebalance))
        return jobs

    async def _shut_down(self) -> None:
        for job in self._jobs:
            job.cancel()
        self._book.writer()()
        if self._leave:
            log.info("the table stays")
            return
        self._configuration.forget()
        self._narrator.configuration(self._configuration.running, None)
        try:
            await self._reconciler.withdraw()
        except KernelError as error:
            log.error("the table cannot be withdrawn: %s", error)  # noqa: TRY400

    # Configuration

    async def _adopt(self, fresh: Usable, refused: UnusableError | None = None) -> None:
        """Run with `fresh`; `refused` is what is wrong with the file, if it is not it."""
        before = self._configuration.running
        # Of both files: the old one runs on until all is ready for the new one.
        both = host_names(before.cluster) | host_names(fresh.cluster)
        await self._names.look_up(both)
        # Nothing waits from here on: a pass sees the new file with its servers.
        self._configuration.take(fresh, refused)
        self._watch()
        self._narrator.configuration(before, fresh)
        if refused:
            self._narrator.rejected(refused)
        await self._configuration.keep()
        await self._reconciler.set_timeouts(_timeouts(fresh.cluster))

    def _watch(self) -> None:
        """Watch and want the servers of the running file where they are now."""
        watched = watches(self._cluster, self._names.known)
        self._book.watch(watched)
        self._nanny.watch(watched)
        self._reconciler.wake()

    async def _reload_quietly(self) -> None:
        try:
            await self.reread()
        except UnusableError:
            log.debug("the reload was refused")

    # Health

    def _wanted(self) -> Callable[[], Wanted]:
        return partial(want, self._cluster, self._book.view(), self._names.known)

    def _learned(self, report: StateReport) -> None:
        before = self._book.learn(report.server, report.health)
        if before is not None and before.state is not report.health.state:
            self._narrator.server(report.server, report.health, before)
            self._reconciler.wake()

    def _nanny_ended(self, reason: str) -> None:
        self._report("bad", "nanny", f"nanny {reason}; the last known health stays")

    async def _end_assumptions(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if ended := self._book.end_assumptions():
            log.warning("%d servers were not checked within %g s", len(ended), after_s)
            self._reconciler.wake()

    def _report(self, severity: str, subject: str, text: str) -> None:
        self._timeline.record(time.time(), severity, subject, text)

    def _soon(self, job: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)


def _timeouts(cluster: Cluster) -> Timeouts:
    return Timeouts(cluster.tcp_timeout, cluster.tcpfin_timeout, cluster.udp_timeout)


async def main(lvsd: Lvsd, ready: Callable[[], None]) -> int:
    """`Lvsd.run` with the signals of a daemon."""
    on_signals(stop=lvsd.stop, reload=lvsd.reload, dump=lvsd.dump)
    return await lvsd.run(ready)
