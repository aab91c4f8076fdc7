"""How lvsd runs, as its command line says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lvs_engine.daemons.nanny_child import Command, nanny_command


@dataclass(frozen=True, slots=True)
class Options:
    """How lvsd runs.

    Attributes:
        directory: where socket, pid file and state files are.
        period_s: seconds after which the table is looked at even if nothing happened.
        checks: False runs no nanny; every server stays unchecked.
        resume: start with what ran before, also where the file is good but was not
            reloaded.
    """

    configuration: Path
    directory: Path
    period_s: float = 30.0
    checks: bool = True
    nanny: Command = field(default_factory=nanny_command)
    resume: bool = False
