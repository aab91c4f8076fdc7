"""Rules over `ADDRESS DEVICE`: can it be brought up, and does it disturb another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lvs_engine.config import addresses
from lvs_engine.config.document import Scope
from lvs_engine.config.model import UNSET_ADDRESS, Cluster, FloatingAddress
from lvs_engine.config.problems import Severity
from lvs_engine.config.validation.finding import (
    Finding,
    Place,
    failover_in_use,
    grade,
    virtual_in_use,
)
from lvs_engine.values import Forwarding

_DEVICE = re.compile(r"[^\s/:]+(?::[^\s/:]+)?")
_MULTICAST = 224


class Floating(NamedTuple):
    """One floating address and where it stands.

    Attributes:
        word: of the address in the value; the device is the next.
    """

    value: FloatingAddress
    used: bool
    place: Place
    keyword: str
    word: int = 0

    def finding(
        self, severity: Severity, code: str, message: str, word: int
    ) -> Finding:
        place, keyword = self.place, self.keyword
        return Finding(severity, code, message, place, (keyword,), self.word + word)


def floating(cluster: Cluster) -> Iterator[Floating]:
    """Every floating address of the file that is set, in order."""
    if cluster.nat_router is not None:
        used = cluster.network is Forwarding.NAT
        yield Floating(cluster.nat_router, used, Place(), "nat_router")
    for index, failover in enumerate(cluster.failovers):
        if failover.address is not None:
            place = Place(Scope.FAILOVER, index)
            used = failover_in_use(cluster, failover)
            yield Floating(failover.address, used, place, "address")
    for index, virtual in enumerate(cluster.virtuals):
        place = Place(Scope.VIRTUAL, index)
        used = virtual_in_use(cluster, virtual)
        if virtual.address is not None:
            yield Floating(virtual.address, used, place, "address")
        for number, extra in enumerate(virtual.extra_addresses):
            yield Floating(extra, used, place, "extra_addresses", 1 + 2 * number)


def devices(cluster: Cluster) -> Iterator[Finding]:
    """The kernel takes names of up to 15 characters; an alias is `eth0:1` (KF-40)."""
    for item in floating(cluster):
        device, keyword = item.value.device, item.keyword
        if not device:
            yield item.finding(
                grade(item.used),
                "missing-device",
                f"missing arguments: {keyword} needs an address and a device, such as "
                f"`{keyword} = {item.value.address} eth0:1`",
                1,
            )
        elif len(device) > 15 or not _DEVICE.fullmatch(device):
            yield item.finding(
                grade(item.used),
                "bad-device",
                f"the device must be an interface with an alias, such as eth0:1, of up "
                f"to 15 characters, got {device}",
                1,
            )
        elif ":" not in device:
            yield item.finding(
                Severity.WARNING,
                "no-alias",
                f"{device} has no alias number: the address is added to the interface; "
                f"the original replaced the interface's own, write {device}:1",
                1,
            )


def kinds(cluster: Cluster) -> Iterator[Finding]:
    for item in floating(cluster):
        address = item.value.address
        if addresses.family(address) == 4:
            odd = int(address.partition(".")[0]) >= _MULTICAST
        else:
            odd = address.lower().startswith("ff") and ":" in address
        if odd:
            yield item.finding(
                grade(item.used),
                "not-unicast",
                f"{address} is a multicast or broadcast address; {item.keyword} must be "
                "the address of one machine",
                0,
            )


def labels(cluster: Cluster) -> Iterator[Finding]:
    """Two addresses on one label: the second took the place of the first (KF-40)."""
    first: dict[str, str] = {}
    home: dict[str, str] = {}
    for item in floating(cluster):
        address, device = item.value.address, item.value.device
        if not item.used or not device or address == UNSET_ADDRESS:
            continue
        if ":" in device and first.setdefault(device, address) != address:
            yield item.finding(
                Severity.ERROR,
                "label-taken",
                f"{device} already carries {first[device]}; each address needs an alias "
                f"of its own, such as {_next_label(device, first)}",
                1,
            )
        elif home.setdefault(address, device) != device:
            yield item.finding(
                Severity.WARNING,
                "two-devices",
                f"{address} is also on {home[address]}; one device is enough",
                1,
            )


def _next_label(device: str, taken: dict[str, str]) -> str:
    base = device.partition(":")[0]
    number = 1
    while f"{base}:{number}" in taken:
        number += 1
    return f"{base}:{number}"


RULES = (devices, kinds, labels)
