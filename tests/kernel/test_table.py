"""The kernel's table as we write and read it, and as ipvsadm does."""

from __future__ import annotations

import pytest

from lvs_engine.adapters.ipvs.sync_daemon import SyncDaemon, SyncRole
from lvs_engine.errors import KernelError
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.notation import changes_as_text, table_as_text
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    Change,
    SetService,
    diff,
)
from lvs_engine.values import Forwarding, TunnelType
from tests.kernel.network import VIP, VIP6, Network

pytestmark = pytest.mark.ipvs

WEB = ServiceKey(4, "tcp", VIP, 80)
NAT = Destination(Forwarding.NAT, 1)
TUNNEL = Destination(Forwarding.TUNNEL, 1)

# Everything that the kernel can and lvs.cf could not say, thresholds left out as
# ipvsadm -S does.
TABLE: Table = {
    WEB: Pool(
        Service("wlc", (), 300, 24),
        {
            DestinationKey("10.11.12.1", 80): NAT,
            DestinationKey("10.11.12.2", 8080): NAT._replace(weight=65535),
            DestinationKey("10.11.12.10", 80): Destination(Forwarding.DIRECT, 0),
        },
    ),
    WEB._replace(port=443): Pool(
        Service("sh", ("sh-fallback", "sh-port")),
        {
            DestinationKey("10.11.12.1", 443): TUNNEL,
            DestinationKey("10.11.12.2", 443): TUNNEL._replace(
                tunnel_type=TunnelType.GUE, tunnel_port=6080
            ),
            DestinationKey("10.11.12.3", 443): TUNNEL._replace(
                tunnel_type=TunnelType.GUE, tunnel_port=6080, tunnel_checksum="csum"
            ),
            DestinationKey("10.11.12.4", 443): TUNNEL._replace(
                tunnel_type=TunnelType.GRE, tunnel_checksum="csum"
            ),
            DestinationKey("2001:db8:12::1", 443): TUNNEL,
        },
    ),
    ServiceKey(4, "udp", VIP, 5060): Pool(
        Service("rr", (), 60, 32, "sip", one_packet=True),
        {DestinationKey("10.11.12.1", 5060): NAT},
    ),
    ServiceKey(4, "sctp", VIP, 36412): Pool(Service("nq")),
    ServiceKey(6, "tcp", VIP6, 80): Pool(
        Service("mh", ("mh-port",), 60, 64), {DestinationKey("2001:db8:12::1", 80): NAT}
    ),
    ServiceKey(6, "udp", VIP6, 53): Pool(Service("dh", (), 60, 128)),
    ServiceKey(4, "", "", 0, 21): Pool(Service("fo"), {DestinationKey("10.11.12.1", 0): NAT}),
    ServiceKey(6, "", "", 0, 21): Pool(Service("ovf", (), 0, 128)),
}  # fmt: skip


def ipvsadm(network: Network) -> list[str]:
    return network.run("router", "ipvsadm", "-Sn").splitlines()


def test_ipvsadm_lists_the_table_as_we_do(network: Network) -> None:
    with network.balancing(TABLE):
        assert network.plane.dump() == TABLE
        assert ipvsadm(network) == table_as_text(TABLE)


def test_what_ipvsadm_loads_from_our_text_is_our_table(network: Network) -> None:
    wanted = dict(TABLE)
    limited = NAT._replace(upper=100, lower=80)
    wanted[WEB] = Pool(TABLE[WEB].service, {DestinationKey("10.11.12.1", 80): limited})
    with network.balancing({}):
        text = "\n".join(changes_as_text(diff({}, wanted)))
        network.run("router", "ipvsadm", "-R", text=text + "\n")
        assert network.plane.dump() == wanted


def test_changes_as_text_do_in_ipvsadm_what_they_do_here(network: Network) -> None:
    other = {
        WEB: Pool(Service("rr"), {DestinationKey("10.11.12.2", 8080): NAT}),
        WEB._replace(port=81): Pool(Service("lc")),
    }
    with network.balancing(TABLE):
        lines = changes_as_text(diff(TABLE, other))
        network.run("router", "ipvsadm", "-R", text="\n".join(lines) + "\n")
        assert network.plane.dump() == other


def test_a_service_of_somebody_else_is_seen_and_left_alone(network: Network) -> None:
    """KF-53: every start used to flush the whole table."""
    foreign = WEB._replace(port=2049)
    with network.balancing({}):
        network.run("router", "ipvsadm", "-A", "-t", f"{VIP}:2049", "-s", "lblcr")
        current = network.plane.dump()
        network.plane.apply(diff(current, {WEB: Pool(Service("rr"))}, owned=()))
        assert network.plane.dump() == {
            foreign: Pool(Service("lblcr")),
            WEB: Pool(Service("rr")),
        }


def test_a_second_start_sends_no_request_that_changes(network: Network) -> None:
    """KF-53, KF-59: what is there already is adopted as it is."""
    with network.balancing(TABLE):
        changes = diff(network.plane.dump(), TABLE, owned=())
        before = network.plane.messages_sent
        assert network.plane.apply(changes) == []
        assert network.plane.messages_sent == before


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (Service("twenty"), "no scheduler twenty (module ip_vs_twenty)"),
        (Service("rr", (), 60, 32, "nope"), "no persistence engine nope"),
    ],
)
def test_a_module_that_is_missing_is_named(
    network: Network, service: Service, words: str
) -> None:
    """KF-58: a service that could not be made was ignored in silence."""
    with network.balancing({WEB: Pool(Service("rr"))}):
        for change in (
            AddService(WEB._replace(port=1), service),
            SetService(WEB, service),
        ):
            (refusal,) = network.plane.apply([change])
            assert refusal.errno == "ENOENT"
            assert words in refusal.message


def test_a_refusal_by_the_kernel_itself_is_explained(network: Network) -> None:
    """No synchronisation with services of mixed families, nor the other way round."""
    daemon = SyncDaemon(SyncRole.MASTER, "eth0", 7)
    mixed: Change = AddDestination(WEB, DestinationKey("2001:db8:12::9", 80), TUNNEL)
    with network.balancing({WEB: Pool(Service("rr"))}):
        network.plane.start_sync(daemon)
        try:
            (refusal,) = network.plane.apply([mixed])
        finally:
            network.plane.stop_sync(SyncRole.MASTER)
    assert (refusal.change, refusal.errno) == (mixed, "EINVAL")
    assert "no connection synchronisation" in refusal.message


def test_synchronisation_threads_start_are_listed_and_stop(network: Network) -> None:
    master = SyncDaemon(SyncRole.MASTER, "eth0", 5)
    backup = SyncDaemon(SyncRole.BACKUP, "eth1", 7, 1400, "224.0.0.90", 9000, 3)
    network.plane.start_sync(master)
    network.plane.start_sync(backup)
    try:
        with pytest.raises(KernelError, match="EEXIST"):
            network.plane.start_sync(master)
        found = {d.role: d for d in network.plane.sync_daemons()}
    finally:
        network.plane.stop_sync(SyncRole.MASTER)
        network.plane.stop_sync(SyncRole.BACKUP)
    assert found[SyncRole.BACKUP] == backup
    assert (found[SyncRole.MASTER].interface, found[SyncRole.MASTER].sync_id) == (
        "eth0",
        5,
    )
    assert network.plane.sync_daemons() == []
    with pytest.raises(KernelError, match="ESRCH"):
        network.plane.stop_sync(SyncRole.MASTER)


def test_a_table_of_several_thousand_is_read_back_whole(network: Network) -> None:
    table: Table = {
        ServiceKey(4, "tcp", f"192.0.2.{service}", 80): Pool(
            Service("wlc"),
            {
                DestinationKey(f"10.{service}.{n // 200}.{n % 200}", 80): NAT
                for n in range(400)
            },
        )
        for service in range(1, 11)
    }
    with network.balancing(table):
        assert network.plane.dump() == table
        assert {
            k: len(s.destinations) for k, s in network.plane.statistics().items()
        } == dict.fromkeys(table, 400)
