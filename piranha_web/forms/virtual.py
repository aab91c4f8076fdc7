"""The fields of VIRTUAL SERVER, and a new one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from lvs_engine.config.directives import Scope
from lvs_engine.config.model import (
    UNSET_ADDRESS,
    Cluster,
    FloatingAddress,
    VirtualServer,
)
from piranha_web.forms import choices, rules
from piranha_web.forms.entries import Entry, Kind

_V = Scope.VIRTUAL

PLACEHOLDER = "[server_name]"
MORE = ("extra_addresses", "extra_ports", "scheduler_flags", "one_packet", "pe")
GROUPS = (
    ("Who", ("hostname",)),
    (
        "Where",
        (
            "port",
            "protocol",
            "address",
            "vip_nmask",
            "sorry_server",
            "fwmark",
            "device",
        ),
    ),
    ("How failures are handled", ("reentry", "timeout", "quiesce_server")),
    ("How it is balanced", ("load", "sched", "persistent", "pmask")),
)


def entries() -> list[Entry]:
    """The fields; `GROUPS` has the order of the page, fields of one keyword stand together."""
    return [
        Entry(
            "hostname",
            "",
            _V,
            "Name:",
            size=30,
            help="A description, not a host name. Blanks become _.",
        ),
        Entry(
            "port",
            "port",
            _V,
            "Application port:",
            size=8,
            needed=True,
            rule=rules.decimal,
        ),
        Entry(
            "protocol",
            "protocol",
            _V,
            "Protocol:",
            Kind.SELECT,
            choices=choices.PROTOCOLS,
        ),
        Entry(
            "address",
            "address",
            _V,
            "Virtual IP Address:",
            part=0,
            size=39,
            needed=True,
            rule=rules.machine,
        ),
        Entry(
            "device",
            "address",
            _V,
            "Device:",
            part=1,
            size=16,
            needed=True,
            rule=rules.device,
            help="The alias of the public interface that carries it, such as eth0:1.",
        ),
        Entry(
            "vip_nmask",
            "vip_nmask",
            _V,
            "Virtual IP Network Mask:",
            Kind.SELECT,
            choices=choices.MASKS_OR_UNUSED,
        ),
        Entry(
            "sorry_server",
            "sorry_server",
            _V,
            "Sorry Server:",
            size=39,
            rule=rules.machine,
        ),
        Entry("fwmark", "fwmark", _V, "Firewall Mark:", size=12, rule=rules.mark),
        Entry(
            "reentry",
            "reentry",
            _V,
            "Re-entry Time:",
            size=8,
            needed=True,
            rule=rules.decimal,
        ),
        Entry(
            "timeout",
            "timeout",
            _V,
            "Service timeout:",
            size=8,
            needed=True,
            rule=rules.decimal,
            help="Seconds between two checks of a real server, and the longest that each"
            " step of one may take. Re-entry time divided by this is the number of good"
            " checks that a failed server needs.",
        ),
        Entry(
            "quiesce_server",
            "quiesce_server",
            _V,
            "Quiesce server:",
            Kind.RADIO,
            choices=choices.YES_NO,
        ),
        Entry(
            "load",
            "load_monitor",
            _V,
            "Load monitoring tool:",
            Kind.SELECT,
            choices=choices.LOAD_MONITORS,
            help="Asks real servers for their load to adapt their weights; it does not"
            " balance. Together with a weighted scheduler the result is hard to foresee."
            " Real servers must be Linux: rup needs rstatd on each, ruptime needs rwhod.",
        ),
        Entry(
            "sched",
            "scheduler",
            _V,
            "Scheduling:",
            Kind.SELECT,
            choices=choices.ALL_SCHEDULERS,
        ),
        Entry(
            "persistent", "persistent", _V, "Persistence:", size=12, rule=rules.decimal
        ),
        Entry(
            "pmask",
            "pmask",
            _V,
            "Persistence Network Mask:",
            Kind.SELECT,
            choices=choices.MASKS_OR_UNUSED,
        ),
        Entry(
            "extra_addresses",
            "extra_addresses",
            _V,
            "Further addresses:",
            size=50,
            help="More addresses of the same service, each with its device:"
            " 192.0.2.81 eth0:2, 192.0.2.82 eth0:3.",
        ),
        Entry(
            "extra_ports",
            "extra_ports",
            _V,
            "Further ports:",
            size=30,
            help="More ports of the same service: 443 8443.",
        ),
        Entry(
            "scheduler_flags",
            "scheduler_flags",
            _V,
            "Scheduler flags:",
            size=30,
            help="sh-fallback and sh-port, or mh-fallback and mh-port: take another"
            " server when the chosen one has no weight, and hash the port too.",
        ),
        Entry(
            "one_packet", "one_packet", _V, "One-packet scheduling (UDP)", Kind.CHECK
        ),
        Entry(
            "pe",
            "persistence_engine",
            _V,
            "Persistence engine:",
            Kind.SELECT,
            choices=choices.PERSISTENCE_ENGINES,
        ),
    ]


def new(cluster: Cluster) -> VirtualServer:
    """A new entry as ADD makes it: out of use, with a name and an alias of its own."""
    return VirtualServer(
        name=free_name(PLACEHOLDER, (v.name for v in cluster.virtuals)),
        active=False,
        address=FloatingAddress(UNSET_ADDRESS, free_alias(cluster)),
        port=80,
        send="GET / HTTP/1.0\\r\\n\\r\\n",
        expect="HTTP",
        timeout=6,
        reentry=15,
        load_monitor="none",
    )


def free_name(placeholder: str, taken: Iterable[str]) -> str:
    """`[unnamed]`, `[unnamed_2]` ...: the first that nobody has."""
    names = set(taken)
    if placeholder not in names:
        return placeholder
    stem = placeholder.rstrip("]")
    return next(n for i in count(2) if (n := f"{stem}_{i}]") not in names)


def free_alias(cluster: Cluster) -> str:
    """The first alias that no floating address uses, on the interface of the last VIP."""
    owned = [v.address for v in cluster.virtuals if v.address]
    owned += [a for v in cluster.virtuals for a in v.extra_addresses]
    owned += [f.address for f in cluster.failovers if f.address]
    devices = [a.device for a in owned if a.device]
    base = devices[-1].partition(":")[0] if devices else "eth0"
    taken = {*devices, cluster.nat_router.device if cluster.nat_router else ""}
    return next(a for i in count(1) if (a := f"{base}:{i}") not in taken)
