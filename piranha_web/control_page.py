"""How the router as a whole is: banner, daemon, configuration, update frequency.

Pure: the view asks the daemon and reads the file, then calls these. The tables of the
same page are in `live_tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lvs_engine.control.status import ConfigurationStatus, Status
from piranha_web.presentation import Mark

START_COMMAND = "pulse"
SHORTEST_RATE_S = 10
LONGEST_RATE_S = 3600
MOST_ERRORS = 100


@dataclass(frozen=True, slots=True)
class Banner:
    """The one most urgent thing, on every page.

    Attributes:
        kind: bad, warn or info.
        command: what to type in a shell, or empty.
        apply: whether the button that makes the daemons read the file helps.
        details: lines to be unfolded, such as all errors where `text` has the first.
    """

    kind: str
    word: str
    text: str
    command: str = ""
    apply: bool = False
    details: tuple[str, ...] = ()


FIRST_STEPS = Banner(
    "info",
    "First steps",
    "lvs.cf is empty. Give this router its addresses in GLOBAL SETTINGS, then ADD a"
    " service in VIRTUAL SERVERS. When it is complete, start the daemons as root:",
    START_COMMAND,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the daemon said when it was asked.

    Attributes:
        status: the snapshot; None when there is none.
        why_not: a sentence when there is none.
        stopped: nobody listens, as opposed to somebody who refuses or is late.
    """

    status: Status | None
    why_not: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """Update frequency in whole seconds, and what to say when another was asked for."""

    seconds: int
    message: str = ""


def daemon_mark(answer: Answer) -> Mark:
    """The old line `Daemon: running` or `Daemon: stopped`."""
    if answer.status is not None:
        return Mark("ok", "running")
    return Mark("bad", "stopped") if answer.stopped else Mark("bad", "no answer")


def update_rate(text: str | None) -> Rate:
    """The update frequency that a person typed; less than 10 s is raised to 10 s."""
    if text is None:
        return Rate(SHORTEST_RATE_S)
    typed = text.strip()
    if not (typed.isascii() and typed.isdigit()):
        said = f"{typed[:20]!r} is not" if typed else "Blank is not"
        return Rate(
            SHORTEST_RATE_S,
            f"{said} a number of seconds; the page updates every {SHORTEST_RATE_S} s.",
        )
    # Only the first digits count: int() refuses to read thousands of them.
    seconds = int(typed[:9])
    if seconds < SHORTEST_RATE_S:
        return Rate(
            SHORTEST_RATE_S,
            f"{seconds} s is too often; the page updates every {SHORTEST_RATE_S} s.",
        )
    if seconds > LONGEST_RATE_S:
        return Rate(
            LONGEST_RATE_S,
            f"{typed[:20]} s is more than an hour; the page updates every hour.",
        )
    return Rate(seconds)


def banner(
    answer: Answer, saved_revision: str, *, empty: bool = False
) -> Banner | None:
    """The most urgent of: daemon not running, file refused, kernel refused, not applied.

    Args:
        answer: of the daemon.
        saved_revision: of the file as it is now; empty when it cannot be read.
        empty: nothing is in the file yet, which is no fault while nothing runs.
    """
    status = answer.status
    if empty and (answer.stopped or (status and not status.configuration.revision)):
        return FIRST_STEPS
    if status is None and answer.stopped:
        return Banner(
            "bad",
            "Not running",
            "No daemon runs on this router, so nothing is balanced from here. As root:",
            START_COMMAND,
        )
    if status is None:
        return Banner("bad", "No answer", answer.why_not)
    running = status.configuration
    if rejected_now(running, saved_revision):
        return Banner(
            "bad",
            "Refused",
            f"The saved lvs.cf has {_errors(len(running.rejected))}, so serial "
            f"{running.serial_no} runs on. First: {running.rejected[0]}",
            details=unfolded(running.rejected),
        )
    if status.last_pass.refusals:
        return Banner(
            "bad", "Kernel refused", "; ".join(status.last_pass.refusals[-2:])
        )
    if not_applied(running, saved_revision):
        return Banner(
            "warn",
            "Not applied",
            f"The saved lvs.cf is not the one that runs (serial {running.serial_no}).",
            apply=True,
        )
    return None


def unfolded(errors: Sequence[str]) -> tuple[str, ...]:
    """All errors beside the first, as long as a person would read them."""
    if len(errors) < 2:
        return ()
    left = len(errors) - MOST_ERRORS
    return (*errors[:MOST_ERRORS], *([f"and {left} more"] if left > 0 else []))


def rejected_now(running: ConfigurationStatus, saved_revision: str) -> bool:
    """Whether the daemons refused the very file that is saved now."""
    return bool(running.rejected) and running.rejected_revision == saved_revision


def not_applied(running: ConfigurationStatus, saved_revision: str) -> bool:
    return bool(
        saved_revision and running.revision and running.revision != saved_revision
    )


def configuration_mark(running: ConfigurationStatus, saved_revision: str) -> Mark:
    if rejected_now(running, saved_revision):
        return Mark("bad", "saved file refused")
    if not_applied(running, saved_revision):
        return Mark("warn", "saved, not applied")
    if not running.revision:
        return Mark("warn", "none loaded")
    return Mark("ok", "saved = running")


def _errors(count: int) -> str:
    return "an error" if count == 1 else f"{count} errors"
