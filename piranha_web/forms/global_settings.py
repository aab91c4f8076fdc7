"""The fields of GLOBAL SETTINGS, and what they do to the cluster."""

from __future__ import annotations

from dataclasses import replace

from lvs_engine.config.directives import Scope
from lvs_engine.config.document import Block
from lvs_engine.config.model import UNSET_ADDRESS, Cluster
from lvs_engine.values import Forwarding
from piranha_web.forms import choices, rules
from piranha_web.forms.entries import Entry, Kind
from piranha_web.forms.panel import PanelForm

_G = Scope.GLOBAL
NAT_FIELDS = ("NATRtrIP", "nat_nmask", "NATRtrDev")

# Button captions of the original, and the words themselves.
NETWORK_BUTTONS = {
    **{label: Forwarding(value) for value, label in choices.NETWORKS},
    **{value: Forwarding(value) for value, _ in choices.NETWORKS},
}


def entries(primary: str = "") -> list[Entry]:
    """The fields in the old order.

    Args:
        primary: proposed while the file names no primary router.
    """
    seconds = rules.decimal
    return [
        Entry(
            "PriLVSIP",
            "primary",
            _G,
            "Primary server public IP:",
            proposal=primary,
            rule=rules.machine,
        ),
        Entry(
            "primary_private",
            "primary_private",
            _G,
            "Primary server private IP: (May be blank)",
            rule=rules.machine,
        ),
        Entry(
            "tcp_timeout",
            "tcp_timeout",
            _G,
            "TCP timeout (seconds):",
            size=8,
            rule=seconds,
        ),
        Entry(
            "tcpfin_timeout",
            "tcpfin_timeout",
            _G,
            "TCP FIN timeout (seconds):",
            size=8,
            rule=seconds,
        ),
        Entry(
            "udp_timeout",
            "udp_timeout",
            _G,
            "UDP timeout (seconds):",
            size=8,
            rule=seconds,
        ),
        Entry(
            "NATRtrIP", "nat_router", _G, "NAT Router IP:", part=0, rule=rules.machine
        ),
        Entry(
            "NATRtrDev",
            "nat_router",
            _G,
            "NAT Router device:",
            part=1,
            size=10,
            rule=rules.device,
            help="The alias on the private side that carries it, such as eth1:1.",
        ),
        Entry(
            "nat_nmask",
            "nat_nmask",
            _G,
            "NAT Router netmask:",
            Kind.SELECT,
            choices=choices.MASKS_OR_UNUSED,
        ),
    ]


def network_of(cluster: Cluster, *, in_file: bool) -> Forwarding:
    """The network type that the page shows and ACCEPT stores.

    Daemons take nat when the keyword is missing. In a file that has nothing to
    forward yet the page proposes direct, as the original did.
    """
    if in_file or cluster.virtuals or cluster.nat_router:
        return cluster.network
    return Forwarding.DIRECT


def unreadable_network(root: Block) -> set[int]:
    """Lines of a network type that nobody can read; choosing one takes them away."""
    known = [[network] for network in Forwarding]
    return {
        statement.at
        for statement in root.named("network")
        if [word.text for word in statement.values] not in known
    }


def reasons(network: Forwarding) -> dict[str, str]:
    """Which fields do not apply, and why."""
    if network is Forwarding.NAT:
        return {}
    return dict.fromkeys(
        NAT_FIELDS, f"Only for the network type NAT; the current one is {network}."
    )


def complete(form: PanelForm, network: Forwarding, *, pressed: bool) -> bool:
    """With nat there is a NAT router, unless the type was chosen only now.

    Args:
        form: parsed; gets the messages.
        network: that the cluster will have.
        pressed: the button NAT was pressed, whose fields were disabled before.
    """
    if network is not Forwarding.NAT:
        return True
    address, device = form.text("NATRtrIP"), form.text("NATRtrDev")
    if pressed and not address and not device:
        return True
    if not address or address == UNSET_ADDRESS:
        form.refuse("NATRtrIP", "is needed for NAT: the real servers' gateway")
    if not device:
        form.refuse("NATRtrDev", "is needed for NAT, such as eth1:1")
    return not form.fields.errors


def with_network(cluster: Cluster, network: Forwarding) -> Cluster:
    """Choosing another type than nat lets go of the NAT router."""
    if network is cluster.network:
        return cluster
    router = cluster.nat_router if network is Forwarding.NAT else None
    return replace(cluster, network=network, nat_router=router)


def settled(before: Cluster, after: Cluster) -> Cluster:
    """Taking away the primary's private address takes the backup's with it."""
    if before.primary_private is not None and after.primary_private is None:
        return replace(after, backup_private=None)
    return after
