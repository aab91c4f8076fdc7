"""How fast a large lvs.cf is read and checked, against `keepalived -t` on the like.

`python -m bench.check`. The file is the same at each run: 2,277 virtual servers and
37,205 real servers, every real server with an address of its own. Printed is the best
and the median of several runs.
"""

from __future__ import annotations

import gc
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lvs_engine.config import reader, validation
from lvs_engine.config.loading import load
from lvs_engine.config.parser import parse

VIRTUALS, SERVERS = 2277, 37205
RUNS = 7
PORTS: dict[str, int] = {}


def spread(virtual: int) -> int:
    """How many real servers a virtual server has: together SERVERS."""
    return SERVERS * (virtual + 1) // VIRTUALS - SERVERS * virtual // VIRTUALS


def lvs_cf() -> str:
    """The file, as the original's web tool would have written it."""
    lines = [
        "serial_no = 1",
        "primary = 192.0.2.11",
        "primary_private = 10.0.0.11",
        "service = lvs",
        "backup_active = 1",
        "backup = 192.0.2.12",
        "backup_private = 10.0.0.12",
        "heartbeat = 1",
        "heartbeat_port = 539",
        "keepalive = 6",
        "deadtime = 18",
        "network = direct",
        "debug_level = NONE",
        "monitor_links = 0",
    ]
    real = 0
    for number in range(VIRTUALS):
        vip = f"172.{16 + number // 65536}.{number // 256 % 256}.{number % 256}"
        lines += [
            f"virtual service-{number} {{",
            "     active = 1",
            f"     address = {vip} eth0:{number + 1}",
            "     vip_nmask = 255.255.255.0",
            "     port = 80",
            r'     send = "GET / HTTP/1.0\r\n\r\n"',
            '     expect = "HTTP"',
            "     use_regex = 0",
            "     load_monitor = none",
            "     scheduler = wlc",
            "     protocol = tcp",
            "     timeout = 6",
            "     reentry = 15",
            "     quiesce_server = 0",
        ]
        for place in range(spread(number)):
            real += 1
            address = f"10.{real // 65536 + 1}.{real // 256 % 256}.{real % 256}"
            lines += [
                f"     server real-{place} {{",
                f"         address = {address}",
                "         active = 1",
                "         port = 80",
                f"         weight = {place % 5 + 1}",
                "     }",
            ]
        lines.append("}")
    return "\n".join(lines) + "\n"


def keepalived_conf() -> str:
    """The same services for keepalived, each real server with a TCP check."""
    lines = ["global_defs {", "    router_id bench", "}"]
    real = 0
    for number in range(VIRTUALS):
        vip = f"172.{16 + number // 65536}.{number // 256 % 256}.{number % 256}"
        lines += [
            f"virtual_server {vip} 80 {{",
            "    delay_loop 6",
            "    lb_algo wlc",
            "    lb_kind DR",
            "    protocol TCP",
        ]
        for place in range(spread(number)):
            real += 1
            address = f"10.{real // 65536 + 1}.{real // 256 % 256}.{real % 256}"
            lines += [
                f"    real_server {address} 80 {{",
                f"        weight {place % 5 + 1}",
                "        TCP_CHECK {",
                "            connect_timeout 6",
                "        }",
                "    }",
            ]
        lines.append("}")
    return "\n".join(lines) + "\n"


def timed(work: Callable[[], object]) -> list[float]:
    """Seconds of several runs, without the garbage collector as in `piranha check`."""
    times = []
    for _ in range(RUNS):
        gc.collect()
        gc.disable()
        begun = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begun)
        gc.enable()
        del result
    return times


def row(name: str, times: list[float]) -> None:
    best, median = min(times) * 1000, statistics.median(times) * 1000
    print(f"{name:<44} {best:8.0f} ms {median:8.0f} ms")


def command(*argv: str) -> Callable[[], subprocess.CompletedProcess[str]]:
    return lambda: subprocess.run(argv, capture_output=True, text=True, check=False)


def compare_with_keepalived(folder: Path) -> None:
    keepalived = shutil.which("keepalived")
    if keepalived is None:
        print("keepalived is not installed: nothing to compare with")
        return
    path = folder / "keepalived.conf"
    path.write_text(keepalived_conf())
    run = command(keepalived, "-t", "-f", str(path))
    answer = run()
    version = subprocess.run(
        [keepalived, "--version"], capture_output=True, text=True, check=False
    ).stderr.splitlines()
    row("keepalived -t", timed(run))
    print(f"  {version[0] if version else 'version unknown'}; exit {answer.returncode}")
    for line in (answer.stdout + answer.stderr).splitlines()[:3]:
        print(f"  it says: {line}")


def main() -> int:
    text = lvs_cf()
    lines = text.count("\n")
    print(
        f"{VIRTUALS} virtual and {SERVERS} real servers, {lines} lines, {len(text)} bytes"
    )
    print(f"{'':<44} {'best':>11} {'median':>11}")
    document = parse(text)
    cluster = reader.read(document, PORTS).cluster
    row("parse, without loss", timed(lambda: parse(text)))
    row("read the model from that", timed(lambda: reader.read(document, PORTS)))
    row("check the rules", timed(lambda: validation.check(cluster)))
    row("load: all that check needs", timed(lambda: load(text, PORTS)))
    with tempfile.TemporaryDirectory(prefix="piranha-bench-") as name:
        folder = Path(name)
        path = folder / "lvs.cf"
        path.write_text(text)
        run = command(sys.executable, "-m", "lvs_engine.cli.main", "check", str(path))
        answer = run()
        if answer.returncode:
            print(answer.stdout[-500:] + answer.stderr[-500:])
            return 1
        row("piranha check, the whole command", timed(run))
        print(f"  {answer.stdout.strip()}")
        compare_with_keepalived(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
