"""From a document to the model, with every problem of single statements on the way.

A value that cannot be read leaves its field at the default, so that the rest of the
file is read too. Rules over several fields are in `validation`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from lvs_engine.config import directives
from lvs_engine.config.document import Block, Document, Scope
from lvs_engine.config.model import Cluster, FailoverService, RealServer, VirtualServer
from lvs_engine.config.problems import Problem
from lvs_engine.config.statements import StatementReader

T = TypeVar("T")


class Reading(NamedTuple):
    """What a document says, and what is wrong with its statements."""

    cluster: Cluster
    problems: list[Problem]


def read(document: Document, ports: Mapping[str, int]) -> Reading:
    """Read a document.

    Args:
        document: as the parser gives it; its own problems are not repeated.
        ports: TCP service names of this system.
    """
    statements = StatementReader(document, ports)
    reader = _Reader(statements)
    root = document.root
    fields = statements.fields(root, ()).finish(active=True)
    fields["virtuals"] = tuple(reader.virtual(b) for b in root.of(Scope.VIRTUAL))
    fields["failovers"] = tuple(reader.failover(b) for b in root.of(Scope.FAILOVER))
    return Reading(_build(Cluster, fields), statements.problems)


def _build(make: Callable[..., T], fields: dict[str, object]) -> T:
    return make(**fields)


class _Reader:
    """Reads the blocks of one document."""

    def __init__(self, statements: StatementReader) -> None:
        self._statements = statements

    def virtual(self, block: Block) -> VirtualServer:
        where = (block.identity,)
        fields = self._statements.fields(block, where)
        self._statements.warn_if_undecided(block, fields, where)
        active = bool(fields.values.get("active"))
        values = fields.finish(active=active)
        late = self.late_ports(block)
        values["servers"] = tuple(
            self.server(b, where, active, late)
            for b in block.blocks
            if b.scope is Scope.SERVER
        )
        return _build(VirtualServer, {"name": block.name, **values})

    def server(
        self,
        block: Block,
        around: tuple[str, ...],
        active: bool,
        late: Callable[[int], int] | None,
    ) -> RealServer:
        where = (*around, block.identity)
        fields = self._statements.fields(block, where)
        self._statements.warn_if_undecided(block, fields, where)
        if late is not None and "port" not in fields.values:
            port = fields.values["port"] = late(block.opened)
            fields.report(
                self._statements.at_header(
                    block,
                    "late-port",
                    f"the server keeps port {port}, because the port line of the "
                    "virtual server stands behind it; move that line up, or give the "
                    "server a port of its own",
                    where,
                )
            )
        values = fields.finish(active=active and bool(fields.values.get("active")))
        return _build(RealServer, {"name": block.name, **values})

    def failover(self, block: Block) -> FailoverService:
        where = (block.identity,)
        fields = self._statements.fields(block, where)
        self._statements.warn_if_undecided(block, fields, where)
        for server in block.of(Scope.SERVER):
            fields.report(
                self._statements.at_header(
                    server,
                    "without-effect",
                    "a failover service has no real servers; the block is ignored",
                    where,
                )
            )
        values = fields.finish(active=bool(fields.values.get("active")))
        return _build(FailoverService, {"name": block.name, **values})

    def late_ports(self, block: Block) -> Callable[[int], int] | None:
        """The port that applies at a line, if a `port` line stands behind a server.

        A server without a port of its own has the port that the virtual server had at
        that place of the file, as in the original.
        """
        servers = block.of(Scope.SERVER)
        ports = block.named("port")
        if not servers or not ports or ports[-1].at < servers[0].opened:
            return None
        directive = directives.find(Scope.VIRTUAL, "port")
        assert directive is not None

        def at(index: int) -> int:
            port = directive.default
            for statement in ports:
                if statement.at > index or statement.broken:
                    continue
                value, refusal, _ = self._statements.decode(
                    directive, statement, Scope.VIRTUAL
                )
                port = port if refusal else value
            assert isinstance(port, int)
            return port

        final = at(ports[-1].at)
        return at if any(at(s.opened) != final for s in servers) else None
