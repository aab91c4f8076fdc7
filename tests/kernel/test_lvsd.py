"""lvsd and nanny on the kernel's IPVS: a server killed and brought back, lvsd killed.

The daemons are real processes in the router; the servers are real sockets on a port
that belongs to this module, so that one can be taken away.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import RemoveDestination
from lvs_engine.values import Forwarding
from tests.kernel.network import VIP, Network, S
from tests.kernel.sockets import Servers

pytestmark = pytest.mark.ipvs

PORT = 8081
WAIT_S = 150.0  # the emulated guest takes 15 s to import the daemons
FILE = f"""primary = 192.168.26.9
service = lvs
network = nat
nat_router = 10.11.12.10 eth1:1
virtual web {{
 active = 1
 address = {VIP} eth0:1
 vip_nmask = 255.255.255.255
 port = 80
 scheduler = rr
 protocol = tcp
 send = ""
 timeout = 3
 reentry = 3
 server one {{
  address = {S[1]}
  port = {PORT}
  active = 1
 }}
 server two {{
  address = {S[2]}
  port = {PORT}
  active = 1
 }}
}}
"""
T = TypeVar("T")
WEB = ServiceKey(4, "tcp", VIP, 80)
ONE, TWO = DestinationKey(S[1], PORT), DestinationKey(S[2], PORT)
FOREIGN = ServiceKey(4, "tcp", VIP, 2049)


class Site:
    """The two servers, and lvsd when it is started."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self._folder = folder
        self._file = folder / "lvs.cf"
        self._file.write_text(FILE)
        self._servers: dict[int, Servers] = {}

    def up(self, number: int) -> None:
        name = f"s{number}"
        self._servers[number] = Servers()
        self._servers[number].listen(self.network.spaces.of(name), name, [PORT])

    def down(self, number: int) -> None:
        self._servers.pop(number).close()

    def close(self) -> None:
        for number in list(self._servers):
            self.down(number)

    def edit(self, old: str, new: str) -> None:
        text = self._file.read_text()
        assert old in text
        self._file.write_text(text.replace(old, new))

    @contextlib.contextmanager
    def lvsd(self) -> Iterator[subprocess.Popen[bytes]]:
        command = self.network.spaces.inside(
            "router", sys.executable, "-m", "lvs_engine.cli.lvsd", "--nodaemon"
        )
        command += ["-c", str(self._file), "--plane", "ipvs", "--period", "2"]
        environment = {**os.environ, "PIRANHA_RUNTIME_DIR": str(self._folder)}
        log = self._folder / "lvsd.log"
        with (
            log.open("ab") as stream,
            subprocess.Popen(command, stderr=stream, env=environment) as process,
        ):
            try:
                yield process
            except BaseException:
                print(log.read_text())
                raise
            finally:
                process.kill()

    def wait_for(self, *destinations: DestinationKey) -> Pool:
        """Until the kernel's service has just these servers."""
        return wait_for(lambda: self._pool(set(destinations)))

    def _pool(self, keys: set[DestinationKey]) -> Pool | None:
        pool = self.network.plane.dump().get(WEB)
        return pool if pool and set(pool.destinations) == keys else None


def wait_for(condition: Callable[[], T | None]) -> T:
    """What the condition gives, as soon as it is true."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.3)
    raise AssertionError("waited in vain")


@pytest.fixture
def site(network: Network, tmp_path: Path) -> Iterator[Site]:
    site = Site(network, tmp_path)
    with network.balancing({FOREIGN: Pool(Service("lblc"))}):
        try:
            site.up(1)
            site.up(2)
            yield site
        finally:
            site.close()


def test_a_killed_server_leaves_and_comes_back(site: Site) -> None:
    with site.lvsd() as process:
        site.wait_for(ONE, TWO)
        assert Counter(site.network.ask() for _ in range(4)) == {"s1": 2, "s2": 2}
        site.down(2)
        site.wait_for(ONE)
        assert Counter(site.network.ask() for _ in range(3)) == {"s1": 3}
        site.up(2)
        site.wait_for(ONE, TWO)
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
    left: Table = {FOREIGN: Pool(Service("lblc"))}
    assert site.network.plane.dump() == left


def test_a_killed_lvsd_leaves_a_table_that_the_next_one_adopts(site: Site) -> None:
    """KF-53, KF-54, KF-59; and what a hand changed is put right."""
    network = site.network
    with site.lvsd() as process:
        site.wait_for(ONE, TWO)
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_S)
    with network.hold() as held:
        entry = ONE if held.server == "s1" else TWO
        site.edit("scheduler = rr", "scheduler = wrr")
        with site.lvsd():
            wait_for(lambda: network.plane.dump()[WEB].service.scheduler == "wrr")
            statistics = network.plane.statistics()[WEB].destinations[entry]
            assert statistics.active_connections == 1  # its server was never removed
            assert network.plane.apply([RemoveDestination(WEB, TWO)]) == []
            pool = site.wait_for(ONE, TWO)
    nat = Destination(Forwarding.NAT, 1)
    assert pool == Pool(Service("wrr"), {ONE: nat, TWO: nat})
    assert FOREIGN in network.plane.dump()
