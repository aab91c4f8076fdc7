from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.network.arp import (
    announcement,
    gratuitous_reply,
    parse_mac,
    unsolicited_advertisement,
)

MAC = bytes.fromhex("02005e005301")
VIP = IPv4Address("192.168.26.10")


def test_the_frame_is_the_one_that_send_arp_sends() -> None:
    assert gratuitous_reply(MAC, VIP) == bytes.fromhex(
        "ffffffffffff"  # to everybody
        "02005e005301"
        "0806"
        "0001 0800 06 04"
        "0002"  # reply
        "02005e005301 c0a81a0a"
        "02005e005301 c0a81a0a" + "00" * 18  # padding to 60 bytes
    )


def test_the_destination_may_be_one_neighbour() -> None:
    neighbour = parse_mac("02:00:5e:00:53:02")
    assert gratuitous_reply(MAC, VIP, neighbour)[:6] == neighbour


@pytest.mark.parametrize("text", ["02005e005301", "02:00:5E:00:53:01", "02005E005301"])
def test_a_hardware_address_is_read_with_and_without_colons(text: str) -> None:
    assert parse_mac(text) == MAC


@pytest.mark.parametrize(
    "text", ["", "02005e00530", "02005e0053012", "0200:5e005301", "zz005e005301"]
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=repr(text)):
        parse_mac(text)


def test_an_ipv6_address_is_announced_to_all_nodes_with_override() -> None:
    frame = announcement(MAC, "2001:db8::10")
    vip = IPv6Address("2001:db8::10").packed
    assert frame[:14] == bytes.fromhex("333300000001 02005e005301 86dd")
    assert frame[14:22] == bytes.fromhex("60000000 0020 3a ff")
    assert frame[22:38] == vip
    assert frame[38:54] == IPv6Address("ff02::1").packed
    assert frame[54:56] == bytes([136, 0])
    assert frame[58:62] == bytes.fromhex("a0000000")
    assert frame[62:78] == vip
    assert frame[78:] == bytes.fromhex("0201") + MAC


@given(st.ip_addresses(v=6), st.binary(min_size=6, max_size=6))
def test_a_receiver_finds_the_checksum_of_an_advertisement_right(
    address: IPv6Address, mac: bytes
) -> None:
    packet = unsolicited_advertisement(mac, address)[14:]
    pseudo = packet[8:40] + struct.pack("!II", len(packet) - 40, 58) + packet[40:]
    total = sum(word for (word,) in struct.iter_unpack("!H", pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF


@given(st.ip_addresses(v=4), st.binary(min_size=6, max_size=6))
def test_every_arp_frame_is_sixty_bytes_and_names_one_owner(
    address: IPv4Address, mac: bytes
) -> None:
    frame = announcement(mac, str(address))
    assert len(frame) == 60
    assert frame[22:32] == frame[32:42] == mac + address.packed
