"""Tables and changes in the notation of ipvsadm, which administrators read fluently.

A line is what one would type after `ipvsadm`; a whole table is what `ipvsadm -Sn`
prints, in its order, with the connection thresholds that it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final, assert_never

from lvs_engine.table.model import (
    MASK_WITH_HOLES,
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from lvs_engine.values import Forwarding, TunnelType

_PROTOCOLS: Final = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
_NUMBERS: Final = {"tcp": 6, "udp": 17, "sctp": 132}
_FORWARDING: Final = {
    Forwarding.NAT: "-m",
    Forwarding.DIRECT: "-g",
    Forwarding.TUNNEL: "-i",
}
_CHECKSUMS: Final = {
    "none": "--tun-nocsum",
    "csum": "--tun-csum",
    "remcsum": "--tun-remcsum",
}


def table_as_text(table: Table) -> list[str]:
    """One line for each service and destination, in ipvsadm's order."""
    lines = []
    for key in sorted(table, key=_service_order):
        pool = table[key]
        lines.append(_service("-A", key, pool.service))
        lines += (
            _destination("-a", key, k, pool.destinations[k])
            for k in sorted(pool.destinations, key=_destination_order)
        )
    return lines


def changes_as_text(changes: Sequence[Change]) -> list[str]:
    """One line for each change, in the order in which they are to be made."""
    return list(map(change_as_text, changes))


def change_as_text(change: Change) -> str:
    match change:
        case AddService(key, service):
            return _service("-A", key, service)
        case SetService(key, service):
            return _service("-E", key, service)
        case RemoveService(key):
            return _words(["-D", *_selector(key)])
        case AddDestination(service, key, destination):
            return _destination("-a", service, key, destination)
        case SetDestination(service, key, destination):
            return _destination("-e", service, key, destination)
        case RemoveDestination(service, key):
            return _words(["-d", *_selector(service), "-r", str(key)])
        case _:
            assert_never(change)


def _service(command: str, key: ServiceKey, service: Service) -> str:
    words = [command, *_selector(key), "-s", service.scheduler]
    if service.persistent:
        words += ["-p", str(service.persistent)]
        if service.netmask != (128 if key.family == 6 else 32):
            words += ["-M", _netmask(key.family, service.netmask)]
    if service.persistence_engine:
        words += ["--pe", service.persistence_engine]
    if service.one_packet:
        words.append("-o")
    if service.flags:
        words += ["-b", ",".join(service.flags)]
    return _words(words)


def _destination(
    command: str, service: ServiceKey, key: DestinationKey, entry: Destination
) -> str:
    words = [command, *_selector(service), "-r", str(key)]
    words += [_FORWARDING[entry.forwarding], "-w", str(entry.weight)]
    if entry.upper or entry.lower:
        words += ["-x", str(entry.upper), "-y", str(entry.lower)]
    if entry.forwarding is Forwarding.TUNNEL:
        words += ["--tun-type", entry.tunnel_type]
        if entry.tunnel_type is TunnelType.GUE:
            words += ["--tun-port", str(entry.tunnel_port)]
        if entry.tunnel_type is not TunnelType.IPIP:
            words.append(_CHECKSUMS[entry.tunnel_checksum])
    return _words(words)


def _selector(key: ServiceKey) -> list[str]:
    if key.fwmark:
        return ["-f", str(key.fwmark), *(["-6"] if key.family == 6 else [])]
    # A protocol that ipvsadm cannot name is nobody's, but must not stop a listing.
    option = _PROTOCOLS.get(key.protocol, f"--protocol-{key.protocol}")
    return [option, str(DestinationKey(key.address, key.port))]


def _netmask(family: int, prefix: int) -> str:
    if prefix == MASK_WITH_HOLES:
        return "(a mask with holes)"
    if family == 6:
        return str(prefix)
    return str(ip_address((0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF))


def _service_order(key: ServiceKey) -> tuple[object, ...]:
    """Marks last; else by family, protocol, address and port."""
    if key.fwmark:
        return (1, key.fwmark, key.family)
    return (
        0,
        key.family,
        _NUMBERS.get(key.protocol, 255),
        int(ip_address(key.address)),
        key.port,
    )


def _destination_order(key: DestinationKey) -> tuple[int, int, int]:
    address = ip_address(key.address)
    return address.version, int(address), key.port


def _words(words: Iterable[str]) -> str:
    return " ".join(words)
