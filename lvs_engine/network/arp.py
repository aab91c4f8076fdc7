"""Announcements of a floating address, as bytes: ARP for IPv4, neighbour discovery for IPv6.

A neighbour that holds the old router's hardware address learns ours from them. The
ARP frame is the one that the original's `send_arp` sends, bit for bit. Nothing is sent
here, and nothing decided about when: the daemon repeats, an adapter sends.
"""

from __future__ import annotations

import re
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

BROADCAST = b"\xff" * 6

_ETHERTYPE_ARP = 0x0806
_ETHERTYPE_IPV6 = 0x86DD
_ARP_REPLY = 2
_SHORTEST_FRAME = 60  # without the checksum that the card adds

_ALL_NODES = IPv6Address("ff02::1")
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_ICMPV6 = 58
_NEIGHBOUR_ADVERTISEMENT = 136
_ROUTER = 0x80000000
_OVERRIDE = 0x20000000
_TARGET_LINK_ADDRESS = 2

_MAC = re.compile(r"(?:[0-9a-f]{12}|[0-9a-f]{2}(?::[0-9a-f]{2}){5})", re.IGNORECASE)


def parse_mac(text: str) -> bytes:
    """Six bytes from `02:00:5e:00:53:01` or `02005E005301`; ValueError otherwise."""
    if not _MAC.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a hardware address: 12 hexadecimal digits, "
            "or 6 pairs of them with colons between"
        )
    return bytes.fromhex(text.replace(":", ""))


def announcement(mac: bytes, address: str) -> bytes:
    """The frame that tells every neighbour that `address` is at `mac`."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return gratuitous_reply(mac, parsed)
    return unsolicited_advertisement(mac, parsed)


def gratuitous_reply(
    mac: bytes, address: IPv4Address, destination: bytes = BROADCAST
) -> bytes:
    """A 60-byte ARP reply whose sender and target are both `mac` and `address`."""
    body = struct.pack(
        "!HHBBH6s4s6s4s",
        1,  # Ethernet
        0x0800,  # IPv4
        6,
        4,
        _ARP_REPLY,
        mac,
        address.packed,
        mac,
        address.packed,
    )
    return _frame(destination, mac, _ETHERTYPE_ARP, body).ljust(
        _SHORTEST_FRAME, b"\x00"
    )


def unsolicited_advertisement(mac: bytes, address: IPv6Address) -> bytes:
    """A neighbour advertisement to all nodes, override and router flags set (RFC 4861, 7.2.6)."""
    option = struct.pack("!BB6s", _TARGET_LINK_ADDRESS, 1, mac)
    message = struct.pack("!I16s", _ROUTER | _OVERRIDE, address.packed) + option
    length = 4 + len(message)
    checked = (
        address.packed
        + _ALL_NODES.packed
        + struct.pack("!II", length, _ICMPV6)
        + struct.pack("!BBH", _NEIGHBOUR_ADVERTISEMENT, 0, 0)
        + message
    )
    icmp = (
        struct.pack("!BBH", _NEIGHBOUR_ADVERTISEMENT, 0, _checksum(checked)) + message
    )
    # Hop limit 255: receivers drop an advertisement that a router has forwarded.
    header = struct.pack("!IHBB", 6 << 28, length, _ICMPV6, 255)
    packet = header + address.packed + _ALL_NODES.packed + icmp
    return _frame(_ALL_NODES_MAC, mac, _ETHERTYPE_IPV6, packet)


def _frame(destination: bytes, source: bytes, ethertype: int, body: bytes) -> bytes:
    return struct.pack("!6s6sH", destination, source, ethertype) + body


def _checksum(data: bytes) -> int:
    """The Internet checksum of an even number of bytes."""
    total = sum(int.from_bytes(data[i : i + 2]) for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
