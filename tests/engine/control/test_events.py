"""The ring of events."""

from __future__ import annotations

from lvs_engine.control.events import Timeline, merged


def test_events_are_listed_newest_first() -> None:
    timeline = Timeline()
    timeline.record(1.0, "ok", "web", "first")
    timeline.record(2.0, "bad", "web", "second")
    assert [e.text for e in timeline.newest_first()] == ["second", "first"]


def test_the_oldest_fall_out_of_a_full_ring() -> None:
    timeline = Timeline(limit=2)
    for at in (1.0, 2.0, 3.0):
        timeline.record(at, "info", "lvsd", str(at))
    assert [e.at for e in timeline.newest_first()] == [3.0, 2.0]


def test_two_timelines_become_one_in_order_of_time() -> None:
    ours, theirs = Timeline(), Timeline()
    ours.record(1.0, "ok", "pulse", "a")
    theirs.record(2.0, "ok", "lvsd", "b")
    ours.record(3.0, "ok", "pulse", "c")
    both = merged(ours.newest_first(), theirs.newest_first(), limit=2)
    assert [e.text for e in both] == ["c", "b"]
