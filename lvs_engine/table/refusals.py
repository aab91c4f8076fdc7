"""What no kernel accepts, and what the kernel's error names mean, in sentences.

`impossible` looks at a change alone; whether the thing that it changes is there
depends on the table and is left to the data plane.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, assert_never

from lvs_engine.table.model import (
    Destination,
    Service,
    Table,
)
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    Refusal,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from lvs_engine.values import Forwarding, TunnelType

Fault = tuple[str, str]
"""Error name, and the sentence without its subject."""

UNSUPPORTED: Final = "UNSUPPORTED"

MAX_WEIGHT: Final = 65535
MAX_CONNECTIONS: Final = 0xFFFFFFFF
MAX_PERSISTENCE_S: Final = 31 * 24 * 3600
"""As ipvsadm has it. The kernel counts in ticks of 32 bits, up to 1000 a second, and a
longer time would silently come out short."""

MAX_NAME: Final = 15  # characters of a scheduler or persistence engine
MAX_MARK: Final = 0xFFFFFFFF

SCHEDULER_FLAGS: Final = {
    "sh": ("flag-3", "sh-fallback", "sh-port"),
    "mh": ("flag-3", "mh-fallback", "mh-port"),
}


def impossible(change: Change) -> Refusal | None:
    """Why no kernel would carry out this change; None if it depends."""
    fault = None
    match change:
        case AddDestination(service, key, entry) | SetDestination(service, key, entry):
            mixed = (":" in key.address) != (service.family == 6)
            fault = _destination_fault(entry, mixed)
            subject = f"{service}: real server {key}" if fault else ""
        case AddService(key, service) | SetService(key, service):
            fault = _service_fault(key.family, key.fwmark, service)
            subject = str(key) if fault else ""
        case RemoveService() | RemoveDestination():
            return None
        case _:
            assert_never(change)
    if fault is None:
        return None
    return Refusal(change, fault[0], f"{subject}: {fault[1]}")


def impossible_in(table: Table) -> list[Refusal]:
    """Everything of a table that no kernel would accept."""
    changes: list[Change] = []
    for key, pool in table.items():
        changes.append(AddService(key, pool.service))
        changes += (AddDestination(key, k, d) for k, d in pool.destinations.items())
    return [refusal for change in changes if (refusal := impossible(change))]


def refused(change: Change, errno: str, text: str = "") -> Refusal:
    """A refusal with the meaning of the kernel's error name for this change.

    Args:
        change: what was asked.
        errno: the kernel's error name.
        text: the system's own words, for a name that has no meaning here.
    """
    return Refusal(change, errno, _meaning(change, errno, text))


def _meaning(change: Change, errno: str, text: str) -> str:
    match errno, change:
        case "ESRCH", AddDestination(service) | SetDestination(service) | (
            RemoveDestination(service)
        ):
            return f"{service}: there is no such service, so it has no real servers"
        case "ESRCH", SetService(key) | RemoveService(key):
            return f"{key}: there is no such service"
        case "EEXIST", AddService(key):
            return f"{key}: the service is there already"
        case "EEXIST", AddDestination(service, key):
            return f"{service}: real server {key} is there already"
        case "ENOENT", AddService(key, service) | SetService(key, service):
            engine = service.persistence_engine
            more = f", or no persistence engine {engine} (ip_vs_pe_{engine})"
            return (
                f"{key}: the kernel has no scheduler {service.scheduler} "
                f"(module ip_vs_{service.scheduler}){more if engine else ''}"
            )
        case "ENOENT", SetDestination(service, key) | RemoveDestination(service, key):
            return f"{service}: there is no real server {key}"
        case "EPERM", _:
            return "changing the table needs CAP_NET_ADMIN (root)"
        case "ENOMEM", _:
            return "the kernel has no memory for it; try again later"
        case "ERANGE", AddDestination(service, key) | SetDestination(service, key):
            return f"{service}: real server {key}: weight or thresholds out of range"
        case "EINVAL", AddDestination(service, key) | SetDestination(service, key):
            return (
                f"{service}: real server {key}: its address is no unicast address here, "
                "or its forwarding, family or tunnel does not go with the service (mixed "
                "families need tunnelling and no connection synchronisation)"
            )
        case "EAFNOSUPPORT", _:
            return "the kernel has no IPv6, or ip_vs was built without it"
        case _:
            return text or "the kernel gives no more than this name"


# Cached: a load asks for the same few entries tens of thousands of times.
@lru_cache(maxsize=1024)
def _service_fault(family: int, mark: int, service: Service) -> Fault | None:
    widest, narrowest = (128, 1) if family == 6 else (32, 0)
    allowed = SCHEDULER_FLAGS.get(service.scheduler, ("flag-3",))
    wrong = [name for name in service.flags if name not in allowed]
    faults = [
        (
            "ENOENT",
            f"scheduler {service.scheduler!r} is not a name of 1-{MAX_NAME} characters",
            not _is_name(service.scheduler),
        ),
        (
            "ENOENT",
            f"persistence engine {service.persistence_engine!r} is not a name of "
            f"1-{MAX_NAME} characters",
            bool(service.persistence_engine)
            and not _is_name(service.persistence_engine),
        ),
        (
            "EINVAL",
            f"scheduler {service.scheduler} has no flag {', '.join(wrong)}",
            bool(wrong),
        ),
        (
            "ERANGE",
            f"persistent {service.persistent} is not in 0-{MAX_PERSISTENCE_S} s",
            not 0 <= service.persistent <= MAX_PERSISTENCE_S,
        ),
        (
            "EINVAL",
            f"netmask /{service.netmask} is not in {narrowest}-{widest}",
            not narrowest <= service.netmask <= widest,
        ),
        (
            "EINVAL",
            f"mark {mark} is not in 1-{MAX_MARK}",
            not 0 <= mark <= MAX_MARK,
        ),
    ]
    return _first(faults)


@lru_cache(maxsize=1024)
def _destination_fault(entry: Destination, mixed: bool) -> Fault | None:
    tunnelled = entry.forwarding is Forwarding.TUNNEL
    gue = entry.tunnel_type is TunnelType.GUE
    faults = [
        (
            "ERANGE",
            f"weight {entry.weight} is not in 0-{MAX_WEIGHT}",
            not 0 <= entry.weight <= MAX_WEIGHT,
        ),
        (
            "ERANGE",
            f"thresholds {entry.lower} and {entry.upper} are not in 0-{MAX_CONNECTIONS}",
            not (0 <= entry.lower <= MAX_CONNECTIONS)
            or not (0 <= entry.upper <= MAX_CONNECTIONS),
        ),
        (
            "ERANGE",
            f"lower threshold {entry.lower} is above the upper one, {entry.upper}",
            entry.lower > entry.upper,
        ),
        (
            "EINVAL",
            "only tunnelling goes from one address family to the other",
            mixed and not tunnelled,
        ),
        (
            "EINVAL",
            "a gue tunnel needs a port, 1-65535",
            gue and not 1 <= entry.tunnel_port <= 65535,
        ),
        (
            "EINVAL",
            "only a gue tunnel has a port",
            not gue and entry.tunnel_port != 0,
        ),
    ]
    return _first(faults)


def _first(faults: list[tuple[str, str, bool]]) -> Fault | None:
    return next(((errno, text) for errno, text, present in faults if present), None)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and text.isascii() and text.isprintable()
