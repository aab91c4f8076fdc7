"""Tables and changes as ipvsadm writes them."""

from __future__ import annotations

import pytest

from lvs_engine.table.model import (
    MASK_WITH_HOLES,
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
)
from lvs_engine.table.notation import change_as_text, changes_as_text, table_as_text
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

WEB = ServiceKey(4, "tcp", "10.0.0.1", 80)
DNS6 = ServiceKey(6, "udp", "2001:db8::1", 53)
MARK = ServiceKey(4, "", "", 0, 21)
SERVER = DestinationKey("10.0.0.2", 80)
NAT = Destination(Forwarding.NAT, 1)
GUE = Destination(
    Forwarding.TUNNEL, 9, tunnel_type=TunnelType.GUE, tunnel_port=6080
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (AddService(WEB, Service("wlc")), "-A -t 10.0.0.1:80 -s wlc"),
        (
            SetService(WEB, Service("wlc", (), 300, 24)),
            "-E -t 10.0.0.1:80 -s wlc -p 300 -M 255.255.255.0",
        ),
        (RemoveService(WEB), "-D -t 10.0.0.1:80"),
        (AddDestination(WEB, SERVER, NAT), "-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1"),
        (
            SetDestination(MARK, SERVER, Destination(Forwarding.DIRECT, 0, 100, 80)),
            "-e -f 21 -r 10.0.0.2:80 -g -w 0 -x 100 -y 80",
        ),
        (RemoveDestination(MARK, SERVER), "-d -f 21 -r 10.0.0.2:80"),
        (
            AddService(DNS6, Service("rr", (), 60, 64, "sip", one_packet=True)),
            "-A -u [2001:db8::1]:53 -s rr -p 60 -M 64 --pe sip -o",
        ),
        (
            AddService(DNS6, Service("rr", (), 60, 128)),
            "-A -u [2001:db8::1]:53 -s rr -p 60",
        ),
        (
            AddService(
                MARK._replace(family=6), Service("mh", ("mh-fallback", "mh-port"))
            ),
            "-A -f 21 -6 -s mh -b mh-fallback,mh-port",
        ),
        (
            AddService(WEB._replace(protocol="sctp"), Service("fo")),
            "-A --sctp-service 10.0.0.1:80 -s fo",
        ),
        (
            AddDestination(WEB, DestinationKey("2001:db8::2", 80), GUE),
            "-a -t 10.0.0.1:80 -r [2001:db8::2]:80 -i -w 9 "
            "--tun-type gue --tun-port 6080 --tun-nocsum",
        ),
        (
            AddDestination(
                WEB,
                SERVER,
                GUE._replace(
                    tunnel_type=TunnelType.GRE, tunnel_port=0, tunnel_checksum="csum"
                ),
            ),
            "-a -t 10.0.0.1:80 -r 10.0.0.2:80 -i -w 9 --tun-type gre --tun-csum",
        ),
        (
            AddDestination(WEB, SERVER, Destination(Forwarding.TUNNEL, 1)),
            "-a -t 10.0.0.1:80 -r 10.0.0.2:80 -i -w 1 --tun-type ipip",
        ),
    ],
)
def test_a_change_reads_as_its_ipvsadm_command(change: Change, line: str) -> None:
    assert change_as_text(change) == line


def test_changes_keep_their_order() -> None:
    changes: list[Change] = [RemoveService(WEB), AddService(MARK, Service("rr"))]
    assert changes_as_text(changes) == ["-D -t 10.0.0.1:80", "-A -f 21 -s rr"]


def test_a_table_is_listed_in_the_order_of_ipvsadm_with_marks_last() -> None:
    high = DestinationKey("10.0.0.10", 80)
    table = {
        MARK: Pool(Service("rr")),
        DNS6: Pool(Service("rr")),
        WEB._replace(port=443): Pool(Service("rr")),
        WEB: Pool(Service("wlc"), {high: NAT, SERVER: NAT}),
        DNS6._replace(family=4, address="10.0.0.1"): Pool(Service("rr")),
        WEB._replace(family=6, address="2001:db8::1"): Pool(Service("rr")),
    }
    assert table_as_text(table) == [
        "-A -t 10.0.0.1:80 -s wlc",
        "-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1",
        "-a -t 10.0.0.1:80 -r 10.0.0.10:80 -m -w 1",
        "-A -t 10.0.0.1:443 -s rr",
        "-A -u 10.0.0.1:53 -s rr",
        "-A -t [2001:db8::1]:80 -s rr",
        "-A -u [2001:db8::1]:53 -s rr",
        "-A -f 21 -s rr",
    ]


def test_what_ipvsadm_cannot_say_is_listed_all_the_same() -> None:
    foreign = WEB._replace(protocol="17000")
    service = Service("rr", (), 60, MASK_WITH_HOLES)
    assert table_as_text({foreign: Pool(service)}) == [
        "-A --protocol-17000 10.0.0.1:80 -s rr -p 60 -M (a mask with holes)"
    ]
