"""The fields of a real server, and a new one."""

from __future__ import annotations

from lvs_engine.config.directives import Scope
from lvs_engine.config.model import RealServer, VirtualServer
from piranha_web.forms import choices, rules
from piranha_web.forms.entries import Entry, Kind
from piranha_web.forms.virtual import free_name

_S = Scope.SERVER

PLACEHOLDER = "[unnamed]"
BASIC = ("name", "address", "port", "weight")
MORE = (
    "forward",
    "tunnel_type",
    "tunnel_port",
    "tunnel_checksum",
    "upper_threshold",
    "lower_threshold",
)


def entries() -> list[Entry]:
    return [
        Entry(
            "name",
            "",
            _S,
            "Name:",
            size=30,
            help="A description, not a host name. Blanks become _.",
        ),
        Entry(
            "address",
            "address",
            _S,
            "Address:",
            size=39,
            needed=True,
            rule=_address,
            help="The address of the real server, without a port.",
        ),
        Entry(
            "port",
            "port",
            _S,
            "Port:",
            size=8,
            rule=rules.decimal,
            help="Leave blank for the virtual server's application port.",
        ),
        Entry(
            "weight",
            "weight",
            _S,
            "Weight:",
            size=8,
            needed=True,
            rule=rules.decimal,
        ),
        Entry(
            "forward",
            "forward",
            _S,
            "Network type of this server:",
            Kind.SELECT,
            choices=choices.FORWARDINGS,
        ),
        Entry(
            "tunnel_type",
            "tunnel_type",
            _S,
            "Tunnel type:",
            Kind.SELECT,
            choices=choices.TUNNEL_TYPES,
        ),
        Entry(
            "tunnel_port", "tunnel_port", _S, "Tunnel port:", size=8, rule=rules.decimal
        ),
        Entry(
            "tunnel_checksum",
            "tunnel_checksum",
            _S,
            "Tunnel checksum:",
            Kind.SELECT,
            choices=choices.CHECKSUMS,
        ),
        Entry(
            "upper_threshold",
            "upper_threshold",
            _S,
            "Upper threshold:",
            size=12,
            rule=rules.decimal,
        ),
        Entry(
            "lower_threshold",
            "lower_threshold",
            _S,
            "Lower threshold:",
            size=12,
            rule=rules.decimal,
        ),
    ]


def _address(text: str) -> None:
    """`10.0.0.1:80` is what people type; the port has a field of its own."""
    head, colon, tail = text.rpartition(":")
    if colon and tail.isdigit() and ("." in head or head.startswith("[")):
        raise ValueError(f"must be an address without a port: put {tail} into Port")
    rules.machine(text)


def new(virtual: VirtualServer) -> RealServer:
    """A new entry as ADD makes it: out of use, weight 1."""
    return RealServer(free_name(PLACEHOLDER, (s.name for s in virtual.servers)))
