"""How long somebody who guesses passwords has to wait; knows no password and no clock.

Two counts: one by address, one by account. An address waits 2, 4, 8 ... up to 300 s
after `free` failures. The account as a whole waits at most 15 s, and not for an address
that has logged in before: whoever guesses from many addresses is slowed down, and
cannot keep the administrator out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ADDRESS_LIMIT_S = 300.0
ACCOUNT_LIMIT_S = 15.0
ACCOUNT_FREE_FACTOR = 4
FORGET_AFTER_S = 3600.0
MOST_ENTRIES = 10_000


@dataclass(slots=True)
class _Count:
    failures: int = 0
    last: float = 0.0


@dataclass(slots=True)
class Throttle:
    """Counts failures; times are monotonic seconds.

    Attributes:
        free: failures without any wait.
    """

    free: int = 5
    _addresses: dict[str, _Count] = field(default_factory=dict)
    _accounts: dict[str, _Count] = field(default_factory=dict)
    _known: dict[str, float] = field(default_factory=dict)

    def wait_s(self, address: str, account: str, now: float) -> float:
        """Seconds until the next try is looked at; 0 when it may be made now."""
        by_address = _left(self._addresses, address, self.free, ADDRESS_LIMIT_S, now)
        if address in self._known:
            return by_address
        free = self.free * ACCOUNT_FREE_FACTOR
        return max(
            by_address, _left(self._accounts, account, free, ACCOUNT_LIMIT_S, now)
        )

    def failed(self, address: str, account: str, now: float) -> None:
        for counts, key in ((self._addresses, address), (self._accounts, account)):
            _forget(counts, now)
            count = counts.setdefault(key, _Count())
            if now - count.last > FORGET_AFTER_S:
                count.failures = 0
            count.failures += 1
            count.last = now

    def succeeded(self, address: str, account: str, now: float) -> None:
        self._addresses.pop(address, None)
        self._accounts.pop(account, None)
        self._known[address] = now
        if len(self._known) > MOST_ENTRIES:
            del self._known[min(self._known, key=self._known.__getitem__)]


def _left(
    counts: dict[str, _Count], key: str, free: int, limit_s: float, now: float
) -> float:
    count = counts.get(key)
    if count is None or count.failures < free or now - count.last > FORGET_AFTER_S:
        return 0.0
    wait = min(limit_s, 2.0 ** min(count.failures - free + 1, 30))
    return max(0.0, count.last + wait - now)


def _forget(counts: dict[str, _Count], now: float) -> None:
    """Keep memory bounded: old entries go, then the oldest."""
    if len(counts) < MOST_ENTRIES:
        return
    for key in [k for k, c in counts.items() if now - c.last > FORGET_AFTER_S]:
        del counts[key]
    while len(counts) >= MOST_ENTRIES:
        del counts[min(counts, key=lambda k: counts[k].last)]
