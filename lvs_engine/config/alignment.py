"""Which block of the old file is which block of the new model."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence

from lvs_engine.config.model import FailoverService, RealServer, VirtualServer

Blocks = Sequence[VirtualServer] | Sequence[FailoverService] | Sequence[RealServer]


def align(old: Blocks, new: Blocks) -> list[int | None]:
    """For each new block the place of the old one that it comes from, or None.

    Equal blocks first, then blocks of the same name, in order; then, when no block was
    added or removed, the ones that are left in order: those were renamed.
    """
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    result: list[int | None] = [None] * len(new)
    result[:start] = range(start)
    result[len(new) - end :] = range(len(old) - end, len(old))
    free = range(start, len(old) - end)
    wanted = range(start, len(new) - end)
    equal: dict[object, deque[int]] = defaultdict(deque)
    for i in free:
        equal[old[i]].append(i)
    for j in wanted:
        if equal[new[j]]:
            result[j] = equal[new[j]].popleft()
    taken = set(result)
    named: dict[str, deque[int]] = defaultdict(deque)
    for i in free:
        if i not in taken:
            named[old[i].name].append(i)
    for j in wanted:
        if result[j] is None and named[new[j].name]:
            result[j] = named[new[j].name].popleft()
    if len(old) == len(new):
        left = iter(sorted(set(range(len(old))) - set(result)))
        result = [next(left) if i is None else i for i in result]
    return result


def staying(order: Sequence[int | None]) -> set[int]:
    """The old places that need not move: a longest increasing subsequence."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for place in order:
        if place is None:
            continue
        rank = bisect_left(tails, place)
        before[place] = tails[rank - 1] if rank else None
        tails[rank : rank + 1] = [place]
    stay: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        stay.add(last)
        last = before[last]
    return stay
