"""What this router is for: one of a pair, the only one, or none that may act.

Decided from the configuration and the node's addresses alone. Which of a pair holds the
addresses is the business of `lvs_engine.heartbeat`; here nothing is heard, and what is
not certain stays on standby and says why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lvs_engine.config.addresses import family
from lvs_engine.config.model import Cluster
from lvs_engine.values import Role


@dataclass(frozen=True, slots=True)
class Stance:
    """The decision.

    Attributes:
        active: whether this node holds the floating addresses without asking anybody;
            of a pair only where an operator said so.
        paired: whether there is a partner to agree with.
        needed: False when the file gives this node nothing to do at all: a backup
            with `backup_active = 0`.
        reason: why, in a sentence.
        warning: what a person should know, or empty.
    """

    role: Role
    active: bool
    reason: str
    needed: bool = True
    warning: str = ""
    paired: bool = False


def decide(
    cluster: Cluster,
    own: Collection[str],
    resolve: Mapping[str, str],
    *,
    forced: bool = False,
) -> Stance:
    """The stance of the node whose addresses are `own`.

    Args:
        cluster: the configuration.
        own: every address of the node as canonical text, secondary ones too (KF-39).
        resolve: address text for each host name in the file.
        forced: an operator's `--forceactive`.
    """
    role = _role(cluster, own, resolve)
    paired = cluster.has_backup and role is not Role.NEITHER
    if forced:
        reason = "Forced active on startup: activating lvs"
        return Stance(role, True, reason, paired=paired)
    if not cluster.has_backup:
        return _alone(cluster, role)
    if paired:
        return Stance(role, False, f"{role}, with a partner", paired=True)
    return Stance(
        role,
        False,
        f"neither primary {cluster.primary} nor backup {cluster.backup} is an address of "
        "this node, and a backup is active: taking the addresses could make two routers "
        "hold them",
    )


def router_names(cluster: Cluster) -> set[str]:
    """The host names of both routers: `decide` and the heartbeat need their addresses."""
    ends = cluster.primary, cluster.primary_private, cluster.backup_private
    hosts = {cluster.backup, *(end for end in ends if end)}
    return {host for host in hosts if not family(host)}


def _alone(cluster: Cluster, role: Role) -> Stance:
    warning = ""
    if cluster.backup_active:
        warning = "Undefined backup node marked as active"
    if role is Role.BACKUP:
        reason = "this node is the backup, and backup_active is 0: nothing to do here"
        return Stance(role, False, reason, needed=False)
    if role is Role.NEITHER and cluster.primary:
        warning = warning or (
            f"primary {cluster.primary} is not an address of this node; it acts as the "
            "only router because no backup is active"
        )
    return Stance(role, True, "the only router", warning=warning)


def _role(cluster: Cluster, own: Collection[str], resolve: Mapping[str, str]) -> Role:
    if cluster.primary and resolve.get(cluster.primary, cluster.primary) in own:
        return Role.PRIMARY
    if resolve.get(cluster.backup, cluster.backup) in own:
        return Role.BACKUP
    return Role.NEITHER
