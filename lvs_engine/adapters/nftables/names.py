"""How services and real servers are written in the names and comments of our table.

The kernel's table is the only record of what is loaded, so a name can be read back:
`tcp-192.0.2.10-80` is a service, `tcp-192.0.2.10-80-to-10.0.0.1-8080` a real server in
it. What a name cannot say (scheduler, weight, thresholds) stands in rule comments.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final, NamedTuple

from lvs_engine.table.model import Destination, DestinationKey, Service, ServiceKey
from lvs_engine.values import Forwarding

GENERATION: Final = "1"
"""To be raised when the same table is written as other rules: old rules then count as
changed by hand, and the next pass replaces them."""

NEW: Final = "new"
IN: Final = "in"
OUT: Final = "out"
CLIENTS: Final = "clients"
TRAFFIC: Final = "traffic"

_NAME: Final = re.compile(
    r"(?P<service>(?:tcp|udp|sctp)-[^-]+-\d+|mark[46]-\d+)"
    r"(?:-to-(?P<address>[^-]+)-(?P<port>\d+))?"
    r"(?:-(?P<part>new|in|out|clients|traffic))?"
)
_SERVICE: Final = re.compile(
    r"scheduler=(\S+) persistent=(\d+) netmask=(\d+) flags=(\S*) #[0-9a-f]{8}"
)
_DESTINATION: Final = re.compile(r"weight=(\d+) upper=(\d+) lower=(\d+) #[0-9a-f]{8}")


class Owner(NamedTuple):
    """What a name belongs to.

    Attributes:
        destination: None for a part of the service itself.
        part: new, in, out, clients, traffic; empty for the chain that chooses.
    """

    service: ServiceKey
    destination: DestinationKey | None
    part: str


def service_name(key: ServiceKey) -> str:
    if key.fwmark:
        return f"mark{key.family}-{key.fwmark}"
    return f"{key.protocol}-{_word(key.address)}-{key.port}"


def destination_name(service: ServiceKey, key: DestinationKey) -> str:
    return f"{service_name(service)}-to-{_word(key.address)}-{key.port}"


# Cached: a listing names everything several times, and every listing the same things.
@lru_cache(maxsize=1 << 16)
def owner(name: str) -> Owner | None:
    """Whose name that is; None when it is none of a service."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    destination = None
    if match["address"]:
        destination = DestinationKey(_address(match["address"]), int(match["port"]))
    return Owner(_service_key(match["service"]), destination, match["part"] or "")


def fingerprint(*values: object) -> str:
    """`#` and eight hexadecimal digits that change with any of the values."""
    text = repr((GENERATION, values))
    return f"#{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"


def service_comment(service: Service, mark: str) -> str:
    return (
        f"scheduler={service.scheduler} persistent={service.persistent} "
        f"netmask={service.netmask} flags={','.join(service.flags)} {mark}"
    )


def read_service(comment: str) -> Service | None:
    """The entry of a service from its comment; None when it is not one of ours."""
    match = _SERVICE.fullmatch(comment)
    if match is None:
        return None
    flags = tuple(flag for flag in match[4].split(",") if flag)
    return Service(match[1], flags, int(match[2]), int(match[3]))


def destination_comment(entry: Destination, mark: str) -> str:
    return f"weight={entry.weight} upper={entry.upper} lower={entry.lower} {mark}"


def schedule_comment(mark: str, shares: str) -> str:
    return f"schedule {mark} {shares}"


def read_shares(comment: str) -> str:
    """The word for the slots; empty when the comment is none of a scheduler."""
    words = comment.split()
    return words[2] if len(words) == 3 and words[0] == "schedule" else ""


def read_destination(comment: str) -> Destination | None:
    """The entry of a real server from its comment; None when it is not one of ours."""
    match = _DESTINATION.fullmatch(comment)
    if match is None:
        return None
    return Destination(Forwarding.NAT, int(match[1]), int(match[2]), int(match[3]))


def _service_key(name: str) -> ServiceKey:
    first, *rest = name.split("-")
    if first.startswith("mark"):
        return ServiceKey(int(first[-1]), "", "", 0, int(rest[0]))
    address = _address(rest[0])
    return ServiceKey(6 if ":" in address else 4, first, address, int(rest[1]))


# nft takes no colon in a name.
def _word(address: str) -> str:
    return address.replace(":", "_")


def _address(word: str) -> str:
    return word.replace("_", ":")
