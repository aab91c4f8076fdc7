"""What lvsd does again and again beside reconciling, each as one endless coroutine.

None of it is needed for balancing: each takes at most a twentieth of a core, and one that
fails by a fault of ours does not end lvsd.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Set

from lvs_engine.adapters.names import Names
from lvs_engine.daemons.health_book import HealthBook
from lvs_engine.daemons.planes import Rebalancing
from lvs_engine.daemons.reconciler import Reconciler
from lvs_engine.daemons.sampler import Sampler, period
from lvs_engine.errors import KernelError
from lvs_engine.ports import DataPlane
from lvs_engine.table.model import ServiceKey

_NAMES_PERIOD_S = 60.0
_AFTER_FAULT_S = 30.0

log = logging.getLogger(__name__)


async def unharmed(job: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run an endless job; a fault that nobody foresaw is logged, and it begins anew."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("a fault of our own; once more in %g s", _AFTER_FAULT_S)
        await asyncio.sleep(_AFTER_FAULT_S)


async def sample(reconciler: Reconciler, plane: DataPlane, sampler: Sampler) -> None:
    """Read the counters, the less often the longer it takes.

    A service that has gone from them wakes the reconciler: whoever empties the table by
    hand, as `nft flush ruleset` does, is answered at once and not a period later.
    """
    counted: Set[ServiceKey] = frozenset()
    while True:
        began = time.monotonic()
        try:
            statistics = await reconciler.in_worker(plane.statistics)
            sampler.take(statistics, time.monotonic())
            if counted - statistics.keys():
                reconciler.wake()
            counted = statistics.keys()
        except KernelError as error:
            log.debug("no statistics: %s", error)
        await asyncio.sleep(period(time.monotonic() - began))


async def rebalance(reconciler: Reconciler, plane: Rebalancing) -> None:
    """Let the plane adjust its approximations."""
    while True:
        await asyncio.sleep(plane.rebalance_interval_s)
        try:
            await reconciler.in_worker(plane.rebalance)
        except KernelError as error:
            log.debug("not rebalanced: %s", error)


async def store_health(book: HealthBook) -> None:
    """Write what is known of the servers soon after it changed."""
    while True:
        began = time.monotonic()
        if book.changed:
            await asyncio.to_thread(book.writer())
        await asyncio.sleep(max(1.0, 20 * (time.monotonic() - began)))


async def refresh_names(
    names: Names,
    wanted: Callable[[], set[str]],
    changed: Callable[[], None],
) -> None:
    """Ask for the host names of the configuration once a minute (KF-69)."""
    while True:
        await asyncio.sleep(_NAMES_PERIOD_S)
        if (asked := wanted()) and await names.look_up(asked):
            changed()
