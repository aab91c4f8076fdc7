"""The data plane of the kernel's IPVS: the port `DataPlane` on the netlink channel.

No rule of the domain is here: what should be in the table, and in which order it is
changed, comes from outside. Nothing is ever flushed.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence

from lvs_engine.adapters.ipvs import codec, decode, sync_daemon
from lvs_engine.adapters.ipvs.channel import Channel
from lvs_engine.adapters.ipvs.codec import Request
from lvs_engine.adapters.ipvs.layout import Row, Shapes
from lvs_engine.adapters.ipvs.sync_daemon import SyncDaemon, SyncRole
from lvs_engine.errors import KernelError, KernelUnavailableError
from lvs_engine.ports import Counters, ServiceStatistics, Timeouts
from lvs_engine.table.model import Pool, Service, ServiceKey, Table
from lvs_engine.table.plan import Change, Refusal
from lvs_engine.table.refusals import impossible, impossible_in, refused

MODPROBE_LIMIT_S = 20.0


class IpvsPlane:
    """The table of the network namespace in which this object is made.

    Threads may share it; calls block, one at a time.
    """

    name = "ipvs"
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Connect, after loading the kernel's module if it can be loaded.

        A scheduler's module is loaded by the kernel itself when a service asks for it.

        Raises:
            KernelUnavailableError: no IPVS in this kernel, or it may not be used.
        """
        self._lock = threading.Lock()
        self._channel = _connect()
        try:
            answer = self._channel.ask(codec.get_info())
            self.version, self.connection_table_size = decode.info(answer)
        except KernelError as error:
            self._channel.close()
            raise KernelUnavailableError(str(error)) from error

    @property
    def messages_sent(self) -> int:
        """Netlink requests so far; a test counts them."""
        return self._channel.sent

    def close(self) -> None:
        self._channel.close()

    def unsupported(self, table: Table) -> list[Refusal]:
        """What no kernel accepts; a missing scheduler shows only when it is asked for."""
        return impossible_in(table)

    def dump(self) -> Table:
        with self._lock:
            return {
                key: Pool(service, decode.destinations(rows, key.family))
                for key, service, _, rows in self._pools(decode.DESTINATIONS)
            }

    def statistics(self) -> dict[ServiceKey, ServiceStatistics]:
        with self._lock:
            return {
                key: ServiceStatistics(
                    counters, decode.destination_statistics(rows, key.family)
                )
                for key, _, counters, rows in self._pools(decode.DESTINATION_STATISTICS)
            }

    def _pools(
        self, shapes: Shapes
    ) -> Iterator[tuple[ServiceKey, Service, Counters, list[Row]]]:
        """Each service with the rows of its destinations."""
        dump = self._channel.dump
        for row in dump(codec.get_services(), decode.SERVICES):
            key, service, counters = decode.service(row)
            rows = dump(codec.get_destinations(key), shapes)
            yield key, service, counters, rows

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Carry the changes out in their order; a refused one does not stop the others.

        A change that no kernel accepts is refused here, since the kernel would take
        some of them and do something else.
        """
        refusals: dict[int, Refusal] = {}
        asked: list[int] = []

        def requests() -> Iterator[Request]:
            for index, change in enumerate(changes):
                if refusal := impossible(change):
                    refusals[index] = refusal
                else:
                    asked.append(index)
                    yield codec.encode(change)

        with self._lock:
            errors = self._channel.execute(requests())
        for position, number in errors.items():
            index = asked[position]
            name = errno.errorcode.get(number, str(number))
            refusals[index] = refused(changes[index], name, os.strerror(number))
        return [refusals[index] for index in sorted(refusals)]

    def timeouts(self) -> Timeouts:
        """The connection timeouts that the kernel uses now."""
        with self._lock:
            return decode.timeouts(self._channel.ask(codec.get_timeouts()))

    def set_timeouts(self, timeouts: Timeouts) -> None:
        self._carry_out(codec.set_timeouts(timeouts), f"timeouts {timeouts}")

    def sync_daemons(self) -> list[SyncDaemon]:
        """The connection synchronisation threads that run now."""
        with self._lock:
            rows = self._channel.dump(sync_daemon.get(), sync_daemon.THREADS)
        return [d for d in map(sync_daemon.decode, rows) if d is not None]

    def start_sync(self, daemon: SyncDaemon) -> None:
        """Start a synchronisation thread.

        Raises:
            KernelError: one of that role runs already (EEXIST), there is no such
                device (ENODEV), or a field is out of range (EINVAL).
        """
        what = f"synchronisation as {daemon.role} on {daemon.interface}"
        self._carry_out(sync_daemon.start(daemon), what)

    def stop_sync(self, role: SyncRole) -> None:
        """Stop a synchronisation thread.

        Raises:
            KernelError: none of that role runs (ESRCH).
        """
        self._carry_out(sync_daemon.stop(role), f"end of synchronisation as {role}")

    def _carry_out(self, request: Request, what: str) -> None:
        with self._lock:
            errors = self._channel.execute([request])
        for number in errors.values():
            name = errno.errorcode.get(number, str(number))
            raise KernelError(f"ip_vs refused {what}: {name}, {os.strerror(number)}")


def _connect() -> Channel:
    try:
        return Channel()
    except KernelUnavailableError:
        if not _load_module():
            raise
        return Channel()


def _load_module() -> bool:
    """Ask for ip_vs, once; False when it cannot be had."""
    modprobe = shutil.which(
        "modprobe", path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin"
    )
    if modprobe is None:
        return False
    try:
        done = subprocess.run(
            [modprobe, "-q", "ip_vs"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MODPROBE_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
