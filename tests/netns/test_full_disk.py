"""A runtime directory without room: what runs goes on, and says what it cannot write."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from lvs_engine.adapters.control_socket import ask
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import Status
from lvs_engine.errors import NotRunningError

pytestmark = pytest.mark.netns

FILE = """primary = 192.0.2.1
virtual web {
 active = 1
 address = 192.0.2.10 eth0:1
 port = 80
 send = ""
 timeout = 1
 server one {
  address = 127.0.0.1
  port = 9
  active = 1
 }
}
"""
OTHER = FILE.replace("virtual web", "virtual shop").replace("192.0.2.10", "192.0.2.11")
# The file system is seen by this process and its children only, and ends with them.
MOUNT = 'mount -t tmpfs -o size=64k full "$1" && {fill} && shift && exec "$@"'
FILL = '{ cat /dev/zero > "$1/filler" 2>/dev/null || true; }'


class Node:
    """lvsd on a directory of 64 KiB; `run` is that directory as it sees it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "lvs.cf"
        self.file.write_text(FILE)
        self.log = folder / "log"
        self._mount_point = folder / "run"
        self._mount_point.mkdir()
        self.run = self._mount_point

    @contextlib.contextmanager
    def lvsd(self, *, filled: bool) -> Iterator[subprocess.Popen[bytes]]:
        script = MOUNT.format(fill=FILL if filled else ":")
        lvsd = [sys.executable, "-m", "lvs_engine.cli.lvsd", "-n", "--plane", "memory"]
        enter = ["unshare", "--mount", "sh", "-c", script, "sh"]
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                [*enter, str(self._mount_point), *lvsd, "-c", str(self.file)],
                env={"PIRANHA_RUNTIME_DIR": str(self._mount_point)},
                stderr=log,
            ) as process,
        ):
            self.run = Path(f"/proc/{process.pid}/root{self._mount_point}")
            try:
                wait_for(lambda: self.answers() or process.poll() is not None)
                yield process
            finally:
                process.kill()

    def fill(self) -> None:
        with contextlib.suppress(OSError), (self.run / "filler").open("ab") as file:
            while True:
                file.write(bytes(4096))
                file.flush()

    def answers(self) -> bool:
        try:
            return bool(self.status().last_pass.outcome)
        except NotRunningError:
            return False

    def status(self) -> Status:
        return from_dict(ask(self.run / "lvsd.sock", "status", 5.0))

    def reload(self, text: str) -> None:
        self.file.write_text(text)
        ask(self.run / "lvsd.sock", "reload", 5.0)

    def says(self, text: str) -> bool:
        return text in self.log.read_text()


def wait_for(true: Callable[[], bool], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("filled", [False, True], ids=["later", "from the start"])
def test_lvsd_goes_on_when_its_directory_is_full(tmp_path: Path, filled: bool) -> None:
    node = Node(tmp_path)
    with node.lvsd(filled=filled) as lvsd:
        node.fill()
        wait_for(lambda: node.status().services[0].servers[0].code == "L4CON")
        node.reload(OTHER)
        assert [s.name for s in node.status().services] == ["shop"]
        lvsd.send_signal(signal.SIGUSR1)
        for name in ("lvsd.last-good.cf", "owned.json", "lvsd.state.json"):
            wait_for(partial(node.says, f"{name} cannot be written: "))
        assert not list(node.run.glob("*.new"))
        lvsd.terminate()
        assert lvsd.wait(10) == 0
    assert not node.says("Traceback")


def test_a_text_that_cannot_be_kept_leaves_the_older_one(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with node.lvsd(filled=False):
        kept = node.run / "lvsd.last-good.cf"
        before = kept.read_text()
        assert before.endswith(FILE)
        node.fill()
        node.reload(OTHER)
        assert kept.read_text() == before
