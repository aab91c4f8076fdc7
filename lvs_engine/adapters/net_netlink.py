"""The node's addresses and links, read and changed through the kernel's rtnetlink.

Calls block for milliseconds; a daemon makes them in a worker thread. No rule lives
here: what to add and remove is decided in `lvs_engine.network.addresses`.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from ipaddress import ip_address, ip_interface
from typing import Any

from lvs_engine.errors import KernelError
from lvs_engine.network.addresses import (
    AddAddress,
    AddressChange,
    AddressKey,
    AddressRefusal,
    Interfaces,
    PresentAddress,
)

_IPV4 = 2
_SECONDARY = 0x01  # IFA_F_SECONDARY; in IPv6 the same bit means "temporary"
_NO_DUPLICATE_TEST = 0x02  # IFA_F_NODAD: a tentative address takes no traffic
_ETHERNET = 1  # ARPHRD_ETHER
_LINK = 0x1 | 0x10000  # IFF_UP and IFF_LOWER_UP: the second one is the carrier

_REMEDIES = {
    "EPERM": "pulse needs CAP_NET_ADMIN: start it as root",
    "EACCES": "IPv6 is switched off on this device (net.ipv6.conf.DEVICE.disable_ipv6)",
    "ENODEV": "there is no such device",
    "EINVAL": "the kernel does not take this address, prefix length or label",
    "ERANGE": "the label is longer than the 15 characters that the kernel allows",
}


class NetlinkAddresses:
    """`ports.Addresses` on the network namespace of the process."""

    def look(self) -> Interfaces:
        """All addresses, and the hardware address of each Ethernet device.

        Raises:
            KernelError: when netlink cannot be used.
        """
        from pyroute2 import IPRoute

        try:
            with IPRoute() as kernel:
                links = list(kernel.get_links())
                addresses = list(kernel.get_addr())
        except OSError as error:
            raise KernelError(f"cannot read the addresses: {error}") from error
        names = {link["index"]: link.get("ifname") for link in links}
        hardware = {
            link.get("ifname"): bytes.fromhex(link.get("address").replace(":", ""))
            for link in links
            if link["ifi_type"] == _ETHERNET and link.get("address")
        }
        # A link may vanish between the two dumps: its addresses go with it.
        known = [a for a in addresses if a["index"] in names]
        linkless = frozenset(
            str(link.get("ifname")) for link in links if link["flags"] & _LINK != _LINK
        )
        return Interfaces(
            tuple(_present(names[a["index"]], a) for a in known), hardware, linkless
        )

    def apply(self, changes: Sequence[AddressChange]) -> list[AddressRefusal]:
        """Carry out the changes in order; report each one that was refused.

        An address that is there already, or gone already, is no refusal.
        """
        from pyroute2 import IPRoute, NetlinkError

        refusals = []
        try:
            with IPRoute() as kernel:
                for change in changes:
                    try:
                        _apply(kernel, change)
                    except NetlinkError as error:
                        refusals += _refusal(change, error.code)
        except OSError as error:
            raise KernelError(f"cannot change the addresses: {error}") from error
        return refusals


def _present(device: str, message: Any) -> PresentAddress:
    # The local end of a point-to-point link is in `local`; IPv6 has only `address`.
    text = message.get("local") or message.get("address")
    key = AddressKey(device, str(ip_address(text)), message["prefixlen"])
    is_ipv4 = message["family"] == _IPV4
    # IFA_FLAGS has all bits; the header's field only the lowest eight.
    flags = message.get("IFA_FLAGS") or message["flags"]
    secondary = is_ipv4 and bool(flags & _SECONDARY)
    return PresentAddress(key, message.get("label") or "", secondary)


def _apply(kernel: Any, change: AddressChange) -> None:
    key = change.key
    found = kernel.link_lookup(ifname=key.device)
    index = found[0] if found else 0
    if not isinstance(change, AddAddress):
        kernel.addr("del", index=index, address=key.address, prefixlen=key.prefix)
        return
    options: dict[str, Any] = {}
    if ":" in key.address:
        options["flags"] = _NO_DUPLICATE_TEST
    else:
        if change.label:
            options["label"] = change.label
        if key.prefix < 31:
            network = ip_interface(f"{key.address}/{key.prefix}").network
            options["broadcast"] = str(network.broadcast_address)
    kernel.addr(
        "add", index=index, address=key.address, prefixlen=key.prefix, **options
    )


def _refusal(change: AddressChange, code: int) -> list[AddressRefusal]:
    adding = isinstance(change, AddAddress)
    harmless = {errno.EEXIST} if adding else {errno.EADDRNOTAVAIL, errno.ENODEV}
    if code in harmless:
        return []
    name = errno.errorcode.get(code, str(code))
    action = "added" if adding else "removed"
    remedy = _REMEDIES.get(name, "the kernel refused it")
    return [
        AddressRefusal(change, name, f"{change.key} not {action}: {name}, {remedy}")
    ]
