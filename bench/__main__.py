"""Run the benchmarks one after the other: `python -m bench [check] [table] [checks]`."""

from __future__ import annotations

import subprocess
import sys

BENCHES = {
    "check": "bench.check",
    "table": "bench.table",
    "checks": "bench.checks",
}


def main(arguments: list[str]) -> int:
    chosen = arguments or list(BENCHES)
    if unknown := [name for name in chosen if name not in BENCHES]:
        print(f"no such benchmark: {unknown[0]}; there are {', '.join(BENCHES)}")
        return 2
    statuses = []
    for name in chosen:
        print(f"\n=== {name} ===", flush=True)
        ran = subprocess.run([sys.executable, "-m", BENCHES[name]], check=False)
        statuses.append(ran.returncode)
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
