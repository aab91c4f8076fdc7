"""The command: `python -m tests.guest run [--limit S] -- COMMAND`, or `check`.

Exit status: the command's; 125 when the guest cannot be had, with a sentence.
"""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType

from tests.guest.boot import run
from tests.guest.kernel import GuestError, missing

NO_GUEST = 125
LIMIT_S = 1200.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.guest", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("check", help="say what is missing to boot the guest")
    runner = actions.add_parser("run", help="run a command in the guest")
    runner.add_argument("--limit", type=float, default=LIMIT_S, help="seconds")
    runner.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    if reason := missing():
        print(f"guest: {reason}", file=sys.stderr)
        return NO_GUEST
    if arguments.action == "check":
        return 0
    try:
        return run(arguments.command, arguments.limit)
    except GuestError as error:
        print(f"guest: {error}", file=sys.stderr)
        return NO_GUEST


def _leave(number: int, _frame: FrameType | None) -> None:
    """Let `finally` end the guest when we are told to stop."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    sys.exit(main())
