"""Old heartbeats sent again: which signed ones are new, over all paths and restarts.

* Within one start of the partner the sequence must grow on each path.
* A heartbeat that is older than one already heard on the other path says nothing new
  of the partner (OVERTAKEN), though it shows that its own path works.
* Another start of the partner is believed when it began later, has a higher term, or
  answers to something that we sent a moment ago. Without the last, a partner whose
  clock was set back would never be heard again; a recording cannot contain it.
* The first start that we hear of is believed: there is nothing to compare it with.
"""

from __future__ import annotations

from lvs_engine.heartbeat.beat import Beat, Envelope, Path, Reason, Rejected


class ReplayGuard:
    """Remembers what was heard of one partner."""

    def __init__(self) -> None:
        self._boot: bytes | None = None
        self._started = 0
        self._term = 0
        self._newest = -1
        self._last: dict[Path, int] = {}

    def admit(self, beat: Beat, envelope: Envelope, *, fresh: bool) -> Rejected | None:
        """Take note of an authentic heartbeat; why it must not be obeyed, if so.

        Args:
            beat: what was read.
            envelope: its own.
            fresh: it echoes a stamp that we sent a moment ago.
        """
        if envelope.boot != self._boot:
            if not (fresh or self._is_later(beat, envelope)):
                return Rejected(Reason.OLD_BOOT, f"began {envelope.started}")
            self._boot = envelope.boot
            self._started = envelope.started
            self._newest = -1
            self._last.clear()
        sequence, path = envelope.sequence, envelope.path
        if sequence <= self._last.get(path, -1):
            return Rejected(Reason.REPLAYED, f"{sequence} after {self._last[path]}")
        self._last[path] = sequence
        if sequence < self._newest:
            return Rejected(Reason.OVERTAKEN, f"{sequence} after {self._newest}")
        self._newest = sequence
        self._term = max(self._term, beat.word.term)
        return None

    def _is_later(self, beat: Beat, envelope: Envelope) -> bool:
        return (
            self._boot is None
            or envelope.started > self._started
            or beat.word.term > self._term
        )
