"""The address and packet adapters on a real kernel, in namespaces of their own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lvs_engine.adapters.namespaces import Link, Namespaces, Node
from lvs_engine.adapters.net_events import NetworkEvents
from lvs_engine.adapters.net_netlink import NetlinkAddresses
from lvs_engine.adapters.net_packets import PacketSender
from lvs_engine.errors import KernelError
from lvs_engine.network.addresses import (
    AddAddress,
    AddressKey,
    PresentAddress,
    RemoveAddress,
)
from lvs_engine.network.arp import announcement
from tests.netns.inside import enter, inside

pytestmark = pytest.mark.netns

VIP = AddressKey("eth0", "192.0.2.10", 24)
MAC = bytes.fromhex("02005e005301")


@pytest.fixture
def pair() -> Iterator[Namespaces]:
    """Two nodes on one wire: `a` is 192.0.2.1, `b` is 192.0.2.2."""
    nodes = [
        Node(name, (Link("eth0", "wire", f"192.0.2.{number}/24"),))
        for number, name in enumerate("ab", 1)
    ]
    namespaces = Namespaces(f"piranha-a{os.getpid()}-")
    try:
        namespaces.build(nodes)
        yield namespaces
    finally:
        namespaces.remove()


def present(pair: Namespaces) -> dict[AddressKey, PresentAddress]:
    found = inside(pair.of("a"), NetlinkAddresses().look)
    return {a.key: a for a in found.addresses}


def test_an_address_comes_with_its_label_and_broadcast_and_goes_again(
    pair: Namespaces,
) -> None:
    kernel = NetlinkAddresses()
    add = AddAddress(VIP, "eth0:1")
    assert inside(pair.of("a"), lambda: kernel.apply([add, add])) == []
    assert present(pair)[VIP] == PresentAddress(VIP, "eth0:1", secondary=True)
    shown = pair.inside("a", "ip", "-o", "-4", "addr", "show", "label", "eth0:1")
    assert (
        "192.0.2.10/24 brd 192.0.2.255 scope global secondary eth0:1"
        in subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    )
    gone = RemoveAddress(VIP)
    assert inside(pair.of("a"), lambda: kernel.apply([gone, gone])) == []
    assert VIP not in present(pair)
    assert AddressKey("eth0", "192.0.2.1", 24) in present(pair)


def test_an_ipv6_address_can_be_used_at_once(pair: Namespaces) -> None:
    key = AddressKey("eth0", "2001:db8::10", 64)

    def add_and_bind() -> None:
        assert NetlinkAddresses().apply([AddAddress(key)]) == []
        with socket.socket(socket.AF_INET6) as user:
            user.bind(("2001:db8::10", 0))  # refused while the address is tentative

    inside(pair.of("a"), add_and_bind)
    assert key in present(pair)


def test_a_refused_address_is_named_with_the_reason_and_the_rest_is_done(
    pair: Namespaces,
) -> None:
    changes = [
        AddAddress(AddressKey("eth9", "192.0.2.11", 24), "eth9:1"),
        AddAddress(VIP, "eth0:more-than-15-characters"),
        AddAddress(AddressKey("eth0", "192.0.2.12", 24), "eth0:2"),
    ]
    refusals = inside(pair.of("a"), lambda: NetlinkAddresses().apply(changes))
    assert [r.change for r in refusals] == changes[:2]
    assert refusals[0].message == (
        "192.0.2.11/24 on eth9 not added: ENODEV, there is no such device"
    )
    assert refusals[1].errno == "ERANGE"
    assert changes[2].key in present(pair)


def test_the_hardware_address_of_a_device_is_known(pair: Namespaces) -> None:
    found = inside(pair.of("a"), NetlinkAddresses().look)
    shown = pair.inside("a", "cat", "/sys/class/net/eth0/address")
    text = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    assert found.hardware == {"eth0": bytes.fromhex(text.strip().replace(":", ""))}


def listener(pair: Namespaces, ethertype: int) -> socket.socket:
    def listen() -> socket.socket:
        hearing = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype)
        )
        hearing.bind(("eth0", ethertype))
        hearing.settimeout(2)
        return hearing

    return inside(pair.of("b"), listen)


def heard(hearing: socket.socket, sender: bytes) -> bytes:
    """The first frame from `sender`; other chatter is passed over."""
    while True:
        frame = hearing.recv(2048)
        if frame[6:12] == sender:
            return frame


@pytest.mark.parametrize(
    ("address", "ethertype"), [("192.0.2.10", 0x0806), ("2001:db8::10", 0x86DD)]
)
def test_an_announcement_reaches_the_neighbour_byte_for_byte(
    pair: Namespaces, address: str, ethertype: int
) -> None:
    frame = announcement(MAC, address)

    def send() -> None:
        with PacketSender() as sender:
            sender.send("eth0", frame)
            with pytest.raises(KernelError, match="cannot send on eth9"):
                sender.send("eth9", frame)

    with listener(pair, ethertype) as hearing:
        inside(pair.of("a"), send)
        assert heard(hearing, MAC) == frame


def send_arp(pair: Namespaces, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lvs_engine.cli.send_arp", *arguments]
    return subprocess.run(
        pair.inside("a", *command), capture_output=True, text=True, check=False
    )


def test_send_arp_sends_the_frame_that_it_always_sent(pair: Namespaces) -> None:
    with listener(pair, 0x0806) as hearing:
        done = send_arp(
            pair, "192.0.2.10", "02005E005301", "192.0.2.255", "ffffffffffff"
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert heard(hearing, MAC) == announcement(MAC, "192.0.2.10")


def test_a_change_by_hand_wakes_the_watcher(pair: Namespaces) -> None:
    async def watch() -> bool:
        woken = asyncio.Event()
        events = NetworkEvents(woken.set)
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(woken.wait(), 0.1)
            await asyncio.to_thread(NetlinkAddresses().apply, [AddAddress(VIP)])
            await asyncio.wait_for(woken.wait(), 2)
        finally:
            events.close()
        return woken.is_set()

    def run() -> bool:
        enter(pair.of("a"))
        return asyncio.run(watch())

    assert inside(pair.of("a"), run)
