"""Which data plane the kernel has here: its name, or one sentence and status 1.

Run inside the router: `python -m lvs_engine.daemons.lab.plane_probe`.
"""

from __future__ import annotations

import sys

from lvs_engine.daemons.planes import choose
from lvs_engine.errors import PiranhaError


def main() -> int:
    try:
        plane = choose("auto")
    except PiranhaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{plane.name}\n")
    plane.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
