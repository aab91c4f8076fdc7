"""Rules over several fields: what hurts is an error, what a person should know a warning.

Each rule is a small function from the model to findings. What only matters in a block
that is in use is an error there and a warning in a block that is not, so that a new
entry can be filled in step by step.
"""

from __future__ import annotations

from lvs_engine.config.document import Document
from lvs_engine.config.model import Cluster
from lvs_engine.config.problems import Problem
from lvs_engine.config.validation import (
    check_rules,
    cluster_rules,
    device_rules,
    server_rules,
    service_rules,
    uniqueness_rules,
)
from lvs_engine.config.validation.finding import Finding
from lvs_engine.config.validation.locate import Locate, located

__all__ = ["Finding", "check", "findings"]

_RULES = (
    *cluster_rules.RULES,
    *device_rules.RULES,
    *service_rules.RULES,
    *server_rules.RULES,
    *check_rules.RULES,
    *uniqueness_rules.RULES,
)


def check(cluster: Cluster, document: Document | None = None) -> list[Problem]:
    """All problems of a cluster.

    Args:
        cluster: the model, however it came about.
        document: where the lines and columns come from; without it they are 0.
    """
    found = findings(cluster)
    return located(found, cluster, Locate(document) if document else None)


def findings(cluster: Cluster) -> list[Finding]:
    """The same before lines are looked up."""
    return [finding for rule in _RULES for finding in rule(cluster)]
