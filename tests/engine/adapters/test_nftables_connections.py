"""Conntrack's connections: read from the kernel's bytes, and told apart."""

from __future__ import annotations

import pytest

from lvs_engine.adapters.nftables.connections import loads, stray
from lvs_engine.adapters.nftables.conntrack import Flow, parse
from lvs_engine.adapters.nftables.schedule import Load
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
)
from lvs_engine.values import Forwarding

A, B, C = (DestinationKey(f"10.0.0.{n}", 8080) for n in (1, 2, 3))


def nat(weight: int = 1, upper: int = 0, lower: int = 0) -> Destination:
    return Destination(Forwarding.NAT, weight, upper, lower)


def pool(scheduler: str, weights: dict[DestinationKey, int]) -> Pool:
    return Pool(
        Service(scheduler), {key: nat(weight) for key, weight in weights.items()}
    )


VIP = "192.0.2.10"
WEB = ServiceKey(4, "tcp", VIP, 80)
MARKED = ServiceKey(4, "", "", 0, 21)


def flow(
    server: str, server_port: int = 8080, *, port: int = 80, **more: object
) -> Flow:
    values: dict[str, object] = {
        "family": 4, "protocol": "tcp", "destination": VIP, "port": port,
        "server": server, "server_port": server_port, "active": True,
        "translated": True, "original": b"", "identity": b"",
    }  # fmt: skip
    return Flow(**{**values, **more})  # type: ignore[arg-type]


def test_connections_are_counted_for_the_service_that_they_came_for() -> None:
    held = {
        WEB: pool("rr", {A: 1, B: 1}),
        WEB._replace(port=81): pool("rr", {A: 1}),
        MARKED: pool("rr", {C: 1}),
    }
    counted = loads(
        held,
        [
            flow("10.0.0.1"),
            flow("10.0.0.1", active=False),
            flow("10.0.0.1", port=81),
            flow("10.0.0.3", destination="192.0.2.99", port=7),
            flow("10.0.0.2", translated=False),
            flow("10.0.0.9"),
        ],
    )
    assert counted == {
        WEB: {A: Load(1, 1)},
        WEB._replace(port=81): {A: Load(1, 0)},
        MARKED: {C: Load(1, 0)},
    }


def test_only_connections_of_removed_servers_are_stray() -> None:
    before = {WEB: pool("rr", {A: 1, B: 1}), MARKED: pool("rr", {C: 1})}
    after = {WEB: pool("rr", {A: 0}), MARKED: pool("rr", {})}
    gone = [flow("10.0.0.2"), flow("10.0.0.3", destination="192.0.2.99")]
    stay = [
        flow("10.0.0.1"),
        flow("10.0.0.2", port=81),
        flow("10.0.0.2", destination="192.0.2.11"),
        flow(VIP, 80, translated=False),
    ]
    assert stray(before, after, [WEB, MARKED], [*gone, *stay]) == gone
    assert stray(before, after, [], [*gone, *stay]) == []


def test_a_udp_flow_from_before_its_service_is_stray() -> None:
    dns = ServiceKey(4, "udp", VIP, 53)
    early = flow(VIP, 53, port=53, protocol="udp", translated=False)
    assert stray({}, {dns: pool("rr", {A: 1})}, [dns], [early]) == [early]


# An entry of `conntrack`, as the kernel wrote it: 10.0.14.200:4808 to 192.0.2.10:80,
# translated to 10.9.0.5:8080, established.
ENTRY = bytes.fromhex(
    "02000000"
    "34000180" "14000180" "08000100" "0a000ec8" "08000200" "c000020a"
    "1c000280" "0500010006000000" "0600020012c80000" "0600030000500000"
    "34000280" "14000180" "08000100" "0a090005" "08000200" "0a000ec8"
    "1c000280" "0500010006000000" "060002001f900000" "0600030012c80000"
    "08000300" "000001ae"
    "10000480" "0c000180" "0500010003000000"
    "08000c00" "6f9a91c6"
)  # fmt: skip


def test_an_entry_of_conntrack_is_read() -> None:
    found = parse(ENTRY)
    assert found is not None
    assert found[:8] == (
        4, "tcp", VIP, 80, "10.9.0.5", 8080, True, True
    )  # fmt: skip
    assert found.identity == bytes.fromhex("6f9a91c6")
    assert (
        parse(ENTRY.replace(b"\x05\x00\x01\x00\x06", b"\x05\x00\x01\x00\x01")) is None
    )


@pytest.mark.parametrize("length", range(0, len(ENTRY), 3))
def test_a_cut_entry_of_conntrack_is_no_accident(length: int) -> None:
    parse(ENTRY[:length])
