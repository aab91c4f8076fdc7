"""The data plane on nftables: the port `DataPlane` on our own table in the kernel.

The kernel holds the only copy of the table. What is kept here is the last reading of
it, so that counters and live connections can be read without listing all rules.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

from lvs_engine.adapters.nftables import (
    connections,
    conntrack,
    frame,
    names,
    nft,
    observed,
    ruleset,
    timeouts,
)
from lvs_engine.adapters.nftables.balancer import Balancer
from lvs_engine.adapters.nftables.changes import Outcome, carry_out, unable_in
from lvs_engine.adapters.nftables.observed import Observed
from lvs_engine.adapters.nftables.schedule import is_dynamic
from lvs_engine.adapters.nftables.transaction import replace_chain, transaction
from lvs_engine.errors import KernelUnavailableError
from lvs_engine.ports import (
    Counters,
    DestinationStatistics,
    ServiceStatistics,
    Timeouts,
)
from lvs_engine.table.model import DestinationKey, ServiceKey, Table
from lvs_engine.table.plan import Change, Refusal

log = logging.getLogger(__name__)

_FRESH_S: Final = 0.2

NOTES: Final = (
    "balanced by nftables, as the kernel has no ip_vs: NAT only",
    "schedulers lc, wlc, sed and nq share out new connections by live counts that are "
    "up to a second old; connection thresholds are kept within about a second",
    "schedulers sh, dh and mh keep a client's real server when another one fails; a "
    "client whose own has weight 0 gets another, as with sh-fallback",
    "persistence lasts its time from a client's last new connection, and not beyond "
    "weight 0",
    "a real server in several services by mark is counted in the first of them",
)


class NftablesPlane:
    """Balances with a table `inet piranha`; touches nothing else.

    Raises:
        KernelUnavailableError: nft is missing, too old, or may not be used.

    Attributes:
        rebalance_interval_s: how often `rebalance` wants to be called.
    """

    name = "nftables"
    notes: tuple[str, ...] = NOTES
    rebalance_interval_s: float = 1.0

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._table: Table = {}
        self._balancer = Balancer()
        self._timeouts = Timeouts()
        self._loads: connections.Loads = {}
        self._live_until = 0.0
        try:
            # Whatever is there now: only whether it could be made anew, which is not done.
            blank = [f"add table {frame.TABLE}", f"delete table {frame.TABLE}"]
            nft.check([*blank, *frame.script()])
        except nft.RefusedTransactionError as error:
            raise KernelUnavailableError(
                f"nftables cannot balance here ({error}): it needs root, nft 1.0 or "
                "newer (package nftables), and nf_tables with NAT in the kernel"
            ) from None

    def unsupported(self, table: Table) -> list[Refusal]:
        return unable_in(table)

    def dump(self) -> Table:
        """The table as the kernel has it.

        A service that somebody changed by hand has the scheduler `damaged`, and lacks
        the real servers of which a part is gone.
        """
        with self._lock:
            return dict(self._read(self._observe()))

    def apply(self, changes: Sequence[Change]) -> list[Refusal]:
        """Carry out the changes in one transaction.

        Where nft refuses that, every service has one of its own, so that one bad
        service does not hold up the others.
        """
        with self._lock:
            seen = self._observe()
            before = self._read(seen)
            outcome = carry_out(before, changes)
            if not outcome.touched:
                return outcome.refusals
            refusals = self._load(seen, outcome)
            # Whether it is so is for the caller's next dump to say.
            self._table = outcome.table
            if refusals:
                self._read(self._observe())
            self._drop_strays(before, self._table, outcome)
            return outcome.refusals + refusals

    def statistics(self) -> dict[ServiceKey, ServiceStatistics]:
        """Of the services that the kernel has: one that somebody removed is not named."""
        with self._lock:
            table = self._table or self._read(self._observe())
            counters = observed.observe(
                nft.listing("counters", "table", *frame.TABLE.split())
            ).counters
            loads = self._live(table)
        return {
            key: ServiceStatistics(
                _counters(counters, names.service_name(key)),
                {
                    destination: _destination(counters, loads, key, destination)
                    for destination in pool.destinations
                },
            )
            for key, pool in table.items()
            if f"{names.service_name(key)}-{names.NEW}" in counters
        }

    def rebalance(self) -> None:
        """Give new connections to the servers that have fewer; cheap where none asks.

        Only the choosing rule of a service is replaced. A table changed by hand is left
        to the next pass, which reads it and puts it right.
        """
        with self._lock:
            if not any(is_dynamic(pool) for pool in self._table.values()):
                return
            self._balancer.learn(self._live(self._table))
            changed = self._balancer.changed(self._table)
            lines: list[str] = []
            for key, slots in changed.items():
                rules = ruleset.choose(key, self._table[key], slots)
                lines += replace_chain(names.service_name(key), rules)
            try:
                if lines:
                    nft.commit(lines)
                    self._balancer.loaded(changed)
            except nft.RefusedTransactionError as error:
                log.warning("nftables: new shares were refused: %s", error)

    def timeouts(self) -> Timeouts:
        """The timeouts that our connections get; zero is the kernel's own."""
        with self._lock:
            return timeouts.read(self._observe())

    def set_timeouts(self, timeouts_: Timeouts) -> None:
        """Set them for connections that begin from now on, ours only."""
        with self._lock:
            seen = self._observe()
            held = timeouts.merged(self._timeouts, timeouts.read(seen))
            self._timeouts = timeouts.merged(held, timeouts_)
            # Without a table they wait for the first service.
            if seen.present and timeouts.read(seen) != self._timeouts:
                nft.commit(timeouts.lines(self._timeouts, seen))

    def close(self) -> None:
        """Nothing to let go of: every call opens and closes its own."""

    def _live(self, table: Table) -> connections.Loads:
        """Live connections, at most a moment old.

        100,000 take most of a second to read. A fifth of the time goes into that at
        most: on a router that busy, shares follow the load more slowly.
        """
        began = time.monotonic()
        if began >= self._live_until:
            self._loads = connections.loads(table, conntrack.flows())
            spent = time.monotonic() - began
            self._live_until = began + max(_FRESH_S, 5 * spent)
        return self._loads

    def _observe(self) -> Observed:
        return observed.observe(nft.listing("table", *frame.TABLE.split()))

    def _read(self, seen: Observed) -> Table:
        self._table = observed.table(seen)
        self._balancer.held = observed.shares(seen)
        return self._table

    def _load(self, seen: Observed, outcome: Outcome) -> list[Refusal]:
        try:
            self._commit(seen, outcome.table, list(outcome.touched))
        except nft.RefusedTransactionError as error:
            log.warning("nftables refused a transaction, now one by one: %s", error)
            return self._load_one_by_one(outcome)
        return []

    def _load_one_by_one(self, outcome: Outcome) -> list[Refusal]:
        refusals = []
        for key, changes in outcome.touched.items():
            seen = self._observe()
            wanted = observed.table(seen)
            wanted.pop(key, None)
            if key in outcome.table:
                wanted[key] = outcome.table[key]
            try:
                self._commit(seen, wanted, [key])
            except nft.RefusedTransactionError as error:
                why = f"{key}: nftables refused it: {error}"
                refusals += [Refusal(c, error.errno_name, why) for c in changes]
        return refusals

    def _commit(self, seen: Observed, wanted: Table, touched: list[ServiceKey]) -> None:
        if not observed.intact_frame(seen):
            touched = list(wanted)  # all are made anew
        for key in touched:
            if key not in wanted:
                self._balancer.forget(key)
        written = {key: wanted[key] for key in touched if key in wanted}
        self._live_until = 0.0  # what is known was counted by the table that was
        if any(is_dynamic(pool) for pool in written.values()):
            self._balancer.learn(self._live(wanted))
        chosen = self._balancer.decide(written)
        kept = timeouts.merged(timeouts.read(seen), self._timeouts)
        frame_more = timeouts.lines(kept, Observed())
        nft.commit(transaction(seen, wanted, touched, chosen, frame_more))
        self._balancer.loaded(chosen)

    def _drop_strays(self, before: Table, after: Table, outcome: Outcome) -> None:
        flows = conntrack.flows()
        strays = connections.stray(before, after, outcome.touched, flows)
        if strays:
            gone = conntrack.delete(strays)
            log.info("nftables: %d connections to removed real servers ended", gone)


def _counters(found: dict[str, tuple[int, int]], name: str) -> Counters:
    new, in_, out = (
        found.get(f"{name}-{part}", (0, 0)) for part in (names.NEW, names.IN, names.OUT)
    )
    return Counters(new[0], in_[0], out[0], in_[1], out[1])


def _destination(
    found: dict[str, tuple[int, int]],
    loads: connections.Loads,
    key: ServiceKey,
    destination: DestinationKey,
) -> DestinationStatistics:
    load = loads.get(key, {}).get(destination)
    return DestinationStatistics(
        _counters(found, names.destination_name(key, destination)),
        load.active if load else 0,
        load.inactive if load else 0,
    )
