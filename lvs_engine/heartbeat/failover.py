"""Which node is active: a pure state machine, fed with events and the time.

The machine reads no clock and opens no socket: `step` takes the event and a monotonic
time in seconds, and returns the actions its driver has to carry out, in their order.

    STARTING --silence, or an idle partner--> ACTIVE      RESUMING --keepalive--> ACTIVE
    STARTING --partner active---------------> STANDBY     RESUMING --outranked--> LEAVING

             silence            nobody answers         yields, fault,
             + probing                                 request, stop
    STANDBY ----------> PROBING --------------> ACTIVE --------------> LEAVING
     ^ ^ |                 |                      ^                     | | |
     | | +-----------------|----------------------+                     | | |
     | |   partner idle, silence without probing, request, failback     | | |
     | +-------------------+                                            | | |
     |   somebody answers                                               | | |
     +------------------------------ no fault --------------------------+ | |
     +--- mended, or tried again --- FAILED <-------- a fault ------------+ |
                                     STOPPED <-------- stop ----------------+

Starting
1. Without a partner a node is active at once; else it waits for the partner's word, or
   `deadtime`.
2. A node that finds its addresses present was active before a crash: it resumes after
   one `keepalive`, unless it hears a partner who outranks it.
3. Of two idle nodes the primary takes the addresses; the backup leaves it some time to
   do so, whoever started first (KF-38).

Taking over
4. A partner silent for `deadtime` is replaced; with `probing` only if nobody answers for
   the addresses. A node that itself slept gives the partner one more `keepalive`.
5. A partner who says STOPPED and cannot take the addresses is replaced at once. So is
   one without terms (original format) who was RUNNING before.
6. Nobody is replaced for being the backup, save by `failback` or on request.
7. Every activation takes a term above all terms heard of. Resuming keeps the term.

Giving up
8. Both active: the lower term yields, on equal terms or without terms the backup. The
   winner announces again. Who wins but is not heard by the other for `deadtime` yields
   all the same: only one of the two can know.
9. A node with a fault gives up. It says STOPPED when its addresses are gone (`Left`), at
   the latest after one `keepalive`. A stopping node says farewell at that point (KF-37).
10. A failure of lvsd is forgotten when it recovers, when the partner is heard RUNNING,
   or after a while that doubles from `keepalive` to ten times `deadtime` (KF-14).
11. A lost private link is no fault: heartbeats have another way (KF-34).
12. STOPME is obeyed in fos mode only; otherwise it is not even a sign of life (KF-2).

When something hangs on the next heartbeat (a silent partner, addresses handed over), it
is sent ten times as often, and an asked partner answers at once: 30 % loss at 6/18 is
then no failover. Between nodes of ours only; an old node gets what it always got.

Long for a module, because a rule here reads and moves the same few moments and marks as
its neighbours: cut in two, each half would have to know all of the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from lvs_engine.heartbeat.beat import TERM_LIMIT, BeatState, Path, Word
from lvs_engine.heartbeat.events import (
    Action,
    Activate,
    Announce,
    Changed,
    ChildFailed,
    ChildRecovered,
    Deactivate,
    Event,
    GiveUp,
    Heard,
    Hold,
    Incident,
    Left,
    LinkDown,
    LinkUp,
    Probe,
    ProbeResult,
    Refused,
    Release,
    SendBeat,
    Stop,
    TakeOver,
    Tick,
)
from lvs_engine.heartbeat.settings import Rules, Timing
from lvs_engine.values import ServiceKind

_FAREWELLS = 3  # nothing is sent after them, so one lost datagram must not matter


class State(Enum):
    """What the node does; the diagram above has all of them."""

    STARTING = "starting"
    RESUMING = "resuming"
    STANDBY = "standby"
    PROBING = "probing"
    ACTIVE = "active"
    LEAVING = "leaving"
    FAILED = "failed"
    STOPPED = "stopped"


class Fault(Enum):
    """Why a node must not be active."""

    LINK = "its link is down"
    CHILD = "its table cannot be kept"


@dataclass(frozen=True, slots=True)
class Partner:
    """The other node, as last heard.

    Attributes:
        heard_at: monotonic seconds.
    """

    word: Word
    heard_at: float


_WAITING = frozenset({State.STARTING, State.STANDBY, State.PROBING})
_HOLDING = frozenset({State.ACTIVE, State.RESUMING})


class Failover:
    """One node's view of the pair.

    Args:
        now: monotonic seconds.
        term: the highest term known from an earlier run; 0 if none.
        resuming: the floating addresses are on this node already.
        held: stay on standby until released.
    """

    def __init__(
        self,
        timing: Timing,
        rules: Rules,
        now: float,
        *,
        term: int = 0,
        resuming: bool = False,
        held: bool = False,
    ) -> None:
        self.timing = timing
        self.rules = rules
        self.state = State.RESUMING if resuming else State.STARTING
        self.term = term
        self.held = held
        self.reason = "starting"
        self.faults: set[Fault] = set()
        self.partner: Partner | None = None
        self._actions: list[Action] = []
        self._send_at = now
        self._ask_at = now + timing.hurried
        self._dead_at = now + timing.deadtime
        self._state_until = now + timing.keepalive  # of RESUMING, PROBING, LEAVING
        self._patient_until = math.inf  # an idle primary may take the addresses
        self._modest_until = -math.inf  # we gave up: the partner shall take them
        self._failback_at = math.inf
        self._hurry_until = -math.inf
        self._displacing_until = -math.inf
        self._conflict_since = math.inf
        self._announced_at = -math.inf
        self._retry_at = math.inf
        self._retry_s = timing.keepalive
        self._failed_at = -math.inf
        self._sent_away = False  # by the operator: no failback
        self._pressing = False  # fos: STOPME until the partner has stopped
        self._stopping = False
        self._warned = False  # of a silent partner whom we do not replace

    # What the driver sees

    @property
    def deadline(self) -> float:
        """When `step(Tick(), ...)` is due; infinite when stopped."""
        if self.state is State.STOPPED:
            return math.inf
        due = [math.inf]
        if self.rules.partner:
            due += [self._send_at, self._ask_at if self._worried else math.inf]
        match self.state:
            case State.STARTING | State.STANDBY:
                due.append(self._take_at)
            case State.RESUMING | State.PROBING | State.LEAVING:
                due.append(self._state_until)
            case State.FAILED:
                due.append(self._retry_at if self.faults == {Fault.CHILD} else math.inf)
            case _:
                pass
        return min(due)

    @property
    def holding(self) -> bool:
        """Whether the addresses belong on this node now, or are still leaving it."""
        return self.state in _HOLDING or self.state is State.LEAVING

    def step(self, event: Event, now: float) -> list[Action]:
        """Take an event; what to do about it."""
        if self.state is State.STOPPED:
            return []
        if now > self.deadline + self.timing.keepalive:
            # We slept, not the partner: what it sent may still wait to be read.
            self._dead_at = max(self._dead_at, now + self.timing.keepalive)
        self._take_in(event, now)
        before = None
        while (
            before is not self.state
        ):  # a failure forgotten may leave us the addresses
            before = self.state
            self._pass_time(now)
        self._speak_if_due(now)
        self._check(now)
        actions, self._actions = self._actions, []
        return actions

    def _take_in(self, event: Event, now: float) -> None:
        match event:
            case Tick():
                pass
            case Heard(word, _):
                self._hear(word, now)
            case LinkDown(path):
                self._lose_link(path, now)
            case LinkUp(path):
                if path is Path.PUBLIC and Fault.LINK in self.faults:
                    # Deaf until now: the silence says nothing of the partner.
                    self._dead_at = max(self._dead_at, now + self.timing.deadtime)
                    self._mend(Fault.LINK)
            case ChildFailed(reason):
                self._lose_child(reason, now)
            case ChildRecovered():
                self._mend(Fault.CHILD)
            case Left():
                if self.state is State.LEAVING:
                    self._rest(now)
            case ProbeResult():
                self._weigh(event, now)
            case TakeOver():
                self._take_over(now)
            case GiveUp():
                self._give_up(now)
            case Hold():
                self._hold(now)
            case Release():
                self.held = False
            case Stop():
                self._stop(now)
            case Changed(timing, rules):
                self._change(timing, rules, now)
            case _:
                assert_never(event)

    # The partner's word

    def _hear(self, word: Word, now: float) -> None:
        if word.state is BeatState.STOPME and self.rules.kind is not ServiceKind.FOS:
            return
        previous, self.partner = self.partner, Partner(word, now)
        self._dead_at = now + self.timing.deadtime
        self._ask_at = now + self.timing.worrying
        self._warned = False
        ran = previous is not None and previous.word.state is BeatState.RUNNING
        match word.state:
            case BeatState.RUNNING | BeatState.STOPME:
                self._hear_running(word, now)
            case BeatState.STOPPED:
                self.term = max(self.term, word.term)
                self._hear_stopped(word, now, ran=ran)
            case BeatState.HOLD | BeatState.HELD:
                pass
            case _:
                assert_never(word.state)
        self.term = max(self.term, word.term)
        if word.asks:
            self._send_at = now

    def _hear_running(self, word: Word, now: float) -> None:
        self._patient_until = math.inf
        if self.state in _HOLDING:
            self._meet_rival(word, now)
            return
        self._mend(Fault.CHILD)
        if self.state is not State.LEAVING:
            self._hurry_until = now
        if self.state in (State.STARTING, State.PROBING):
            self._enter(State.STANDBY, f"the {self._other} is active")
        if not self._wants_back(word):
            self._failback_at = math.inf
        elif self._failback_at == math.inf:
            self._failback_at = now + self.timing.deadtime

    def _wants_back(self, word: Word) -> bool:
        rules = self.rules
        wanted = rules.failback and rules.preferred and not self._sent_away
        return wanted and self._willing and self.state is State.STANDBY and word.hears

    def _meet_rival(self, word: Word, now: float) -> None:
        """Both hold the addresses: one of the two has to go."""
        told = f"partner active in term {word.term}, this node in {self.term}"
        planned = word.planned or now < self._displacing_until
        if self._conflict_since == math.inf:
            self._conflict_since = now
            if not planned:
                self._do(Incident(f"both nodes were active: {told}"))
        if self._yields(word, now):
            self._speak(now)  # still RUNNING: the winner shall announce again
            self._leave(f"partner active: deactivating {self._word.upper()}", now)
        elif now >= self._announced_at + self.timing.keepalive:
            self._announced_at = now
            if self.state is State.ACTIVE:
                self._do(Announce(f"partner active: resending arps ({told})"))

    def _yields(self, word: Word, now: float) -> bool:
        if word.state is BeatState.STOPME:
            return True
        if word.term == 0:
            return self.state is State.RESUMING or not self.rules.preferred
        if word.term != self.term:
            lower = word.term > self.term
        else:
            lower = not self.rules.preferred
        unheard = now >= self._conflict_since + self.timing.deadtime and not word.hears
        return lower or unheard

    def _hear_stopped(self, word: Word, now: float, *, ran: bool) -> None:
        self._conflict_since = self._failback_at = math.inf
        self._pressing = self._sent_away = False
        if self.state is State.ACTIVE:
            self._hurry_until = now
            if ran:
                self._do(Announce("the partner has left the addresses"))
        elif self.state is State.RESUMING:
            self._resume("the partner does not hold them", now)
        elif self.state in _WAITING and self._willing:
            if word.able and now < self._modest_until:
                return
            left = ran and not self.rules.signed
            if self.rules.preferred or not word.able or left:
                self._activate(f"{self._other} inactive: activating {self._word}", now)
            else:
                until = now + self.timing.patience
                self._patient_until = min(self._patient_until, until)

    # Time

    @property
    def _willing(self) -> bool:
        return not self.faults and not self.held and not self._stopping

    @property
    def _worried(self) -> bool:
        """Whether to ask a silent partner to speak."""
        waiting = self.state in (State.STARTING, State.STANDBY, State.RESUMING)
        asking = self.rules.signed and self._ask_at < self._dead_at
        return asking and waiting and not self.held

    @property
    def _take_at(self) -> float:
        if not self._willing:
            return math.inf
        if not self.rules.partner:
            return -math.inf
        return min(self._dead_at, self._patient_until, self._failback_at)

    def _pass_time(self, now: float) -> None:
        match self.state:
            case State.STARTING | State.STANDBY:
                if now >= self._take_at:
                    self._take(now)
                elif self.state is State.STARTING and not self._willing:
                    self._enter(State.STANDBY, "held")
            case State.RESUMING:
                if self.held:
                    self._leave("held", now)
                elif now >= self._state_until or not self.rules.partner:
                    self._resume("nobody outranks this node", now)
            case State.PROBING:
                if now >= self._state_until:
                    self._replace(now)
            case State.LEAVING:
                if now >= self._state_until:
                    self._do(Incident("the addresses take long to leave this node"))
                    self._rest(now)
            case State.FAILED:
                if now >= self._retry_at:
                    self._mend(Fault.CHILD)
            case State.ACTIVE | State.STOPPED:
                pass
            case _:
                assert_never(self.state)

    def _take(self, now: float) -> None:
        """Something made the addresses ours to take: what?"""
        if not self.rules.partner:
            self._activate(f"no partner: activating {self._word}", now)
        elif now >= self._dead_at and not self.rules.probing:
            self._replace(now)
        elif now >= self._dead_at:
            self._state_until = now + self.timing.keepalive
            self._enter(State.PROBING, "asking who has the addresses")
            self._do(Probe(f"partner {self._silence(now)}"))
        elif now >= self._patient_until:
            text = f"{self._other} inactive: activating {self._word}"
            self._activate(f"{text} (it leaves the addresses to this node)", now)
        else:
            self._displace(now)
            self._activate(f"failback: activating {self._word}", now)

    def _replace(self, now: float) -> None:
        fos = self.rules.kind is ServiceKind.FOS
        what = "failover services" if fos else "lvs"
        self._activate(f"partner dead: activating {what} ({self._silence(now)})", now)

    def _weigh(self, result: ProbeResult, now: float) -> None:
        if self.state is not State.PROBING:
            return
        if not result.answered and not result.cut_off:
            self._replace(now)
            return
        found = "this node cannot reach the witness"
        if result.answered:
            found = "somebody answers for the addresses"
        self._enter(State.STANDBY, f"the partner is silent, but {found}")
        self._dead_at = now + self.timing.keepalive
        self._ask_at = now + self.timing.hurried
        if not self._warned:
            self._do(Incident(self.reason))
        self._warned = True

    def _speak_if_due(self, now: float) -> None:
        if self.state is State.STOPPED or not self.rules.partner:
            return
        asks = self._worried and now >= self._ask_at
        if asks:
            self._ask_at = now + self.timing.hurried
        if asks or now >= self._send_at:
            self._speak(now)

    def _speak(self, now: float) -> None:
        """Say how things are, and plan the next heartbeat."""
        hurried = self.rules.signed and now < self._hurry_until
        pause = self.timing.hurried if hurried else self.timing.keepalive
        self._send_at = now + pause
        if not self.rules.partner:
            return
        if self.state is State.RESUMING and not self.rules.signed:
            return  # an old backup would yield to us before we know of it
        self._do(SendBeat(self._own_word(now)))

    def _own_word(self, now: float) -> Word:
        state = BeatState.RUNNING if self.holding else BeatState.STOPPED
        if self._pressing and self.state is State.ACTIVE:
            state = BeatState.STOPME
        partner = self.partner
        hears = partner is not None and now < partner.heard_at + self.timing.deadtime
        return Word(
            state=state,
            term=max(self.term, 1) if self.holding else self.term,
            able=self._willing and now >= self._modest_until,
            hears=hears,
            asks=self._worried,
            planned=self.holding and now < self._displacing_until,
            farewell=self._stopping,
        )

    # Faults

    def _lose_link(self, path: Path, now: float) -> None:
        if path is Path.PRIVATE:
            self._do(Incident("private link down: heartbeats have one path left"))
        elif Fault.LINK not in self.faults:
            self.faults.add(Fault.LINK)
            self._fall("local link failure", now)

    def _lose_child(self, reason: str, now: float) -> None:
        if now >= self._failed_at + 2 * self.timing.longest_retry:
            self._retry_s = self.timing.keepalive
        self._failed_at = now
        self._retry_at = now + self._retry_s
        self._retry_s = min(2 * self._retry_s, self.timing.longest_retry)
        self.faults.add(Fault.CHILD)
        self._fall(reason, now)

    def _fall(self, reason: str, now: float) -> None:
        if self.state in _HOLDING:
            self._leave(f"{reason}: deactivating {self._word.upper()}", now)
        elif self.state in _WAITING:
            self._enter(State.FAILED, reason)

    def _mend(self, fault: Fault) -> None:
        if fault not in self.faults:
            return
        self.faults.discard(fault)
        if self.state is State.FAILED and not self.faults:
            self._enter(State.STANDBY, f"no longer: {fault.value}")

    # Requests

    def _take_over(self, now: float) -> None:
        partner = self.partner
        rival = partner if partner and partner.word.state is BeatState.RUNNING else None
        if self.faults or self._stopping or self.state in (State.ACTIVE, State.LEAVING):
            faults = ", ".join(f.value for f in self.faults)
            self._do(Refused(f"this node is {self.state.value} {faults}".rstrip()))
        elif rival and not rival.word.hears:
            self._do(Refused("the partner is active and does not hear this node"))
        elif rival and not self._can_press:
            self._do(
                Refused("an old partner yields to its primary only; stop it there")
            )
        else:
            self.held = False
            self._displace(now)
            self._activate(f"takeover requested: activating {self._word}", now)
            self._pressing = rival is not None and self._stops_on_request

    @property
    def _stops_on_request(self) -> bool:
        return self.rules.kind is ServiceKind.FOS and not self.rules.signed

    @property
    def _can_press(self) -> bool:
        return self.rules.signed or self.rules.preferred or self._stops_on_request

    def _give_up(self, now: float) -> bool:
        refusal = self._why_not_give_up(now)
        if refusal:
            self._do(Refused(refusal))
            return False
        self._modest_until = now + self.timing.deadtime
        self._sent_away = True
        self._leave(f"failover requested: deactivating {self._word.upper()}", now)
        return True

    def _why_not_give_up(self, now: float) -> str:
        if self.state is not State.ACTIVE:
            return f"this node is not active, but {self.state.value}"
        partner = self.partner
        if partner is None or now >= partner.heard_at + self.timing.deadtime:
            return f"the partner is silent ({self._silence(now)})"
        if not partner.word.able:
            return "the partner cannot take the addresses"
        return ""

    def _hold(self, now: float) -> None:
        if self.state in _HOLDING and not self._give_up(now):
            return
        self.held = True
        if self.state in (State.STARTING, State.PROBING):
            self._enter(State.STANDBY, "held")

    def _stop(self, now: float) -> None:
        self._stopping = True
        if self.state in _HOLDING:
            self._leave("stopping", now)
        elif self.state is not State.LEAVING:
            self._rest(now)

    def _change(self, timing: Timing, rules: Rules, now: float) -> None:
        if (timing, rules) == (self.timing, self.rules):
            return
        self.timing, self.rules = timing, rules
        self._send_at = now
        self._dead_at = now + timing.deadtime
        self._patient_until = self._failback_at = math.inf

    # Moves

    def _displace(self, now: float) -> None:
        self._displacing_until = now + self.timing.deadtime

    def _activate(self, reason: str, now: float) -> None:
        self.term = min(self.term + 1, TERM_LIMIT)
        self._become_active(reason, now)

    def _resume(self, reason: str, now: float) -> None:
        self.term = max(self.term, 1)
        self._become_active(f"resuming: the addresses were here, {reason}", now)

    def _become_active(self, reason: str, now: float) -> None:
        self._enter(State.ACTIVE, reason)
        self._conflict_since = self._failback_at = self._patient_until = math.inf
        self._modest_until = self._announced_at = -math.inf
        self._sent_away = False
        self._hurry_until = now + self.timing.keepalive
        self._do(Activate(reason))
        self._speak(now)

    def _leave(self, reason: str, now: float) -> None:
        """Give the addresses up; the partner hears of it when they are gone."""
        self._enter(State.LEAVING, reason)
        self._conflict_since = math.inf
        self._pressing = False
        self._displacing_until = -math.inf
        self._state_until = now + self.timing.keepalive
        self._do(Deactivate(reason))

    def _rest(self, now: float) -> None:
        """Without addresses now: say so at once, and often."""
        rest = State.FAILED if self.faults else State.STANDBY
        self._enter(State.STOPPED if self._stopping else rest, self.reason)
        self._hurry_until = now + self.timing.deadtime
        self._dead_at = max(self._dead_at, now + self.timing.keepalive)
        for _ in range(_FAREWELLS if self._stopping else 1):
            self._speak(now)

    def _enter(self, state: State, reason: str) -> None:
        self.state = state
        self.reason = reason

    def _do(self, action: Action) -> None:
        self._actions.append(action)

    # Words

    @property
    def _word(self) -> str:
        return self.rules.kind.value

    @property
    def _other(self) -> str:
        return "backup" if self.rules.preferred else "primary"

    def _silence(self, now: float) -> str:
        if self.partner is None:
            return f"never heard, deadtime {self.timing.deadtime:g} s"
        silent = now - self.partner.heard_at
        return f"silent for {silent:.1f} s, deadtime {self.timing.deadtime:g} s"

    def _check(self, now: float) -> None:
        """What must hold after every step, also in production."""
        holding = self.state in _HOLDING
        assert not (holding and self.faults), f"{self.state} with {self.faults}"
        assert not (holding and self._stopping), f"{self.state} while stopping"
        assert not (self.state is State.ACTIVE and self.held), "active on hold"
        assert self.state is not State.ACTIVE or self.term > 0, "active in term 0"
        assert self.state is not State.FAILED or self.faults, "failed without fault"
        assert self.deadline > now, f"{self.state}: due at {self.deadline}, is {now}"
