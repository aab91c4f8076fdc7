"""lvsd on a real kernel: killed, started again, and put right after others' hands."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lvs_engine.adapters.control_socket import ask
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import ServerState, Status
from lvs_engine.errors import NotRunningError

pytestmark = pytest.mark.netns

FILE = """primary = 192.0.2.1
network = {network}
virtual web {{
 active = 1
 address = 192.0.2.10 eth0:1
 vip_nmask = 255.255.255.255
 port = 80
 send = ""
 timeout = 1
 server one {{
  address = 127.0.0.1
  port = 8080
  active = 1
 }}
}}
"""


class Router:
    """A namespace with one server on its loopback, and lvsd when it is started."""

    def __init__(self, namespace: str, folder: Path) -> None:
        self.folder = folder
        self._enter = ["ip", "netns", "exec", namespace]
        self._file = folder / "lvs.cf"
        self._file.write_text(FILE.format(network="nat"))

    def command(self, module: str, *arguments: str) -> list[str]:
        return [*self._enter, sys.executable, "-m", module, *arguments]

    def nft(self, *words: str) -> str:
        done = subprocess.run(
            [*self._enter, "nft", *words], capture_output=True, check=True, text=True
        )
        return done.stdout

    def piranha(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command("lvs_engine.cli.main", *words),
            capture_output=True,
            check=False,
            text=True,
        )

    def plan(self, network: str = "nat") -> tuple[str, str]:
        """What `piranha plan` prints, on standard output and on standard error."""
        path = self.folder / "planned.cf"
        path.write_text(FILE.format(network=network))
        done = self.piranha("plan", str(path), "--plane", "nftables")
        assert done.returncode == 0
        return done.stdout, done.stderr

    def status(self) -> Status:
        return from_dict(ask(self.folder / "lvsd.sock", "status", 5.0))

    def serving(self) -> bool:
        try:
            services = self.status().services
        except NotRunningError:
            return False
        return services[0].servers[0].effective_weight == 1

    @contextlib.contextmanager
    def lvsd(self) -> Iterator[subprocess.Popen[bytes]]:
        options = [
            "-n",
            "-c",
            str(self._file),
            "--plane",
            "nftables",
            "--period",
            "0.3",
        ]
        with subprocess.Popen(
            self.command("lvs_engine.cli.lvsd", *options), stderr=subprocess.DEVNULL
        ) as process:
            try:
                wait_for(self.serving)
                yield process
            finally:
                process.kill()


@pytest.fixture
def router(
    namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Router]:
    monkeypatch.setenv("PIRANHA_RUNTIME_DIR", str(tmp_path))
    router = Router(namespace, tmp_path)
    with subprocess.Popen(
        router.command("http.server", "8080", "--bind", "127.0.0.1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            yield router
        finally:
            server.kill()


def wait_for(true: Callable[[], bool], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_lvsd_leaves_the_kernel_as_it_was_and_its_successor_too(
    router: Router,
) -> None:
    with router.lvsd() as first:
        before = router.nft("-a", "list", "ruleset")  # with handles: new rules differ
        assert "192.0.2.10 . " in before
        first.kill()
        first.wait(5)
        assert router.nft("-a", "list", "ruleset") == before
    with router.lvsd():
        wait_for(lambda: router.status().services[0].servers[0].code == "L4OK")
        assert router.nft("-a", "list", "ruleset") == before
        assert router.plan() == ("", "# nothing would change\n")


def test_what_somebody_deleted_is_back_within_the_period(router: Router) -> None:
    with router.lvsd():
        router.nft("delete", "table", "inet", "piranha")
        wait_for(lambda: bool(router.status().last_pass.drift), 2.0)
        assert "192.0.2.10 . " in router.nft("list", "ruleset")
        assert router.status().last_pass.drift == ("192.0.2.10:80 tcp was removed",)
        assert router.status().services[0].servers[0].state is ServerState.UP


def test_an_orderly_stop_withdraws_the_table(router: Router) -> None:
    with router.lvsd() as lvsd:
        lvsd.terminate()
        assert lvsd.wait(10) == 0
    assert "192.0.2.10" not in router.nft("list", "ruleset")


def test_tables_of_others_are_left_alone(router: Router) -> None:
    router.nft("add", "table", "inet", "theirs")
    with router.lvsd() as lvsd:
        lvsd.terminate()
        lvsd.wait(10)
    assert "table inet theirs" in router.nft("list", "tables")


def test_plan_names_what_the_plane_cannot_do(router: Router) -> None:
    lines, remarks = router.plan(network="direct")
    assert "-a -t 192.0.2.10:80" not in lines
    assert "# nftables cannot: " in remarks
