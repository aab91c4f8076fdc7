"""Which authentic heartbeats are new."""

from __future__ import annotations

from lvs_engine.heartbeat.beat import (
    Beat,
    BeatState,
    Envelope,
    Path,
    Reason,
    Word,
)
from lvs_engine.heartbeat.replay import ReplayGuard
from lvs_engine.values import Role

PUBLIC, PRIVATE = Path.PUBLIC, Path.PRIVATE


def admit(
    guard: ReplayGuard,
    sequence: int,
    path: Path = PUBLIC,
    *,
    boot: str = "a",
    started: int = 10,
    term: int = 1,
    fresh: bool = False,
) -> Reason | None:
    envelope = Envelope(Role.PRIMARY, path, boot.encode(), started, sequence, 0)
    beat = Beat(Word(BeatState.RUNNING, term), envelope)
    rejected = guard.admit(beat, envelope, fresh=fresh)
    return rejected.reason if rejected else None


def test_a_growing_sequence_is_believed_with_holes_too() -> None:
    guard = ReplayGuard()
    assert [admit(guard, n) for n in (1, 2, 5, 9)] == [None] * 4


def test_a_heartbeat_is_believed_once() -> None:
    guard = ReplayGuard()
    admit(guard, 5)
    assert admit(guard, 5) is Reason.REPLAYED
    assert admit(guard, 4) is Reason.REPLAYED
    assert admit(guard, 4, fresh=True) is Reason.REPLAYED
    assert admit(guard, 6) is None


def test_the_copy_on_the_other_path_is_believed() -> None:
    guard = ReplayGuard()
    assert admit(guard, 5, PUBLIC) is None
    assert admit(guard, 5, PRIVATE) is None
    assert admit(guard, 5, PRIVATE) is Reason.REPLAYED


def test_an_older_one_on_a_slower_path_says_nothing_new() -> None:
    guard = ReplayGuard()
    admit(guard, 5, PUBLIC)
    assert admit(guard, 4, PRIVATE) is Reason.OVERTAKEN
    assert admit(guard, 4, PRIVATE) is Reason.REPLAYED


def test_a_later_start_of_the_partner_is_believed_from_its_first_number() -> None:
    guard = ReplayGuard()
    admit(guard, 500)
    assert admit(guard, 0, boot="b", started=11) is None
    assert admit(guard, 0, boot="b", started=11) is Reason.REPLAYED


def test_an_earlier_start_is_not_believed_again() -> None:
    guard = ReplayGuard()
    admit(guard, 500)
    admit(guard, 0, boot="b", started=11)
    assert admit(guard, 501, boot="a", started=10) is Reason.OLD_BOOT
    assert admit(guard, 1, boot="b", started=11) is None


def test_a_partner_whose_clock_was_set_back_is_believed_in_a_higher_term() -> None:
    guard = ReplayGuard()
    admit(guard, 500, term=3)
    assert admit(guard, 0, boot="b", started=9, term=3) is Reason.OLD_BOOT
    assert admit(guard, 1, boot="b", started=9, term=4) is None


def test_or_when_it_answers_to_what_we_just_sent() -> None:
    guard = ReplayGuard()
    admit(guard, 500, term=3)
    assert admit(guard, 0, boot="b", started=9, term=3, fresh=True) is None
    assert admit(guard, 501, boot="a", started=9, term=3) is Reason.OLD_BOOT
