"""Run every test tier, one after the other, and say plainly what was not run.

`python -m tests.tiers [TIER ...]` with the tiers pure, netns, kernel, browser. The exit
status is 0 when no test failed; a tier that this machine cannot run is named with the
reason and does not fail the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WAITING = (
    ("tests/engine/adapters",),
    ("tests/engine/daemons", "tests/engine/cli"),
    ("tests/web",),
)
RETRIED = 3
# Where tests for the kernel are: a guest is slow, so nothing else is even collected.
KERNEL = ("tests/kernel", "tests/engine/adapters/test_data_planes.py")


@dataclass(frozen=True)
class Outcome:
    """How a tier ended; `reason` says why it was not run."""

    tier: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reason: str = ""


def pytest_command(marks: str, report: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "pytest", "-q", "-m", marks, f"--junit-xml={report}", *more,
    ]  # fmt: skip


def run_pytest(
    tier: str, command: list[str], report: Path, *, quiet: bool = False
) -> Outcome:
    """Run `command`, which writes `report`, and count what it says.

    Args:
        quiet: show what it says when it has ended, so that runs do not mix their lines.
    """
    began = time.monotonic()
    ran = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=quiet, text=True
    )
    if quiet:
        print(ran.stdout + ran.stderr, end="", flush=True)
    status = ran.returncode
    first = count(report)
    if 0 < first.failed <= RETRIED and any("cache_dir" in word for word in command):
        # Tests that wait for real time may fail on a machine that is busy with others.
        print(f"\n{tier}: {first.failed} failed; run once more alone:", flush=True)
        status = subprocess.run(
            [*command, "--last-failed"], cwd=ROOT, check=False
        ).returncode
        second = count(report)
        saved = first.failed - second.failed
        print(f"{tier}: {saved} of {first.failed} passed when run again", flush=True)
        return Outcome(
            tier,
            first.passed + saved,
            second.failed,
            first.skipped,
            time.monotonic() - began,
        )
    counted = count(report)
    if status not in (0, 5) and not counted.failed:
        # The run broke before or after its tests: that is a failure too.
        counted = replace(counted, failed=1)
    return replace(counted, tier=tier, seconds=time.monotonic() - began)


def remembering(report: Path) -> list[str]:
    """Options that let a run name its failures to the next one."""
    return ["-o", f"cache_dir={report.with_suffix('')}"]


def count(report: Path) -> Outcome:
    if not report.exists() or not report.stat().st_size:
        return Outcome("", failed=1)
    suites = ET.parse(report).getroot().iter("testsuite")
    tests = failed = skipped = 0
    for suite in suites:
        tests += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return Outcome("", tests - failed - skipped, failed, skipped)


def pure(report: Path) -> Outcome:
    """The tests without privileges: many of them only wait, so groups run side by side."""
    marks = "not netns and not ipvs and not browser"
    elsewhere = [f"--ignore={path}" for group in WAITING for path in group]
    reports = [report.with_name(f"pure{n}.xml") for n in range(len(WAITING) + 1)]
    groups = [*WAITING, ("tests", *elsewhere)]
    with ThreadPoolExecutor(len(groups)) as side_by_side:
        outcomes = list(
            side_by_side.map(
                lambda group, its: run_pytest(
                    "pure and web",
                    pytest_command(marks, its, *remembering(its), *group),
                    its,
                    quiet=True,
                ),
                groups,
                reports,
            )
        )
    return Outcome(
        "pure and web",
        sum(o.passed for o in outcomes),
        sum(o.failed for o in outcomes),
        sum(o.skipped for o in outcomes),
        max(o.seconds for o in outcomes),
    )


def netns(report: Path) -> Outcome:
    if reason := no_namespaces():
        return Outcome("namespaces", reason=reason)
    return run_pytest(
        "namespaces", pytest_command("netns", report, *remembering(report)), report
    )


def kernel(report: Path) -> Outcome:
    from tests import guest

    if reason := no_namespaces():
        return Outcome("kernel", reason=reason)
    command = pytest_command("ipvs", report, "-p", "no:cacheprovider", *KERNEL)
    if not guest.host_has_ipvs():
        if reason := guest.missing():
            return Outcome("kernel", reason=reason)
        command = [sys.executable, "-m", "tests.guest", "run", "--", *command]
    return run_pytest("kernel", command, report)


def browser(report: Path) -> Outcome:
    if not shutil.which("chromium"):
        return Outcome("browser", reason="chromium is not installed")
    return run_pytest(
        "browser", pytest_command("browser", report, *remembering(report)), report
    )


def no_namespaces() -> str:
    """Why network namespaces cannot be made here; empty when they can."""
    if os.geteuid() != 0:
        return "not root, so no network namespaces can be made"
    if not shutil.which("ip"):
        return "the command `ip` is missing (apt-get install iproute2)"
    name = f"piranha-t{os.getpid()}"
    made = subprocess.run(
        ["ip", "netns", "add", name], capture_output=True, text=True, check=False
    )
    if made.returncode:
        return f"no network namespaces here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return ""


TIERS: dict[str, Callable[[Path], Outcome]] = {
    "pure": pure,
    "netns": netns,
    "browser": browser,
    "kernel": kernel,
}


def main(arguments: list[str]) -> int:
    chosen = arguments or list(TIERS)
    if unknown := [name for name in chosen if name not in TIERS]:
        print(f"no such tier: {unknown[0]}; there are {', '.join(TIERS)}")
        return 2
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="piranha-tests-") as folder:
        for name in chosen:
            print(f"\n=== {name} ===", flush=True)
            outcomes.append(TIERS[name](Path(folder, f"{name}.xml")))
    return summary(outcomes)


def summary(outcomes: list[Outcome]) -> int:
    print()
    for o in outcomes:
        what = f"skipped: {o.reason}" if o.reason else (
            f"{o.passed} passed, {o.failed} failed, {o.skipped} skipped in {o.seconds:.0f} s"
        )  # fmt: skip
        print(f"{o.tier:<14}{what}")
    passed = sum(o.passed for o in outcomes)
    failed = sum(o.failed for o in outcomes)
    skipped = sum(o.skipped for o in outcomes)
    print(f"\nTotal: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
