"""Names, addresses and states of entries as the lists show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lvs_engine.config.addresses import mask_of_prefix
from lvs_engine.config.model import UNSET_ADDRESS, Cluster, RealServer, VirtualServer
from piranha_web.config_words import is_set
from piranha_web.forms import real, rules, virtual
from piranha_web.forms.entries import readable
from piranha_web.forms.panel import PanelForm

MARKED = "mark"


@dataclass(frozen=True, slots=True)
class VirtualRow:
    """A line of VIRTUAL SERVERS, in the words of the original."""

    n: int
    name: str
    active: bool
    vip: str
    netmask: str
    port: str
    protocol: str
    interface: str
    servers: int


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A line of REAL SERVER."""

    m: int
    name: str
    active: bool
    address: str
    port: str
    weight: int


def virtual_rows(cluster: Cluster) -> list[VirtualRow]:
    return [_virtual_row(v, n) for n, v in enumerate(cluster.virtuals, 1)]


def _virtual_row(v: VirtualServer, n: int) -> VirtualRow:
    port = f"{MARKED} {v.fwmark}" if v.fwmark else str(v.port)
    return VirtualRow(
        n=n,
        name=readable(v.name),
        active=v.active,
        vip=readable(v.address.address) if v.address else "n/a",
        netmask=_mask(v.netmask),
        port=port,
        protocol=v.protocol,
        interface=readable(v.address.device) if v.address else "n/a",
        servers=len(v.servers),
    )


def _mask(prefix: int | None) -> str:
    if prefix is None:
        return "Unused"
    return mask_of_prefix(prefix) if prefix <= 32 else f"/{prefix}"


def server_row(server: RealServer, m: int) -> ServerRow:
    return ServerRow(
        m=m,
        name=readable(server.name),
        active=server.active,
        address=readable(server.address),
        port="" if server.port is None else str(server.port),
        weight=server.weight,
    )


def new_name(form: PanelForm, field: str, present: str, others: Sequence[str]) -> str:
    """The name that a form gives; blank keeps the old one, blanks become `_`.

    A name that is not allowed is refused at its field, and the old one returned.
    """
    typed = form.text(field)
    name = typed.replace(" ", "_")
    if not typed or typed == readable(present):
        return present
    try:
        rules.one_line(typed)
        rules.name(name)
        rules.unique(name, others)
    except ValueError as error:
        form.refuse(field, str(error))
        return present
    return name


def why_not_active(entry: VirtualServer | RealServer) -> list[str]:
    """What is missing before an entry may be activated, in sentences."""
    if isinstance(entry, VirtualServer):
        unset = not is_set(entry.address) and not entry.fwmark
        placeholder = virtual.PLACEHOLDER
    else:
        unset = entry.address == UNSET_ADDRESS
        placeholder = real.PLACEHOLDER
    name = readable(entry.name)
    reasons = []
    if unset:
        reasons.append(f"{name} cannot be activated: it has no address yet.")
    if entry.name.startswith(placeholder.rstrip("]")) and entry.name.endswith("]"):
        reasons.append(f"{name} cannot be activated: give it a name of its own first.")
    return reasons
