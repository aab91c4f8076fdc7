"""The one banner, the daemon's line and the update frequency, from values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_engine.control.status import ConfigurationStatus, PassStatus, Status
from piranha_web import control_page
from piranha_web.control_page import Answer, Rate
from piranha_web.presentation import Mark

RUNNING = Status(configuration=ConfigurationStatus(serial_no=15, revision="r15"))
REJECTED = replace(
    RUNNING,
    configuration=replace(
        RUNNING.configuration,
        rejected=("lvs.cf:3:1: error: x", "lvs.cf:9:1: error: y"),
        rejected_revision="r16",
    ),
)
NOTHING_LOADED = replace(
    RUNNING, configuration=replace(RUNNING.configuration, revision="")
)
REFUSED = replace(RUNNING, last_pass=PassStatus("refused", refusals=("a", "b", "c")))


def test_nothing_urgent_is_no_banner() -> None:
    assert control_page.banner(Answer(RUNNING), "r15") is None


def test_a_stopped_daemon_is_told_with_the_command_that_starts_it() -> None:
    banner = control_page.banner(Answer(None, "no one", stopped=True), "r15")
    assert banner is not None
    assert banner.command == "pulse"


@pytest.mark.parametrize(
    "answer", [Answer(None, "no one", stopped=True), Answer(NOTHING_LOADED)]
)
def test_an_empty_file_is_a_beginning_and_no_fault(answer: Answer) -> None:
    assert control_page.banner(answer, "r0", empty=True) == control_page.FIRST_STEPS


def test_a_running_router_whose_file_was_emptied_is_told_so() -> None:
    banner = control_page.banner(Answer(RUNNING), "r0", empty=True)
    assert banner is not None
    assert banner.word == "Not applied"


def test_a_daemon_that_is_silent_is_told_in_its_words() -> None:
    banner = control_page.banner(Answer(None, "no answer within 2 s"), "r15")
    assert banner is not None
    assert (banner.text, banner.command) == ("no answer within 2 s", "")


def test_a_saved_file_that_does_not_run_can_be_applied() -> None:
    banner = control_page.banner(Answer(RUNNING), "r16")
    assert banner is not None
    assert banner.apply


def test_a_refused_file_comes_before_not_applied_and_names_its_first_error() -> None:
    banner = control_page.banner(Answer(REJECTED), "r16")
    assert banner is not None
    assert banner.word == "Refused"
    assert "2 errors" in banner.text
    assert "lvs.cf:3:1: error: x" in banner.text
    assert banner.details == REJECTED.configuration.rejected
    assert not banner.apply


def test_errors_are_unfolded_as_far_as_a_person_would_read_them() -> None:
    assert control_page.unfolded(["a"]) == ()
    assert control_page.unfolded(["a", "b"]) == ("a", "b")
    many = control_page.unfolded([str(n) for n in range(103)])
    assert many[-2:] == ("99", "and 3 more")


def test_a_file_corrected_after_a_refusal_can_be_applied() -> None:
    banner = control_page.banner(Answer(REJECTED), "r17")
    assert banner is not None
    assert banner.apply


def test_what_the_kernel_refused_is_told_newest_last() -> None:
    banner = control_page.banner(Answer(REFUSED), "r15")
    assert banner is not None
    assert banner.text == "b; c"


def test_an_unreadable_file_is_no_reason_to_offer_applying_it() -> None:
    assert control_page.banner(Answer(RUNNING), "") is None


@pytest.mark.parametrize(
    ("status", "saved", "mark"),
    [
        (RUNNING, "r15", Mark("ok", "saved = running")),
        (RUNNING, "r16", Mark("warn", "saved, not applied")),
        (REJECTED, "r16", Mark("bad", "saved file refused")),
        (Status(), "r16", Mark("warn", "none loaded")),
    ],
)
def test_the_configuration_says_whether_what_is_saved_runs(
    status: Status, saved: str, mark: Mark
) -> None:
    assert control_page.configuration_mark(status.configuration, saved) == mark


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Answer(RUNNING), "running"),
        (Answer(None, stopped=True), "stopped"),
        (Answer(None, "late"), "no answer"),
    ],
)
def test_the_daemon_runs_is_stopped_or_does_not_answer(
    answer: Answer, word: str
) -> None:
    assert control_page.daemon_mark(answer).word == word


@pytest.mark.parametrize(("typed", "seconds"), [(None, 10), ("10", 10), (" 45 ", 45)])
def test_a_good_rate_is_taken_without_a_word(typed: str | None, seconds: int) -> None:
    assert control_page.update_rate(typed) == Rate(seconds)


@pytest.mark.parametrize("typed", ["", " ", "9", "0", "-3", "ten", "1.5", "٣٠"])
def test_a_bad_or_short_rate_becomes_ten_seconds(typed: str) -> None:
    rate = control_page.update_rate(typed)
    assert rate.seconds == 10
    assert rate.message


def test_a_rate_of_a_thousand_digits_becomes_an_hour() -> None:
    assert control_page.update_rate("9" * 10_000).seconds == 3600
