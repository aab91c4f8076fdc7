"""Which probe carries out which kind of check: a new kind is a new row here."""

from __future__ import annotations

from lvs_engine.adapters.prober.connect import ConnectProbe
from lvs_engine.adapters.prober.datagram import DatagramProbe
from lvs_engine.adapters.prober.dialogue import DialogueProbe
from lvs_engine.adapters.prober.lanes import Lanes
from lvs_engine.adapters.prober.loop import Loop
from lvs_engine.adapters.prober.probe import Factory, Impossible, Probe, Run
from lvs_engine.adapters.prober.program import ProgramProbe
from lvs_engine.health.checks import CONNECT, DATAGRAM, DIALOGUE, PROGRAM, Check
from lvs_engine.values import Protocol

KINDS: dict[str, Factory] = {
    CONNECT: ConnectProbe,
    DIALOGUE: DialogueProbe,
    DATAGRAM: DatagramProbe,
    PROGRAM: ProgramProbe,
}


def probe_for(check: Check, loop: Loop, lanes: Lanes, run: Run) -> Probe:
    """The probe of a check; one that always fails where the check makes no sense."""
    factory = KINDS.get(check.kind)
    if factory is None:
        return Impossible(f"this nanny knows no check of the kind {check.kind}", run)
    if factory is ConnectProbe and check.protocol is Protocol.SCTP:
        factory = DialogueProbe  # the sockets that serve again and again are TCP's
    try:
        return factory(check, loop, lanes, run)
    except ValueError as error:
        return Impossible(str(error), run)
