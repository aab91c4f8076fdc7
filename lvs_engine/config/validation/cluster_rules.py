"""Rules over the keywords outside of blocks: nodes, heartbeat, forwarding."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_engine.config import addresses
from lvs_engine.config.model import Cluster
from lvs_engine.config.problems import Severity
from lvs_engine.config.validation.finding import (
    Finding,
    failover_in_use,
    grade,
    virtual_in_use,
)
from lvs_engine.values import Forwarding, ServiceKind


def deadtime(cluster: Cluster) -> Iterator[Finding]:
    """With a backup the nodes flap when one late heartbeat is a failure (KF-44)."""
    if cluster.deadtime <= cluster.keepalive:
        yield Finding(
            grade(cluster.has_backup),
            "deadtime-too-short",
            f"deadtime must be more than keepalive ({cluster.keepalive} s), got "
            f"{cluster.deadtime}; three times as much is good",
            keywords=("deadtime", "keepalive"),
        )


def nodes(cluster: Cluster) -> Iterator[Finding]:
    if cluster.primary is None:
        yield Finding(
            Severity.WARNING,
            "no-primary",
            "primary is not set: a router cannot tell that it is the primary one",
            keywords=("primary", "backup"),
        )
    if cluster.backup_active and not cluster.has_backup:
        yield Finding(
            Severity.WARNING,
            "backup-undefined",
            "backup_active is 1 but backup has no address; the router runs without a "
            "partner until it has one",
            keywords=("backup", "backup_active"),
        )
    if not cluster.has_backup or cluster.primary is None:
        return
    if cluster.primary == cluster.backup:
        yield Finding(
            Severity.ERROR,
            "same-node",
            f"backup must be another machine than primary, got {cluster.backup} twice",
            keywords=("backup",),
        )
    families = {addresses.family(cluster.primary), addresses.family(cluster.backup)}
    if families == {4, 6}:
        yield Finding(
            Severity.ERROR,
            "family-mismatch",
            "primary and backup must both be IPv4 or both be IPv6",
            keywords=("backup",),
        )


def private_channel(cluster: Cluster) -> Iterator[Finding]:
    """Without primary_private the original overwrote both private addresses."""
    if cluster.backup_private is not None and cluster.primary_private is None:
        yield Finding(
            Severity.WARNING,
            "half-channel",
            "backup_private has no effect without primary_private",
            keywords=("backup_private",),
        )
    alone = cluster.primary_private is not None and cluster.backup_private is None
    if alone and cluster.has_backup:
        yield Finding(
            Severity.WARNING,
            "half-channel",
            "primary_private needs backup_private: the second channel of heartbeats "
            "cannot work",
            keywords=("primary_private",),
        )


def nat_router(cluster: Cluster) -> Iterator[Finding]:
    needed = (
        cluster.network is Forwarding.NAT
        and cluster.has_backup
        and any(virtual_in_use(cluster, v) for v in cluster.virtuals)
    )
    if needed and cluster.nat_router is None:
        yield Finding(
            Severity.WARNING,
            "no-nat-router",
            "nat_router is not set: after a takeover the real servers have no gateway, "
            "unless something else moves that address",
            keywords=("nat_router", "network"),
        )
    router, mask = cluster.nat_router, cluster.nat_netmask
    if router is None or mask is None:
        return
    if addresses.family(router.address) == 4 and mask > 32:
        yield Finding(
            grade(cluster.network is Forwarding.NAT),
            "mask-too-long",
            f"nat_nmask must be at most 32 for an IPv4 address, got {mask}",
            keywords=("nat_nmask",),
        )


def services(cluster: Cluster) -> Iterator[Finding]:
    if cluster.service is ServiceKind.LVS:
        used = any(virtual_in_use(cluster, v) for v in cluster.virtuals)
        kind, other, ignored = "virtual", "failover", len(cluster.failovers)
    else:
        used = any(failover_in_use(cluster, f) for f in cluster.failovers)
        kind, other, ignored = "failover", "virtual", len(cluster.virtuals)
    if not used:
        yield Finding(
            Severity.WARNING,
            "no-active-service",
            f"no {kind} block is active: there is nothing to do for the daemons",
        )
    if ignored:
        yield Finding(
            Severity.WARNING,
            "ignored-blocks",
            f"{ignored} {other} block{'s are' if ignored > 1 else ' is'} ignored while "
            f"service is {cluster.service}",
            keywords=("service",),
        )


def reservation(cluster: Cluster) -> Iterator[Finding]:
    shared = cluster.primary_shared or cluster.backup_shared
    if (
        cluster.service is ServiceKind.FOS
        and shared
        and cluster.reservation_conflict_action is None
    ):
        yield Finding(
            Severity.WARNING,
            "no-conflict-action",
            "reservation_conflict_action should be nothing or preempt with a shared disk",
            keywords=("reservation_conflict_action", "primary_shared", "backup_shared"),
        )


RULES = (deadtime, nodes, private_channel, nat_router, services, reservation)
