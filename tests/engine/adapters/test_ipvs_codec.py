"""The bytes of IPVS requests and answers, held against pyroute2's where both can."""

from __future__ import annotations

import asyncio
import struct
from socket import AF_INET, AF_INET6
from typing import Any

import pytest
from pyroute2 import IPVSService
from pyroute2.ipvs import AsyncIPVS
from pyroute2.netlink.generic import ipvs

from lvs_engine.adapters.ipvs import codec, decode, sync_daemon
from lvs_engine.adapters.ipvs import constants as c
from lvs_engine.adapters.ipvs import netlink as nl
from lvs_engine.adapters.ipvs.layout import Shapes
from lvs_engine.adapters.ipvs.sync_daemon import SyncDaemon, SyncRole
from lvs_engine.ports import Counters, DestinationStatistics, Timeouts
from lvs_engine.table.model import (
    MASK_WITH_HOLES,
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
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

WEB = ServiceKey(4, "tcp", "192.0.2.10", 80)
WEB6 = ServiceKey(6, "udp", "2001:db8::10", 53)
MARK = ServiceKey(4, "", "", 0, 21)
SERVER = DestinationKey("10.0.0.2", 8080)
SERVER6 = DestinationKey("2001:db8::2", 53)
NAT = Destination(Forwarding.NAT, 7, 100, 50)
GUE = Destination(Forwarding.TUNNEL, 65535, 0, 0, TunnelType.GUE, 6080, "remcsum")

Attributes = list[tuple[str, Any]]

PYROUTE2_WEB: Attributes = [
    ("IPVS_SVC_ATTR_AF", AF_INET),
    ("IPVS_SVC_ATTR_PROTOCOL", 6),
    ("IPVS_SVC_ATTR_ADDR", "192.0.2.10"),
    ("IPVS_SVC_ATTR_PORT", 80),
]
PYROUTE2_WEB6: Attributes = [
    ("IPVS_SVC_ATTR_AF", AF_INET6),
    ("IPVS_SVC_ATTR_PROTOCOL", 17),
    ("IPVS_SVC_ATTR_ADDR", "2001:db8::10"),
    ("IPVS_SVC_ATTR_PORT", 53),
]
PYROUTE2_MARK: Attributes = [
    ("IPVS_SVC_ATTR_AF", AF_INET),
    ("IPVS_SVC_ATTR_FWMARK", 21),
]
PYROUTE2_SERVER: Attributes = [
    ("IPVS_DEST_ATTR_ADDR", "10.0.0.2"),
    ("IPVS_DEST_ATTR_PORT", 8080),
    ("IPVS_DEST_ATTR_ADDR_FAMILY", AF_INET),
]


def options(
    scheduler: str, flags: int = 0, timeout: int = 0, mask: str = "255.255.255.255"
) -> Attributes:
    return [
        ("IPVS_SVC_ATTR_SCHED_NAME", scheduler),
        ("IPVS_SVC_ATTR_FLAGS", {"flags": flags, "mask": c.SVC_F_OURS}),
        ("IPVS_SVC_ATTR_TIMEOUT", timeout),
        ("IPVS_SVC_ATTR_NETMASK", mask),
    ]


def entry(method: int, weight: int, upper: int, lower: int) -> Attributes:
    return [
        ("IPVS_DEST_ATTR_FWD_METHOD", method),
        ("IPVS_DEST_ATTR_WEIGHT", weight),
        ("IPVS_DEST_ATTR_U_THRESH", upper),
        ("IPVS_DEST_ATTR_L_THRESH", lower),
    ]


def by_pyroute2(
    command: int, service: Attributes, dest: Attributes | None = None
) -> bytes:
    """Generic netlink header and attributes as pyroute2 packs them."""
    message = ipvs.ipvsmsg()
    message["cmd"], message["version"] = command, ipvs.GENL_VERSION
    message["attrs"] = [("IPVS_CMD_ATTR_SERVICE", {"attrs": service})]
    if dest:
        message["attrs"].append(("IPVS_CMD_ATTR_DEST", {"attrs": dest}))
    message.encode()
    return bytes(message.data[nl.HEADER.size :])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            AddService(WEB, Service("wlc")),
            by_pyroute2(ipvs.IPVS_CMD_NEW_SERVICE, PYROUTE2_WEB + options("wlc")),
        ),
        (
            SetService(WEB, Service("sh", ("sh-fallback", "sh-port"), 300, 24)),
            by_pyroute2(
                ipvs.IPVS_CMD_SET_SERVICE,
                PYROUTE2_WEB + options("sh", 0x19, 300, "255.255.255.0"),
            ),
        ),
        (
            AddService(WEB, Service("mh", ("flag-3", "mh-port"), 60, 32, "sip", True)),
            by_pyroute2(
                ipvs.IPVS_CMD_NEW_SERVICE,
                [
                    *PYROUTE2_WEB,
                    *options("mh", 0x35, 60),
                    ("IPVS_SVC_ATTR_PE_NAME", "sip"),
                ],
            ),
        ),
        (
            AddService(MARK, Service("rr")),
            by_pyroute2(ipvs.IPVS_CMD_NEW_SERVICE, PYROUTE2_MARK + options("rr")),
        ),
        (
            RemoveService(WEB6),
            by_pyroute2(ipvs.IPVS_CMD_DEL_SERVICE, PYROUTE2_WEB6),
        ),
        (
            AddDestination(WEB, SERVER, NAT),
            by_pyroute2(
                ipvs.IPVS_CMD_NEW_DEST,
                PYROUTE2_WEB,
                PYROUTE2_SERVER + entry(0, 7, 100, 50),
            ),
        ),
        (
            SetDestination(MARK, SERVER, Destination(Forwarding.DIRECT, 0)),
            by_pyroute2(
                ipvs.IPVS_CMD_SET_DEST,
                PYROUTE2_MARK,
                PYROUTE2_SERVER + entry(3, 0, 0, 0),
            ),
        ),
        (
            AddDestination(WEB6, SERVER6, Destination(Forwarding.TUNNEL, 1)),
            by_pyroute2(
                ipvs.IPVS_CMD_NEW_DEST,
                PYROUTE2_WEB6,
                [
                    ("IPVS_DEST_ATTR_ADDR", "2001:db8::2"),
                    ("IPVS_DEST_ATTR_PORT", 53),
                    ("IPVS_DEST_ATTR_ADDR_FAMILY", AF_INET6),
                    *entry(2, 1, 0, 0),
                ],
            ),
        ),
        (
            RemoveDestination(WEB, SERVER),
            by_pyroute2(ipvs.IPVS_CMD_DEL_DEST, PYROUTE2_WEB, PYROUTE2_SERVER),
        ),
    ],
)
def test_a_request_has_the_bytes_of_pyroute2(change: Change, expected: bytes) -> None:
    assert codec.encode(change)[1] == expected


def test_the_port_of_a_tunnel_is_big_endian_where_pyroute2_has_it_in_host_order() -> (
    None
):
    ours = codec.encode(AddDestination(WEB, SERVER, GUE))[1]
    swapped = struct.unpack("=H", struct.pack(">H", 6080))[0]
    theirs = by_pyroute2(
        ipvs.IPVS_CMD_NEW_DEST,
        PYROUTE2_WEB,
        [
            *PYROUTE2_SERVER,
            *entry(2, 65535, 0, 0),
            ("IPVS_DEST_ATTR_TUN_TYPE", 1),
            ("IPVS_DEST_ATTR_TUN_PORT", swapped),
            ("IPVS_DEST_ATTR_TUN_FLAGS", 2),
        ],
    )
    assert ours == theirs


def test_the_mask_of_an_ipv6_service_is_a_number_which_pyroute2_cannot_say() -> None:
    body = codec.encode(AddService(WEB6, Service("rr", (), 60, 64)))[1]
    assert struct.pack("=HHI", 8, c.SVC_NETMASK, 64) in body
    four = codec.encode(AddService(WEB, Service("rr", (), 60, 22)))[1]
    assert struct.pack("=HH", 8, c.SVC_NETMASK) + bytes([255, 255, 252, 0]) in four


class Recorder(AsyncIPVS):  # type: ignore[misc]
    """pyroute2's own choice of a command, caught before it is sent."""

    def __init__(self) -> None:
        self.commands: list[int] = []

    async def _do_request(self, msg: Any, **_: Any) -> None:
        self.commands.append(msg["cmd"])


def test_update_of_pyroute2_deletes_so_nobody_may_use_it() -> None:
    """A trap of pyroute2 0.9: `set` changes, `update` removes."""
    recorder = Recorder()
    service = IPVSService(addr="192.0.2.10", port=80, protocol=6)
    asyncio.run(recorder.service("update", service))
    asyncio.run(recorder.service("set", service))
    asyncio.run(recorder.dest("update", service))
    assert recorder.commands == [
        c.CMD_DEL_SERVICE,
        c.CMD_SET_SERVICE,
        c.CMD_DEL_DEST,
    ]
    assert codec.encode(SetService(WEB, Service("rr")))[1][0] == c.CMD_SET_SERVICE


def answer(body: bytes) -> bytes:
    """A request's body as an answer: both use the same attributes."""
    return nl.message(30, 0, 1, body)


def destinations(message: bytes) -> dict[DestinationKey, Destination]:
    return decode.destinations([decode.DESTINATIONS.read(message)], 4)


def statistics(message: bytes) -> dict[DestinationKey, DestinationStatistics]:
    row = decode.DESTINATION_STATISTICS.read(message)
    return decode.destination_statistics([row], 4)


def thread(body: bytes) -> SyncDaemon | None:
    return sync_daemon.decode(sync_daemon.THREADS.read(answer(body)))


@pytest.mark.parametrize("key", [WEB, WEB6, MARK, MARK._replace(family=6)])
@pytest.mark.parametrize(
    "service",
    [
        Service("rr"),
        Service("wlc", (), 300, 24),
        Service("sh", ("sh-fallback", "sh-port"), one_packet=True),
        Service("mh", ("flag-3", "mh-port"), 2_678_400, 1, "sip"),
    ],
)
def test_a_service_comes_back_as_it_went(key: ServiceKey, service: Service) -> None:
    message = answer(codec.encode(AddService(key, service))[1])
    assert decode.service(decode.SERVICES.read(message)) == (key, service, Counters())


@pytest.mark.parametrize("key", [SERVER, SERVER6])
@pytest.mark.parametrize("destination", [NAT, GUE, Destination(Forwarding.DIRECT, 0)])
def test_a_destination_comes_back_as_it_went(
    key: DestinationKey, destination: Destination
) -> None:
    message = answer(codec.encode(AddDestination(WEB, key, destination))[1])
    assert destinations(message) == {key: destination}


def test_a_mask_with_holes_is_told_from_a_prefix_of_as_many_bits() -> None:
    body = codec.encode(AddService(WEB, Service("rr", (), 60, 16)))[1]
    holes = body.replace(bytes([255, 255, 0, 0]), bytes([255, 0, 255, 0]))
    assert (
        decode.service(decode.SERVICES.read(answer(holes)))[1].netmask
        == MASK_WITH_HOLES
    )


def test_the_persistence_time_of_a_service_without_persistence_does_not_count() -> None:
    body = codec.encode(AddService(WEB, Service("rr", (), 300)))[1]
    flags = struct.pack("=II", c.SVC_F_PERSISTENT, c.SVC_F_OURS)
    cleared = body.replace(flags, struct.pack("=II", c.SVC_F_HASHED, 0xFFFFFFFF))
    assert decode.service(decode.SERVICES.read(answer(cleared)))[1] == Service("rr")


def counters(*values: int) -> bytes:
    return b"".join(
        nl.attribute(kind, struct.pack("=Q", value))
        for kind, value in enumerate(values, 1)
    )


def test_counters_are_read_as_64_bit_numbers() -> None:
    content = (
        codec.destination_key(SERVER)
        + nl.u32(c.DEST_ACTIVE_CONNS, 3)
        + nl.u32(c.DEST_INACT_CONNS, 4)
        + nl.u32(c.DEST_PERSIST_CONNS, 5)
        + nl.attribute(c.DEST_STATS64, counters(1, 2, 3, 2**40, 2**63))
    )
    message = answer(nl.GENL.pack(5, 1, 0) + nl.attribute(c.ATTR_DEST, content))
    assert statistics(message) == {
        SERVER: DestinationStatistics(Counters(1, 2, 3, 2**40, 2**63), 3, 4, 5)
    }


def test_answers_of_equal_length_but_another_order_are_read_right() -> None:
    """A layout is used again only where every attribute stands where it stood."""
    first = nl.u32(1, 11) + nl.u32(2, 22)
    turned = nl.u32(2, 22) + nl.u32(1, 11)
    shapes = Shapes({(9, 1): 0, (9, 2): 0, (9, 3): -1})
    for content in (first, turned, first):
        message = answer(nl.GENL.pack(0, 1, 0) + nl.attribute(9, content))
        assert shapes.read(message) == (11, 22, -1)


def test_a_chunk_of_one_shape_is_read_at_once_and_a_mixed_one_is_not() -> None:
    shapes = Shapes({(9, 1): 0})

    def message(value: int, sequence: int = 7, kind: int = 1) -> bytes:
        content = nl.attribute(9, nl.u32(kind, value))
        return nl.message(30, 2, sequence, nl.GENL.pack(0, 1, 0) + content)

    assert shapes.read(message(1)) == (1,)
    both = message(1) + message(2)
    assert shapes.read_all(both, 7) == [(1,), (2,)]
    assert shapes.read_all(both, 8) == []
    assert shapes.read_all(message(1) + message(2, kind=2), 7) == []
    assert shapes.read_all(both + nl.message(nl.NLMSG_DONE, 2, 7, bytes(4)), 7) == []
    other_type = nl.message(31, 2, 7, message(2)[nl.HEADER.size :])
    assert shapes.read_all(message(1) + other_type, 7) == []


def test_a_kernel_that_tells_no_family_means_the_one_of_the_service() -> None:
    content = nl.attribute(c.DEST_ADDR, codec.packed_address("10.0.0.2") + bytes(12))
    content += nl.be16(c.DEST_PORT, 8080)
    message = answer(nl.GENL.pack(5, 1, 0) + nl.attribute(c.ATTR_DEST, content))
    assert list(destinations(message)) == [SERVER]


def test_timeouts_and_version_are_read() -> None:
    asked = codec.set_timeouts(Timeouts(tcp=900, udp=300))
    assert decode.timeouts(answer(asked[1])) == Timeouts(900, 0, 300)
    body = nl.GENL.pack(c.CMD_SET_INFO, 1, 0) + nl.u32(c.INFO_VERSION, 0x010201)
    body += nl.u32(c.INFO_CONN_TAB_SIZE, 4096)
    assert decode.info(answer(body)) == ((1, 2, 1), 4096)


@pytest.mark.parametrize(
    "daemon",
    [
        SyncDaemon(SyncRole.MASTER, "eth0"),
        SyncDaemon(SyncRole.BACKUP, "eth1", 255, 1400, "224.0.0.90", 9000, 3),
        SyncDaemon(SyncRole.MASTER, "bond0.12", 7, group="ff02::81"),
    ],
)
def test_a_synchronisation_thread_comes_back_as_it_went(daemon: SyncDaemon) -> None:
    assert thread(sync_daemon.start(daemon)[1]) == daemon


def test_an_answer_without_a_thread_is_none() -> None:
    stopped = nl.u32(c.DAEMON_STATE, 0)
    body = nl.GENL.pack(9, 1, 0) + nl.attribute(c.ATTR_DAEMON, stopped)
    assert thread(body) is None
    assert thread(nl.GENL.pack(9, 1, 0)) is None


def test_a_chunk_is_split_into_its_messages_and_a_broken_end_is_left_out() -> None:
    first, second = nl.message(30, 0, 1, b"12345678"), nl.message(30, 0, 2, b"")
    found = [(h.sequence, m) for h, m in nl.messages(first + second + second[:7])]
    assert found == [(1, first), (2, second)]
    torn = struct.pack("=IHHII", 4000, 30, 0, 3, 0)
    assert list(nl.messages(torn)) == []
    assert list(nl.attributes(struct.pack("=HH", 2, 1), 0, 4)) == []
