"""The fields of REDUNDANCY."""

from __future__ import annotations

from dataclasses import replace

from lvs_engine.config.directives import Scope
from lvs_engine.config.model import UNSET_ADDRESS, Cluster
from piranha_web.forms import rules
from piranha_web.forms.entries import Entry, Kind

_G = Scope.GLOBAL

# The values of the original's web tool; the daemons' own are shorter.
KEEPALIVE_S, DEADTIME_S, HEARTBEAT_PORT = 6, 18, 539


def entries() -> list[Entry]:
    """The fields in the old order."""
    return [
        Entry(
            "redundant", "backup", _G, "Redundant server public IP:", rule=rules.machine
        ),
        Entry(
            "redundant_private",
            "backup_private",
            _G,
            "Redundant server private IP:",
            rule=rules.machine,
        ),
        Entry(
            "hb_interval",
            "keepalive",
            _G,
            "Heartbeat interval (seconds):",
            size=6,
            needed=True,
            rule=rules.decimal,
            proposal=str(KEEPALIVE_S),
        ),
        Entry(
            "dead_after",
            "deadtime",
            _G,
            "Assume dead after (seconds):",
            size=6,
            needed=True,
            rule=rules.decimal,
            proposal=str(DEADTIME_S),
        ),
        Entry(
            "hb_port",
            "heartbeat_port",
            _G,
            "Heartbeat runs on port:",
            size=6,
            rule=rules.decimal,
            help="The UDP port, the same on both routers. Blank means 539.",
        ),
        Entry(
            "monitor_links",
            "monitor_links",
            _G,
            "Monitor NIC links for failures",
            Kind.CHECK,
        ),
        Entry("syncdaemon", "syncdaemon", _G, "Use sync daemon", Kind.CHECK),
        Entry(
            "syncd_iface",
            "syncd_iface",
            _G,
            "Sync daemon interface:",
            size=16,
            rule=rules.device,
        ),
        Entry(
            "syncd_id", "syncd_id", _G, "Sync daemon ID:", size=4, rule=rules.decimal
        ),
    ]


def reasons(cluster: Cluster) -> dict[str, str]:
    """Which fields do not apply, and why."""
    if not cluster.backup_active:
        return {
            e.name: "The backup is inactive: press ENABLE first." for e in entries()
        }
    if cluster.primary_private is None:
        text = "Needs a primary server private IP in GLOBAL SETTINGS first."
        return {"redundant_private": text}
    return {}


def enabled(cluster: Cluster) -> Cluster:
    """ENABLE; the keyword `heartbeat` is for the eyes of the original only."""
    return replace(cluster, backup_active=True, heartbeat=True)


def disabled(cluster: Cluster) -> Cluster:
    """DISABLE keeps all other values."""
    return replace(cluster, backup_active=False)


def reset(cluster: Cluster) -> Cluster:
    """RESET: addresses, times and port as in a new file; nothing else."""
    return replace(
        cluster,
        backup=UNSET_ADDRESS,
        backup_private=None,
        keepalive=KEEPALIVE_S,
        deadtime=DEADTIME_S,
        heartbeat_port=HEARTBEAT_PORT,
    )
