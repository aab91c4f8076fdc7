"""CPU time of a TCP check: nanny natively, and beside keepalived in one guest.

`python -m bench.checks` runs both parts; `--native` and `--guest` run one. A part runs
in a network namespace of its own with nothing but loopback, and lets nanny (the daemon
as lvsd starts it) connect to 1,000 servers once a second. CPU time is what the kernel
accounts to the process (user and system), divided by the connections that the servers
accepted in that time; the servers are another process and not counted. The guest's
processors share the host's with everything else, and what is taken from them counts as
CPU time. So both programs take turns, the time is cut into windows, and of each program
the least disturbed window counts.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.targets import accepted, addresses
from lvs_engine.control.nanny_protocol import encode_checks
from lvs_engine.health.checks import CONNECT, Check, Watch
from lvs_engine.values import ServerKey

SERVERS = 1000
PORT = 8000
RESULTS = Path(__file__).parent / "results" / "checks.txt"
ROOT = Path(__file__).parent.parent
AIM = 1.0
ROUNDS = 3
WINDOW_S = 2.0


@dataclass(frozen=True)
class Figure:
    """What one program needed: checks each second, microseconds of CPU for each."""

    name: str
    rate: float
    mean: float
    best: float

    def line(self) -> str:
        return (
            f"{self.name:<20} {self.rate:6.0f} checks/s, CPU per check:"
            f" {self.mean:7.1f} us on average, {self.best:7.1f} us undisturbed"
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.checks", description=__doc__)
    parser.add_argument("--native", action="store_true", help="only nanny, here")
    parser.add_argument("--guest", action="store_true", help="only beside keepalived")
    parser.add_argument("--inside", choices=["native", "guest"], help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args(arguments)
    if chosen.inside:
        return inside(chosen.inside, chosen.seconds)
    parts = [p for p in ("native", "guest") if getattr(chosen, p)] or [
        "native",
        "guest",
    ]
    text = [machine()]
    status = 0
    for part in parts:
        found = (run_native if part == "native" else run_guest)(chosen.seconds)
        print(found.stdout, end="", flush=True)
        text.append(f"[{part}]\n{found.stdout}")
        status = max(status, found.returncode)
    if status == 0 and len(parts) == 2:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(text), encoding="utf-8")
    return status


def machine() -> str:
    """What the figures were measured on."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"CPU per TCP check, {SERVERS} servers once a second\n"
        f"measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} x {model},"
        f" Linux {platform.release()}, CPython {platform.python_version()}\n"
    )


def run_native(seconds: float) -> subprocess.CompletedProcess[str]:
    """In an unnamed network namespace, which ends with its processes."""
    command = [sys.executable, "-m", "bench.checks", "--inside", "native"]
    command += ["--seconds", str(seconds)]
    if os.geteuid() == 0:
        command = ["unshare", "--net", *command]
    return _captured(command)


def run_guest(seconds: float) -> subprocess.CompletedProcess[str]:
    # The guest is emulated, and slower by far: more seconds for the same precision.
    inside = ["bench.checks", "--inside", "guest", "--seconds", str(seconds * 1.5)]
    python = [sys.executable, "-m"]
    return _captured([*python, "tests.guest", "run", "--", *python, *inside])


def _captured(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )


def inside(part: str, seconds: float) -> int:
    if os.geteuid() == 0:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with served() as count:
        if part == "native":
            print(measure_nanny(count, seconds).line())
            return 0
        if shutil.which("keepalived") is None:
            print("keepalived is not installed: nothing to compare with")
            return 1
        compare(count, seconds)
    return 0


def compare(count: Path, seconds: float) -> None:
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for place, measure in enumerate((measure_nanny, measure_keepalived)):
            figure = measure(count, seconds)
            print(figure.line(), flush=True)
            best[place] = min(best[place], figure.best)
    ours, theirs = best
    print(
        f"nanny / keepalived, undisturbed: {ours:.1f} / {theirs:.1f} us"
        f" = {ours / theirs:.2f} (aim: {AIM:.1f} or less)"
    )


@contextlib.contextmanager
def served() -> Iterator[Path]:
    """The servers; yields the file with the number of accepted connections."""
    with tempfile.TemporaryDirectory(prefix="piranha-bench-") as folder:
        path = Path(folder) / "count"
        path.write_bytes(bytes(8))
        with _process([sys.executable, "-m", "bench.targets", str(PORT), str(path)]):
            _until(_answering, 60, "the servers did not start")
            yield path


def _answering() -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT)):
        return True
    return False


def measure_nanny(count: Path, seconds: float) -> Figure:
    watches = [
        Watch(
            ServerKey("bench", address),
            Check(CONNECT, address, PORT, interval_s=1.0, timeout_s=1.0),
        )
        for address in addresses(SERVERS)
    ]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-m", "lvs_engine.cli.nanny", "--foreground"]
        command += ["--fd", str(theirs.fileno())]
        with _process(command, pass_fds=[theirs.fileno()]) as nanny:
            theirs.close()
            ours.sendall(encode_checks(watches))
            warm = accepted(count) + SERVERS * 3
            _until(lambda: accepted(count) > warm, 120, "nanny does not check")
            figure = _measured("nanny", nanny.pid, count, seconds)
            ours.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while ours.recv(1 << 20):
                    pass
            return figure


def measure_keepalived(count: Path, seconds: float) -> Figure:
    with tempfile.TemporaryDirectory(prefix="piranha-bench-") as folder:
        path = Path(folder) / "keepalived.conf"
        path.write_text(_keepalived_configuration(), encoding="ascii")
        version = subprocess.run(
            ["keepalived", "--version"], capture_output=True, text=True, check=False
        ).stderr.split()[1]
        # -n: in the foreground; -C: only its checker process
        command = ["keepalived", "-n", "-C", "-f", str(path)]
        for word in ("-p", "-c"):
            command += [word, str(Path(folder) / f"pid{word}")]
        warm = accepted(count) + SERVERS * 3
        with _process(command) as parent:
            _until(lambda: accepted(count) > warm, 240, "keepalived does not check")
            children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
            (checker,) = children.read_text(encoding="ascii").split()
            return _measured(f"keepalived {version}", int(checker), count, seconds)


def _keepalived_configuration() -> str:
    servers = "\n".join(
        f"    real_server {address} {PORT} {{ TCP_CHECK {{ connect_timeout 1 }} }}"
        for address in addresses(SERVERS)
    )
    return (
        "global_defs {\n    checker_log_all_failures false\n}\n"
        f"virtual_server 192.0.2.1 80 {{\n    delay_loop 1\n    lb_algo rr\n"
        f"    lb_kind DR\n    protocol TCP\n{servers}\n}}\n"
    )


def _measured(name: str, pid: int, count: Path, seconds: float) -> Figure:
    start = time.monotonic()
    marks = [(accepted(count), _cpu_s(pid))]
    while time.monotonic() < start + seconds:
        time.sleep(WINDOW_S)
        marks.append((accepted(count), _cpu_s(pid)))
    elapsed = time.monotonic() - start
    windows = [_micros(a, b) for a, b in itertools.pairwise(marks)]
    checks = marks[-1][0] - marks[0][0]
    return Figure(name, checks / elapsed, _micros(marks[0], marks[-1]), min(windows))


def _micros(before: tuple[int, float], after: tuple[int, float]) -> float:
    checks = after[0] - before[0]
    return (after[1] - before[1]) / checks * 1e6 if checks else float("inf")


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process: exact where the kernel says, else by its clock ticks."""
    try:
        exact = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii")
        return int(exact.split()[0]) / 1e9
    except FileNotFoundError:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _process(
    command: list[str], pass_fds: list[int] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=ROOT, pass_fds=pass_fds or [], stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(done: object, limit_s: float, complaint: str) -> None:
    assert callable(done)
    end = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > end:
            raise SystemExit(complaint)
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
