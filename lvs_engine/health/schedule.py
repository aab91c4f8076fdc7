"""When a check is due: soon after it was added, then evenly spread over its interval.

Times are monotonic seconds. Checks are numbered in the order in which they were added;
the numbers of removed ones are not used again, so a change of the set moves nobody.
"""

from __future__ import annotations

import math

# Multiples of this fraction fall into the largest gap each time, for any number of them.
_GOLDEN = (math.sqrt(5) - 1) / 2
_START_GAP_S = 0.0005


def first_due(now: float, position: int, interval_s: float) -> float:
    """Start of the first run of the check at `position` (from 0) among those just added.

    Half a millisecond apart, so that a few servers are known at once and thousands make
    no burst; but never later than one interval.
    """
    return now + min(position * _START_GAP_S, (position * _GOLDEN % 1) * interval_s)


def second_due(first: float, number: int, interval_s: float) -> float:
    """Start of the second run: moves the check to its own place in the interval.

    The gap to the first run is at least half an interval and less than one and a half.
    """
    earliest = first + interval_s / 2
    place = number * _GOLDEN % 1 * interval_s
    return place + math.ceil((earliest - place) / interval_s) * interval_s


def next_due(due: float, now: float, interval_s: float) -> float:
    """The start after the one at `due`, strictly later than `now`.

    Starts that were missed are left out, not made up for.
    """
    following = due + interval_s
    if following > now:
        return following
    return following + (math.floor((now - following) / interval_s) + 1) * interval_s
