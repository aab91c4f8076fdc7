"""What lvs.cf says, as frozen values; edits are made with `dataclasses.replace`.

Defaults here are the daemons' (spec: the original 0.8.6), not the ones that the web
tool proposes for new entries. A field whose keyword is absent holds its default; None
means "absent" where absent is different from every value. Addresses are text: a
canonical IPv4 or IPv6 address, or a host name that a daemon resolves later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lvs_engine.values import (
    Forwarding,
    Protocol,
    Scheduler,
    ServerKey,
    ServiceKind,
    TunnelType,
)

UNSET_ADDRESS = "0.0.0.0"  # noqa: S104 - the file's word for "not set", never bound


@dataclass(frozen=True, slots=True)
class FloatingAddress:
    """`ADDRESS DEVICE`: an address that pulse brings up, and the alias label that carries it.

    Attributes:
        address: IPv4 or IPv6 text, or a host name.
        device: `eth0:1` (alias label) or `eth0`; empty when the file gives none.
    """

    address: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class RealServer:
    """A `server` block of a virtual server.

    Attributes:
        port: destination port; None: the port of the virtual server.
        weight: 0-65535; 0 takes no new connections.
        forwarding: None: the `network` of the whole file. (Extension.)
        tunnel_type, tunnel_port, tunnel_checksum: only with tunnelling. (Extensions;
            port 1-65535 for gue; checksum one of none, csum, remcsum.)
        upper_threshold, lower_threshold: connections, 0 is no limit. (Extensions.)
    """

    name: str
    address: str = UNSET_ADDRESS
    active: bool = False
    port: int | None = None
    weight: int = 1
    forwarding: Forwarding | None = None
    tunnel_type: TunnelType = TunnelType.IPIP
    tunnel_port: int = 0
    tunnel_checksum: str = "none"
    upper_threshold: int = 0
    lower_threshold: int = 0


@dataclass(frozen=True, slots=True)
class VirtualServer:
    """A `virtual` block.

    Attributes:
        address: the VIP and its device; None when the block has no `address` line.
        netmask: prefix length of the VIP (0-32, 0-128), None when absent.
        port: 0-65535; 0 is "all ports" and needs persistence.
        fwmark: 0 is "by address", else the mark selects the packets.
        persistent: seconds; 0 is off.
        pmask: prefix length that groups clients for persistence; None: single clients.
        timeout: seconds between checks, and the limit of each step of one; > 0.
        reentry: seconds of success that a failed server needs; >= 0.
        send, expect: as written between the quotes, escapes not yet translated.
            None: absent, which is not the same as empty.
        sorry_server: address used when no real server is available.
        extra_addresses, extra_ports: more VIPs and ports of the same service; the kernel
            gets one service for each pair. (Extensions.)
        scheduler_flags: sh-fallback, sh-port, mh-fallback, mh-port. (Extension.)
        one_packet: one-packet scheduling, UDP only. (Extension.)
        persistence_engine: "" or "sip". (Extension.)
    """

    name: str
    active: bool = False
    address: FloatingAddress | None = None
    netmask: int | None = None
    port: int = 80
    protocol: Protocol = Protocol.TCP
    fwmark: int = 0
    scheduler: Scheduler = Scheduler.WLC
    persistent: int = 0
    pmask: int | None = None
    timeout: int = 10
    reentry: int = 180
    send: str | None = None
    expect: str | None = None
    use_regex: bool = False
    send_program: str | None = None
    load_monitor: str | None = None
    quiesce_server: bool = False
    sorry_server: str | None = None
    client_monitor: str | None = None
    extra_addresses: tuple[FloatingAddress, ...] = ()
    extra_ports: tuple[int, ...] = ()
    scheduler_flags: tuple[str, ...] = ()
    one_packet: bool = False
    persistence_engine: str = ""
    servers: tuple[RealServer, ...] = ()


@dataclass(frozen=True, slots=True)
class FailoverService:
    """A `failover` block, used when `service = fos`.

    Keywords that the file format accepts here but that fos never used stay in the
    document and are reported as without effect.
    """

    name: str
    active: bool = False
    address: FloatingAddress | None = None
    netmask: int | None = None
    port: int = 80
    protocol: Protocol = Protocol.TCP
    timeout: int = 10
    send: str | None = None
    expect: str | None = None
    send_program: str | None = None
    client_monitor: str | None = None
    start_cmd: str | None = None
    stop_cmd: str | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """The whole file.

    Attributes:
        keepalive, deadtime: seconds.
        tcp_timeout, tcpfin_timeout, udp_timeout: seconds; 0 leaves the kernel's value.
        syncd_id: 0-255.
        nat_netmask: prefix length of the NAT router address, None when absent.
    """

    serial_no: int = 0
    service: ServiceKind = ServiceKind.LVS
    primary: str | None = None
    primary_private: str | None = None
    primary_shared: str | None = None
    backup: str = UNSET_ADDRESS
    backup_private: str | None = None
    backup_shared: str | None = None
    backup_active: bool = False
    heartbeat: bool = False
    heartbeat_port: int = 539
    keepalive: int = 2
    deadtime: int = 5
    network: Forwarding = Forwarding.NAT
    nat_router: FloatingAddress | None = None
    nat_netmask: int | None = None
    active_cmd: str | None = None
    inactive_cmd: str | None = None
    monitor_links: bool = False
    hard_shutdown: bool = True
    syncdaemon: bool = False
    syncd_iface: str = "eth0"
    syncd_id: int = 0
    tcp_timeout: int = 0
    tcpfin_timeout: int = 0
    udp_timeout: int = 0
    ipvsadm: str | None = None
    rsh_command: str | None = None
    reservation_conflict_action: str | None = None
    debug_level: str | None = None
    sync: bool = False
    virtuals: tuple[VirtualServer, ...] = ()
    failovers: tuple[FailoverService, ...] = ()

    @property
    def has_backup(self) -> bool:
        """Whether there is a partner: `backup_active` without an address is none."""
        return self.backup_active and self.backup not in (UNSET_ADDRESS, "::")


def identities(names: Iterable[str]) -> list[str]:
    """Names made unique by position: `web`, `web#2`, `web#3`."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return unique


def pools(
    cluster: Cluster,
) -> Iterable[tuple[str, VirtualServer, list[tuple[ServerKey, RealServer]]]]:
    """Each virtual server with its identity and its real servers with their keys."""
    ids = identities(v.name for v in cluster.virtuals)
    for virtual_id, virtual in zip(ids, cluster.virtuals, strict=True):
        server_ids = identities(s.name for s in virtual.servers)
        yield (
            virtual_id,
            virtual,
            [
                (ServerKey(virtual_id, server_id), server)
                for server_id, server in zip(server_ids, virtual.servers, strict=True)
            ],
        )
