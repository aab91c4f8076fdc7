"""pulse's end of the pair: the heartbeat of this node, as lvs.cf wants it.

Holds the driver, makes a new one when addresses, port or key change, and says what this
node has to be. What being active means (table, addresses, announcements) is pulse's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import assert_never

from lvs_engine.adapters import state_file
from lvs_engine.adapters.heartbeat_udp import Heartbeat, Identity, Way
from lvs_engine.config.addresses import canonical, family
from lvs_engine.config.model import UNSET_ADDRESS, Cluster
from lvs_engine.control.status import NodeState
from lvs_engine.errors import ControlError
from lvs_engine.heartbeat.beat import Path
from lvs_engine.heartbeat.events import (
    Action,
    Activate,
    Announce,
    Changed,
    Deactivate,
    Event,
    Incident,
    Left,
    Probe,
    ProbeResult,
    Refused,
    SendBeat,
    Stop,
)
from lvs_engine.heartbeat.failover import Failover, State
from lvs_engine.heartbeat.settings import Rules, Timing
from lvs_engine.values import Role

UNSIGNED = (
    "heartbeats are not signed: whoever can send from the partner's address can move "
    "the service; put the same key file on both routers"
)

Tell = Callable[[str, str], None]
"""Severity and sentence, for log and timeline."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the configuration says of the pair.

    Attributes:
        key: None where there is no key file: the original format is spoken.
        configuration: sha256 of the lvs.cf that runs.
    """

    role: Role
    ways: tuple[Way, ...]
    port: int
    timing: Timing
    key: bytes | None
    configuration: bytes

    @property
    def rules(self) -> Rules:
        return Rules(self.role is Role.PRIMARY, signed=self.key is not None)

    @property
    def _place(self) -> object:
        return self.role, self.ways, self.port, self.key

    def same_place(self, other: Setting) -> bool:
        """Whether one driver serves both."""
        return self._place == other._place


class Pair:
    """The heartbeat while there is a partner; without one, nothing.

    Args:
        record: the file that remembers the term across a crash.
        tell: gets what an operator should know.
        turn: called when `duty` has become another one.
        again: called when the neighbours have to be told again where the addresses are.
    """

    def __init__(
        self,
        record: FilePath,
        tell: Tell,
        turn: Callable[[], None],
        again: Callable[[], None],
    ) -> None:
        self._record = record
        self._tell = tell
        self._turn = turn
        self._again = again
        self.setting: Setting | None = None
        self.driver: Heartbeat | None = None

    @property
    def duty(self) -> NodeState:
        """ACTIVE, STANDBY, or STARTING: leave everything as it is for now."""
        if self.driver is None:
            return NodeState.STARTING
        match self.driver.machine.state:
            case State.ACTIVE:
                return NodeState.ACTIVE
            case State.RESUMING:
                return NodeState.STARTING
            case _:
                return NodeState.STANDBY

    @property
    def reason(self) -> str:
        return self.driver.machine.reason if self.driver else ""

    def join(self, setting: Setting, *, holding: bool) -> None:
        """Speak with the partner as `setting` wants it; nothing moves by this alone.

        Args:
            setting: may be the one of before.
            holding: the floating addresses are on this node.

        Raises:
            KernelError: a socket cannot be bound.
        """
        before, driver = self.setting, self.driver
        if driver and before and setting.same_place(before):
            driver.identity.configuration = setting.configuration
            driver.feed(Changed(setting.timing, setting.rules))
        else:
            self._replace(setting, holding=holding)
        self.setting = setting

    def feed(self, event: Event) -> None:
        """Tell the machine, if there is one."""
        if self.driver:
            self.driver.feed(event)

    def left(self) -> None:
        """No floating address is on this node."""
        self.feed(Left())

    def stop(self) -> None:
        """The node goes out of service; the partner hears of it after `left`."""
        self.feed(Stop())

    def close(self) -> None:
        """Without a partner from now on."""
        if self.driver:
            self.driver.close()
        self.driver = self.setting = None

    def _replace(self, setting: Setting, *, holding: bool) -> None:
        before, driver = self.setting, self.driver
        term = driver.machine.term if driver else self._recorded_term()
        # The key comes to two nodes one after the other: neither may go deaf meanwhile.
        lenient = bool(driver and before and before.key is None and setting.key)
        self.close()
        now = asyncio.get_running_loop().time()
        machine = Failover(
            setting.timing, setting.rules, now, term=term, resuming=holding
        )
        identity = Identity(
            setting.role, setting.key, lenient, configuration=setting.configuration
        )
        fresh = Heartbeat(machine, identity, setting.ways, setting.port, self._perform)
        self.driver = fresh
        try:
            fresh.start()
        except BaseException:
            self.driver = None
            raise
        if setting.key is None:
            self._tell("warning", UNSIGNED)
        self._turn()

    def _perform(self, action: Action) -> None:
        match action:
            case Activate(reason):
                log.info("%s", reason)
                self._keep_term()
                self._turn()
            case Deactivate(reason):
                log.warning("%s", reason)
                self._turn()
            case Announce(reason):
                log.info("%s", reason)
                self._again()
            case Incident(text) | Refused(text):
                self._tell("warning", text)
            case Probe():
                loop = asyncio.get_running_loop()
                loop.call_soon(self.feed, ProbeResult(answered=False))
            case SendBeat():
                pass  # the driver's
            case _:
                assert_never(action)

    def _keep_term(self) -> None:
        if self.driver:
            try:
                state_file.write(self._record, {"term": self.driver.machine.term})
            except OSError as error:
                log.warning("%s: %s", self._record, error.strerror)

    def _recorded_term(self) -> int:
        plain = state_file.read(self._record)
        term = plain.get("term") if isinstance(plain, dict) else 0
        return term if type(term) is int and term > 0 else 0


def setting_of(
    cluster: Cluster,
    role: Role,
    own: Collection[str],
    resolve: Mapping[str, str],
    revision: str,
    key: bytes | None,
) -> Setting:
    """What `cluster` says of the pair, for the node in `role`.

    Args:
        cluster: with a backup.
        role: primary or backup.
        own: every address of the node; a private path needs its end to be here.
        resolve: address text for each host name in the file.
        revision: sha256 of the file in hexadecimal digits.
        key: None: not signed.

    Raises:
        ControlError: it cannot be paired; the message says why.
    """
    try:
        timing = Timing(cluster.keepalive, cluster.deadtime)
    except ValueError as error:
        raise ControlError(f"no heartbeat: {error}") from None
    public = _way(Path.PUBLIC, role, cluster.primary, cluster.backup, resolve)
    if public is None:
        raise ControlError(f"no heartbeat: backup {cluster.backup} has no address")
    ways = [public]
    ends = cluster.primary_private, cluster.backup_private
    private = _way(Path.PRIVATE, role, *ends, resolve)
    if private and private.own in own and private.own != public.own:
        ways.append(private)
    configuration = bytes.fromhex(revision) if len(revision) == 64 else bytes(32)
    return Setting(
        role, tuple(ways), cluster.heartbeat_port, timing, key, configuration
    )


def _way(
    path: Path,
    role: Role,
    primary: str | None,
    backup: str | None,
    resolve: Mapping[str, str],
) -> Way | None:
    """The path between two ends of lvs.cf; None where one has no address."""
    ends = [canonical(resolve.get(end, end)) for end in (primary, backup) if end]
    known = [end for end in ends if end and end != UNSET_ADDRESS]
    if len(known) != 2 or family(known[0]) != family(known[1]):
        return None
    one, other = known
    return Way(path, one, other) if role is Role.PRIMARY else Way(path, other, one)
