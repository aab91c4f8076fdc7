"""Floating addresses: which ones a cluster wants, and the changes that bring them up or down.

Three rules keep a machine reachable. An address that we did not add is never removed.
A device without an alias gets its address beside the ones it has; no device is ever
replaced or shut. Additions come before removals wherever the kernel allows it.

What is present, and which of it we added, comes from outside: nothing is read here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_interface
from typing import NamedTuple

from lvs_engine.config.addresses import canonical
from lvs_engine.config.model import Cluster, FloatingAddress, pools
from lvs_engine.values import Forwarding


class AddressKey(NamedTuple):
    """One address on one device, as the kernel tells them apart.

    Attributes:
        device: without alias, such as `eth0`.
        address: canonical text.
        prefix: length, 0-32 or 0-128.
    """

    device: str
    address: str
    prefix: int

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix} on {self.device}"


class PresentAddress(NamedTuple):
    """An address that the kernel has.

    Attributes:
        label: `eth0:1`, or the device's own name; empty for IPv6.
        secondary: the kernel removes it together with the first of its subnet.
    """

    key: AddressKey
    label: str = ""
    secondary: bool = False


@dataclass(frozen=True, slots=True)
class WantedAddress:
    """An address that an active router holds.

    Attributes:
        label: alias label, or empty for none.
        purpose: `virtual NAME` or `nat_router`.
        note: what a person should know of it, or empty.
    """

    key: AddressKey
    label: str
    purpose: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The addresses of a cluster, and sentences on those that cannot be had."""

    addresses: tuple[WantedAddress, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddAddress:
    key: AddressKey
    label: str = ""


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    key: AddressKey


AddressChange = AddAddress | RemoveAddress


@dataclass(frozen=True, slots=True)
class AddressRefusal:
    """A change that the kernel did not carry out.

    Attributes:
        errno: the kernel's error name.
        message: what it means and what to do, in a sentence.
    """

    change: AddressChange
    errno: str
    message: str


@dataclass(frozen=True, slots=True)
class Interfaces:
    """What the node has at one moment.

    Attributes:
        hardware: hardware address (six bytes) of each Ethernet device.
        linkless: devices that are down or without carrier.
    """

    addresses: tuple[PresentAddress, ...] = ()
    hardware: Mapping[str, bytes] = field(default_factory=dict)
    linkless: frozenset[str] = frozenset()


def wanted(cluster: Cluster, resolve: Mapping[str, str]) -> Wanted:
    """Every floating address of the active services, each one once.

    Args:
        cluster: the configuration.
        resolve: address text for each host name in the file; one that is missing is a
            problem in words, never an exception.

    Returns:
        The inside router address first (only with `network = nat`), then the VIPs in
        the order of the file. The first service that names an address decides its device.
    """
    found: dict[str, WantedAddress] = {}
    problems: dict[str, None] = {}
    for floating, netmask, mask_keyword, purpose in _floating(cluster):
        text = canonical(resolve.get(floating.address, floating.address))
        if not text:
            problems[f"{purpose}: host name {floating.address} has no address"] = None
        elif not floating.device:
            problems[f"{purpose}: {text} has no device, such as eth0:1"] = None
        elif text not in found:
            found[text] = _wanted(text, floating.device, netmask, mask_keyword, purpose)
    return Wanted(tuple(found.values()), tuple(problems))


def host_names(cluster: Cluster) -> set[str]:
    """The names that `wanted` needs in `resolve`."""
    return {f.address for f, *_ in _floating(cluster) if not canonical(f.address)}


def diff(
    wanted_addresses: Sequence[WantedAddress],
    present: Sequence[PresentAddress],
    ours: Collection[AddressKey],
) -> list[AddressChange]:
    """The changes from what is present to what is wanted.

    Args:
        wanted_addresses: empty to withdraw everything.
        present: all addresses of the node.
        ours: keys that we added; only these are ever removed.
    """
    kept = {w.key for w in wanted_addresses}
    gone = [p for p in present if p.key in ours and p.key not in kept]
    additions = [
        AddAddress(w.key, w.label)
        for w in wanted_addresses
        if _is_missing(w.key, present, ours)
    ]
    # Put back what the kernel takes along with the first address of a subnet.
    additions += [
        AddAddress(p.key, p.label)
        for p in present
        if p.secondary and p not in gone and _follows(p.key, gone)
    ]
    late = [a for a in additions if _follows(a.key, gone)]
    return [
        *(a for a in additions if a not in late),
        *(RemoveAddress(p.key) for p in sorted(gone, key=lambda p: not p.secondary)),
        *late,
    ]


def adopted(
    wanted_addresses: Iterable[WantedAddress],
    present: Iterable[PresentAddress],
    recorded: Collection[AddressKey],
) -> set[AddressKey]:
    """Which present addresses are ours: recorded by us, or wanted with our alias label.

    The label covers a lost record, and an address that the original program left.
    """
    labels = {(w.key.device, w.key.address): w.label for w in wanted_addresses}
    return {
        p.key
        for p in present
        if p.key in recorded
        or (p.label and p.label == labels.get((p.key.device, p.key.address)))
    }


def _floating(
    cluster: Cluster,
) -> Iterator[tuple[FloatingAddress, int | None, str, str]]:
    """Address, prefix length, the keyword that would set it, and purpose."""
    if cluster.network is Forwarding.NAT and cluster.nat_router:
        yield cluster.nat_router, cluster.nat_netmask, "nat_nmask", "nat_router"
    for identity, virtual, _ in pools(cluster):
        if not (virtual.active and virtual.address):
            continue
        purpose = f"virtual {identity}"
        yield virtual.address, virtual.netmask, "vip_nmask", purpose
        for extra in virtual.extra_addresses:
            device = extra.device or virtual.address.device
            same_family = (":" in extra.address) == (":" in virtual.address.address)
            netmask = virtual.netmask if same_family else None
            yield FloatingAddress(extra.address, device), netmask, "vip_nmask", purpose


def _wanted(
    address: str, device: str, netmask: int | None, keyword: str, purpose: str
) -> WantedAddress:
    base = device.partition(":")[0]
    is_ipv6 = ":" in address
    full = 128 if is_ipv6 else 32
    # A mask of 0 means "none given", as in the original.
    prefix = netmask if netmask and netmask <= full else full
    label = device if device != base and not is_ipv6 else ""
    note = "" if netmask else f"no {keyword}: taken as /{full}"
    return WantedAddress(AddressKey(base, address, prefix), label, purpose, note)


def _is_missing(
    key: AddressKey, present: Iterable[PresentAddress], ours: Collection[AddressKey]
) -> bool:
    """Absent, or ours with another prefix; somebody else's prefix is left as it is."""
    there = [p.key for p in present if p.key[:2] == key[:2]]
    return not there or (key not in there and any(k in ours for k in there))


def _follows(key: AddressKey, gone: Iterable[PresentAddress]) -> bool:
    """Whether `key` can be there only after one of `gone` has left.

    The kernel removes the secondaries of an IPv4 subnet together with its first
    address, and holds an IPv6 address once whatever its prefix.
    """
    for leaving in gone:
        if ":" in key.address:
            if leaving.key[:2] == key[:2]:
                return True
        elif not leaving.secondary and _same_subnet(key, leaving.key):
            return True
    return False


def _same_subnet(one: AddressKey, other: AddressKey) -> bool:
    return one.device == other.device and _network(one) == _network(other)


def _network(key: AddressKey) -> object:
    return ip_interface(f"{key.address}/{key.prefix}").network
