"""The texts of HELP: panel by panel, field by field, from the rows of the forms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from piranha_web.forms import global_settings, real, redundancy, scripts, virtual
from piranha_web.forms.entries import Entry


@dataclass(frozen=True, slots=True)
class FieldHelp:
    """One field.

    Attributes:
        allowed: what may be typed; empty for a name.
    """

    label: str
    help: str
    allowed: str
    keyword: str


@dataclass(frozen=True, slots=True)
class PanelHelp:
    """One panel.

    Attributes:
        about: paragraphs on what it is for and what its buttons do.
    """

    anchor: str
    title: str
    about: tuple[str, ...]
    fields: tuple[FieldHelp, ...] = ()


def panels() -> list[PanelHelp]:
    """The sections, in the order of the original's help."""
    return [
        PanelHelp("control", "CONTROL/MONITORING", _CONTROL),
        PanelHelp("global", "GLOBAL SETTINGS", _GLOBAL, _of(global_settings.entries())),
        PanelHelp("redundancy", "REDUNDANCY", _REDUNDANCY, _of(redundancy.entries())),
        PanelHelp("virtual", "VIRTUAL SERVERS", _VIRTUAL),
        PanelHelp("edit", "EDIT VIRTUAL SERVER", _EDIT, _of(virtual.entries())),
        PanelHelp("real", "EDIT REAL SERVER", _REAL, _of(real.entries())),
        PanelHelp("scripts", "MONITORING SCRIPTS", _SCRIPTS, _of(scripts.entries())),
    ]


def _of(rows: Iterable[Entry]) -> tuple[FieldHelp, ...]:
    return tuple(_field(row) for row in rows)


def _field(row: Entry) -> FieldHelp:
    label = row.label.rstrip(": ")
    if not row.keyword:
        return FieldHelp(label, row.help, "letters, digits and . _ - [ ]", "")
    directive = row.directive
    text = row.help or directive.help
    return FieldHelp(label, text, directive.allowed, directive.keyword)


_CONTROL = (
    "Shows what runs now: the daemons, this router's role, the table of virtual servers"
    " in the kernel and the health of each real server. It never changes lvs.cf. The"
    " tables are empty until a daemon runs; the page says so.",
    "Auto update draws the page anew every 10 seconds or more rarely. It ends when you"
    " leave the panel.",
    "CHANGE PASSWORD leads to instructions; the password is changed with piranha-passwd"
    " on the router.",
)
_GLOBAL = (
    "The addresses of the primary router, how packets reach the real servers, and how"
    " long the kernel remembers idle connections.",
    "NAT, Direct Routing and Tunneling choose the network type and store it together"
    " with the other fields. With NAT, real servers send their answers through the NAT"
    " router address, so it is their default gateway; it stands on an alias of the"
    " private interface, such as eth1:1. With Direct Routing and Tunneling, answers go"
    " straight to the client: each real server must hold the virtual address on an"
    " interface that does not answer ARP for it (net.ipv4.conf.*.arp_ignore = 1 and"
    " arp_announce = 2, or an arptables rule).",
    "Packet forwarding must be on (net.ipv4.ip_forward = 1). This tool changes neither"
    " sysctl.conf nor firewall rules.",
)
_REDUNDANCY = (
    "The backup router, and how the two watch each other. ENABLE opens the fields,"
    " DISABLE keeps their values, RESET puts addresses, times and port back to those of"
    " a new file.",
    "lvs.cf must be the same on both routers: copy it after each change, for instance"
    " with scp. Copy sysctl.conf and firewall rules as well. Start the primary router"
    " first.",
)
_VIRTUAL = (
    "A virtual server is a service on one address. ADD makes one, not yet in use, and"
    " opens it; EDIT opens the chosen one; DELETE asks first and names what goes;"
    " (DE)ACTIVATE takes the chosen one into use or out of it. STATUS tells what the"
    " file says; whether a service is healthy is on CONTROL/MONITORING.",
    "Never set up virtual addresses or the NAT router address with the network"
    " scripts of the system: the daemons bring them up on the active router only.",
)
_EDIT = (
    "Press ACCEPT before you go on to REAL SERVER or MONITORING SCRIPTS. A firewall mark"
    " bundles several ports, such as 80 and 443, into one service; give it a"
    " persistence, the same on every virtual server with that mark.",
)
_REAL = (
    "The machines that do the work behind this virtual server. They need nothing of"
    " Piranha on them. A weight is a ratio: 2 gets twice the traffic of 1.",
)
_SCRIPTS = (
    "How a real server is found healthy. Either a text is sent and an answer expected,"
    " or a program checks and prints what is expected; with a program the text is not"
    " used. NO SEND PROGRAM, BLANK SEND and BLANK EXPECT empty a field and store the"
    " others.",
)
