"""From findings to problems: identities of blocks, and places in the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from lvs_engine.config.document import Block, Document, Scope
from lvs_engine.config.model import Cluster, identities
from lvs_engine.config.problems import Problem
from lvs_engine.config.validation.finding import Finding, Place


class Locator(Protocol):
    """Finds the line and column, from 1, that a finding points at."""

    def __call__(self, finding: Finding) -> tuple[int, int]: ...


class Locate:
    """Places in a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._root = document.root
        self._services = {
            scope: document.root.of(scope) for scope in (Scope.VIRTUAL, Scope.FAILOVER)
        }

    def __call__(self, finding: Finding) -> tuple[int, int]:
        block = self._block(finding.place)
        for keyword in finding.keywords:
            statements = [s for s in block.named(keyword) if not s.broken]
            if statements:
                statement = statements[-1]
                values = statement.values
                word = values[min(finding.word, len(values) - 1)]
                inside = finding.offset + bool(word.quote) if finding.offset >= 0 else 0
                return statement.at + 1, word.start + inside + 1
        if block.opened < 0:
            return 0, 0
        return block.opened + 1, self._document.lines[block.opened].words[0].start + 1

    def _block(self, place: Place) -> Block:
        if place.scope is Scope.GLOBAL:
            return self._root
        block = self._services[place.scope][place.service]
        return block if place.server < 0 else block.of(Scope.SERVER)[place.server]


def located(
    findings: Iterable[Finding], cluster: Cluster, locate: Locator | None
) -> list[Problem]:
    """Problems with the identities of their blocks, and lines if a locator is given."""
    names = _Names(cluster)
    problems = []
    for finding in findings:
        line, column = locate(finding) if locate else (0, 0)
        problems.append(
            Problem(
                finding.severity,
                finding.code,
                finding.message,
                line,
                column,
                names.of(finding.place),
                finding.keywords[0] if finding.keywords else "",
            )
        )
    return problems


class _Names:
    """Identities of blocks, worked out when the first one is asked for."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: dict[tuple[Scope, int], list[str]] = {}

    def of(self, place: Place) -> tuple[str, ...]:
        if place.scope is Scope.GLOBAL:
            return ()
        outer = f"{place.scope} {self._list(place.scope, -1)[place.service]}"
        if place.server < 0:
            return (outer,)
        return outer, f"server {self._list(Scope.SERVER, place.service)[place.server]}"

    def _list(self, scope: Scope, virtual: int) -> list[str]:
        known = self._known.get((scope, virtual))
        if known is None:
            cluster = self._cluster
            if scope is Scope.SERVER:
                names = [s.name for s in cluster.virtuals[virtual].servers]
            elif scope is Scope.VIRTUAL:
                names = [v.name for v in cluster.virtuals]
            else:
                names = [f.name for f in cluster.failovers]
            known = self._known[scope, virtual] = identities(names)
        return known
