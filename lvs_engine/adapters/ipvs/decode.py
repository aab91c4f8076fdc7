"""What IPVS answers to a dump, as values of the model and its statistics.

Only bytes: no socket. Rows are turned into values with everything that repeats kept
(addresses, whole destinations), since a large table is read on every pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address
from socket import AF_INET, AF_INET6, inet_ntoa, ntohs
from sys import byteorder
from typing import Any, Final

from lvs_engine.adapters.ipvs import constants as c
from lvs_engine.adapters.ipvs import netlink as nl
from lvs_engine.adapters.ipvs.codec import (
    CHECKSUMS,
    FORWARDING,
    PROTOCOLS,
    SCHEDULER_FLAGS,
    TUNNELS,
)
from lvs_engine.adapters.ipvs.layout import Path, Row, Shapes
from lvs_engine.ports import Counters, DestinationStatistics, Timeouts
from lvs_engine.table.model import (
    MASK_WITH_HOLES,
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
)
from lvs_engine.values import Forwarding, TunnelType

_S, _D = c.ATTR_SERVICE, c.ATTR_DEST

_SERVICE_COUNTERS: Final[dict[Path, Any]] = {
    (_S, c.SVC_STATS64, counter): 0 for counter in range(1, c.STATS_OUTBYTES + 1)
}
_DESTINATION_COUNTERS: Final[dict[Path, Any]] = {
    (_D, c.DEST_STATS64, counter): 0 for counter in range(1, c.STATS_OUTBYTES + 1)
}
SERVICES: Final = Shapes(
    {
        (_S, c.SVC_AF): AF_INET,
        (_S, c.SVC_PROTOCOL): 0,
        (_S, c.SVC_ADDR): b"",
        (_S, c.SVC_PORT): 0,
        (_S, c.SVC_FWMARK): 0,
        (_S, c.SVC_SCHED_NAME): b"",
        (_S, c.SVC_FLAGS): b"",
        (_S, c.SVC_TIMEOUT): 0,
        (_S, c.SVC_NETMASK): b"",
        (_S, c.SVC_PE_NAME): b"",
        **_SERVICE_COUNTERS,
    },
    # Texts and flags whose length happens to be that of an integer stay bytes.
    raw=[
        (_S, c.SVC_ADDR),
        (_S, c.SVC_SCHED_NAME),
        (_S, c.SVC_FLAGS),
        (_S, c.SVC_NETMASK),
        (_S, c.SVC_PE_NAME),
    ],
)
# In the kernel's order, so that rows need not be put in order.
DESTINATIONS: Final = Shapes(
    {
        (_D, c.DEST_ADDR): b"",
        (_D, c.DEST_PORT): 0,
        (_D, c.DEST_FWD_METHOD): 0,
        (_D, c.DEST_WEIGHT): 0,
        (_D, c.DEST_TUN_TYPE): 0,
        (_D, c.DEST_TUN_PORT): 0,
        (_D, c.DEST_TUN_FLAGS): 0,
        (_D, c.DEST_U_THRESH): 0,
        (_D, c.DEST_L_THRESH): 0,
        (_D, c.DEST_ADDR_FAMILY): 0,
    },
    raw=[(_D, c.DEST_ADDR)],
)
DESTINATION_STATISTICS: Final = Shapes(
    {
        (_D, c.DEST_ADDR): b"",
        (_D, c.DEST_PORT): 0,
        (_D, c.DEST_ACTIVE_CONNS): 0,
        (_D, c.DEST_INACT_CONNS): 0,
        (_D, c.DEST_PERSIST_CONNS): 0,
        (_D, c.DEST_ADDR_FAMILY): 0,
        **_DESTINATION_COUNTERS,
    },
    raw=[(_D, c.DEST_ADDR)],
)

_PROTOCOL_NAMES: Final = {number: name for name, number in PROTOCOLS.items()}
_FORWARDING: Final = {number: method for method, number in FORWARDING.items()}
_TUNNELS: Final = {number: kind for kind, number in TUNNELS.items()}
_CHECKSUMS: Final = {number: name for name, number in CHECKSUMS.items()}


def service(row: Row) -> tuple[ServiceKey, Service, Counters]:
    """One answer to `codec.get_services`, read by `SERVICES`."""
    af, protocol, address, port, mark, *options = row[:10]
    family = 6 if af == AF_INET6 else 4
    if mark:
        key = ServiceKey(family, "", "", 0, mark)
    else:
        name = _PROTOCOL_NAMES.get(protocol) or str(protocol)
        key = ServiceKey(family, name, _address(address, family), ntohs(port))
    value = _service(family, *options)
    return key, value, Counters._make(row[10:])


def destinations(rows: Iterable[Row], family: int) -> dict[DestinationKey, Destination]:
    """All answers to one `codec.get_destinations`, read by `DESTINATIONS`.

    Args:
        rows: the answers.
        family: 4 or 6 of the service, for kernels that tell no family of their own.
    """
    key, entry = _destination_key, _destination
    return {
        key(address, port, af, family): entry(method, weight, kind, hole, sums, up, low)
        for address, port, method, weight, kind, hole, sums, up, low, af in rows
    }


def destination_statistics(
    rows: Iterable[Row], family: int
) -> dict[DestinationKey, DestinationStatistics]:
    """The same answers, read for their counters by `DESTINATION_STATISTICS`."""
    key, value = _destination_key, _destination_statistics
    return {
        key(address, port, af, family): value(
            live, idle, held, new, in_, out, b_in, b_out
        )
        for address, port, live, idle, held, af, new, in_, out, b_in, b_out in rows
    }


def timeouts(message: bytes) -> Timeouts:
    """The answer to `codec.get_timeouts`."""
    found = words(message)
    return Timeouts(
        tcp=found.get(c.ATTR_TIMEOUT_TCP, 0),
        tcpfin=found.get(c.ATTR_TIMEOUT_TCP_FIN, 0),
        udp=found.get(c.ATTR_TIMEOUT_UDP, 0),
    )


def info(message: bytes) -> tuple[tuple[int, int, int], int]:
    """The answer to `codec.get_info`: IPVS version, size of the connection table."""
    found = words(message)
    version = found.get(c.INFO_VERSION, 0)
    parts = (version >> 16 & 0xFF, version >> 8 & 0xFF, version & 0xFF)
    return parts, found.get(c.INFO_CONN_TAB_SIZE, 0)


def words(message: bytes) -> dict[int, int]:
    """Outermost attributes read as numbers in host order."""
    return {
        kind: int.from_bytes(message[start:end], byteorder)
        for kind, start, end in nl.attributes(message, nl.BODY, len(message))
    }


def text(value: bytes) -> str:
    """A string up to its closing zero byte."""
    return value.split(b"\0", 1)[0].decode("ascii", "replace")


# Every pass reads the same keys: kept, they cost a third, and are found at once in the
# table that they are compared with.
@lru_cache(maxsize=65536)
def _destination_key(raw: bytes, port: int, af: int, family: int) -> DestinationKey:
    if af:
        family = 6 if af == AF_INET6 else 4
    return DestinationKey(_address(raw, family), ntohs(port))


@lru_cache(maxsize=4096)
def _destination_statistics(
    active: int, inactive: int, persistent: int, *counters: int
) -> DestinationStatistics:
    return DestinationStatistics(Counters._make(counters), active, inactive, persistent)


@lru_cache(maxsize=4096)
def _address(raw: bytes, family: int) -> str:
    """Canonical text; the kernel gives 16 bytes for IPv4 too."""
    return str(IPv6Address(raw)) if family == 6 else inet_ntoa(raw[:4])


@lru_cache(maxsize=4096)
def _service(
    family: int,
    scheduler: bytes,
    flags: bytes,
    timeout: int,
    mask: bytes,
    engine: bytes,
) -> Service:
    name = text(scheduler)
    bits = int.from_bytes(flags[:4], byteorder)
    return Service(
        scheduler=name,
        flags=_scheduler_flags(name, bits),
        persistent=timeout if bits & c.SVC_F_PERSISTENT else 0,
        netmask=_prefix(family, mask),
        persistence_engine=text(engine),
        one_packet=bool(bits & c.SVC_F_ONEPACKET),
    )


def _scheduler_flags(scheduler: str, bits: int) -> tuple[str, ...]:
    """Names of the scheduler's own flags.

    The bits mean the same for sh and mh; for any other scheduler they mean nothing,
    but they are in the kernel all the same, and are named as sh's are.
    """
    prefix = "mh-" if scheduler == "mh" else "sh-"
    return tuple(
        sorted(
            flag
            for flag, bit in SCHEDULER_FLAGS.items()
            if bits & bit and flag.startswith((prefix, "flag-"))
        )
    )


def _prefix(family: int, raw: bytes) -> int:
    if family == 6:
        return int.from_bytes(raw, byteorder)
    mask = int.from_bytes(raw, "big")
    prefix = mask.bit_count()
    contiguous = (0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF
    return prefix if mask == contiguous else MASK_WITH_HOLES


@lru_cache(maxsize=1024)
def _destination(
    forwarding: int,
    weight: int,
    tunnel: int,
    tunnel_port: int,
    checksum: int,
    upper: int,
    lower: int,
) -> Destination:
    # Local node and bypass are the kernel's own; nobody can ask for them.
    method = _FORWARDING.get(forwarding & c.FWD_MASK, Forwarding.DIRECT)
    return Destination(
        forwarding=method,
        weight=weight,
        upper=upper,
        lower=lower,
        tunnel_type=_TUNNELS.get(tunnel, TunnelType.IPIP),
        tunnel_port=ntohs(tunnel_port),
        tunnel_checksum=_CHECKSUMS.get(checksum, "csum"),
    )
