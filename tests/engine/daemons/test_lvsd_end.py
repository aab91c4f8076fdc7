"""How lvsd ends its nanny."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from lvs_engine.adapters.memory import MemoryPlane
from lvs_engine.daemons.lvsd import Lvsd
from lvs_engine.daemons.lvsd_options import Options
from tests.engine.daemons.lvsd_bed import PREAMBLE
from tests.engine.daemons.waiting import until

# Writes down why it ends.
NANNY = """
import signal, socket, sys
def tell(why):
    with open(sys.argv[2], "a") as file:
        print(why, file=file)
    sys.exit()
def term(*_):
    try:
        line.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) or tell("no line")
    except BlockingIOError:
        tell("TERM")
line = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGTERM, term)
with open(sys.argv[2], "a") as file:
    print("hears", line.recv(1) and "checks", file=file)
line.setblocking(False)
while True:
    try:
        line.recv(65536) or tell("hung up on")
    except BlockingIOError:
        signal.pause()
"""


def test_nanny_is_told_to_end_before_it_is_hung_up_on(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    (tmp_path / "lvs.cf").write_text(PREAMBLE)

    def nanny(fd: int) -> Sequence[str]:
        return (sys.executable, "-S", "-c", NANNY, str(fd), str(diary))

    async def run() -> None:
        options = Options(tmp_path / "lvs.cf", tmp_path, nanny=nanny)
        lvsd = Lvsd(options, MemoryPlane())
        task = asyncio.create_task(lvsd.run())
        await until(lambda: diary.exists() and "checks" in diary.read_text())
        lvsd.stop("the end of the test")
        assert await asyncio.wait_for(task, 5) == 0

    asyncio.run(run())
    assert diary.read_text() == "hears checks\nTERM\n"
