"""From an edited model back to text, with the fewest changed lines.

What the document reads as is compared with what the model says; only what differs is
edited. Blocks are added, removed and moved first, whole; then single statements. The
result is read again, so nothing is handed out that would not read as the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvs_engine.config import directives
from lvs_engine.config.alignment import Blocks, align, staying
from lvs_engine.config.codecs import Text
from lvs_engine.config.directives import Directive
from lvs_engine.config.document import Block, Document, Scope
from lvs_engine.config.editing import (
    Edits,
    block_indent,
    new_statement_indent,
    statement_indent,
    with_values,
)
from lvs_engine.config.model import Cluster, FailoverService, RealServer, VirtualServer
from lvs_engine.config.reader import read
from lvs_engine.errors import ConfigError

_Entry = VirtualServer | FailoverService | RealServer


def write(document: Document, cluster: Cluster, ports: Mapping[str, int]) -> Document:
    """A document that reads as `cluster`; the given one is not changed.

    Args:
        document: the text as it is.
        cluster: what the text shall say.
        ports: TCP service names of this system.

    Raises:
        ConfigError: a value that the file format cannot hold, or a file whose syntax
            is too broken to be edited.
    """
    if read(document, ports).cluster == cluster:
        return document
    result = _with_ports_first(document, cluster, ports)
    result = _with_services(result, cluster, ports)
    result = _with_servers(result, cluster, ports)
    result = _with_statements(result, cluster, ports)
    if read(result, ports).cluster != cluster:
        raise ConfigError(
            "the change cannot be written so that it reads back the same; put the "
            "errors of the file right first"
        )
    return result


def _with_ports_first(
    document: Document, cluster: Cluster, ports: Mapping[str, int]
) -> Document:
    """Move `port` lines above the servers of blocks that are going to be edited.

    A server without a port has the port that stands above it; an edit means the port
    of the virtual server.
    """
    old = read(document, ports).cluster.virtuals
    kept = {
        i for i, j in _pairs(old, cluster.virtuals) if old[i] == cluster.virtuals[j]
    }
    edits = Edits(document)
    for index, block in enumerate(document.root.of(Scope.VIRTUAL)):
        servers = block.of(Scope.SERVER)
        late = [s for s in block.named("port") if servers and s.at > servers[0].opened]
        if index in kept or not late:
            continue
        for statement in late:
            edits.remove(statement.at, statement.at)
        moved = [document.lines[s.at].raw for s in late]
        edits.insert_after(servers[0].opened - 1, moved)
    return edits.result()


def _pairs(old: Blocks, new: Blocks) -> list[tuple[int, int]]:
    order = align(old, new)
    return [(i, j) for j, i in enumerate(order) if i is not None]


# Whole blocks


def _with_services(
    document: Document, cluster: Cluster, ports: Mapping[str, int]
) -> Document:
    """The virtual and failover blocks of the model, in its order."""
    old = read(document, ports).cluster
    orders = (
        (Scope.FAILOVER, align(old.failovers, cluster.failovers), cluster.failovers),
        (Scope.VIRTUAL, align(old.virtuals, cluster.virtuals), cluster.virtuals),
    )
    document = _closed(document, [order for _, order, _ in orders])
    edits = Edits(document)
    for scope, order, new in orders:
        _arrange(edits, document.root, scope, order, new)
    return edits.result()


def _with_servers(
    document: Document, cluster: Cluster, ports: Mapping[str, int]
) -> Document:
    """The server blocks of each virtual block; the virtual blocks fit already."""
    old = read(document, ports).cluster.virtuals
    orders = [
        align(before.servers, after.servers)
        for before, after in zip(old, cluster.virtuals, strict=True)
    ]
    document = _closed(document, orders)
    edits = Edits(document)
    blocks = document.root.of(Scope.VIRTUAL)
    for block, order, new in zip(blocks, orders, cluster.virtuals, strict=True):
        _arrange(edits, block, Scope.SERVER, order, new.servers)
    return edits.result()


def _closed(document: Document, orders: Sequence[list[int | None]]) -> Document:
    """The same with the braces that are missing at the end, if a block is to come."""
    moves = any(
        None in order or sorted(order) != order for order in map(_known, orders)
    )
    added = any(None in order for order in orders)
    missing = [
        block
        for block in document.walk()
        if block.opened >= 0
        and block.closed is None
        and block.last == document.root.last
    ]
    if not missing or not (moves or added):
        return document
    edits = Edits(document)
    braces = [document.lines[b.opened].indent + "}" for b in reversed(missing)]
    edits.insert_after(document.root.last, braces)
    return edits.result()


def _known(order: list[int | None]) -> list[int]:
    return [place for place in order if place is not None]


def _arrange(
    edits: Edits,
    parent: Block,
    scope: Scope,
    order: list[int | None],
    new: Sequence[_Entry],
) -> None:
    """Remove, move and add the blocks of one kind inside one parent."""
    blocks = parent.of(scope)
    if order == list(range(len(blocks))):
        return
    stay = staying(order)
    for index, block in enumerate(blocks):
        if index not in stay:
            edits.remove(_first_line(edits.document, block), block.last)
    anchor = _first_anchor(edits.document, parent, scope, blocks)
    for place, entry in zip(order, new, strict=True):
        if place in stay:
            anchor = blocks[place].last
        elif place is None:
            edits.insert_after(anchor, _new_block(edits.document, parent, scope, entry))
        else:
            block = blocks[place]
            lines = edits.lines[_first_line(edits.document, block) : block.last + 1]
            edits.insert_after(anchor, [line.raw for line in lines])


def _first_line(document: Document, block: Block) -> int:
    """The header, or the blank line before it when one follows the block as well."""
    lines, before, after = document.lines, block.opened - 1, block.last + 1
    spaced = before >= 0 and not lines[before].raw.strip(" \t")
    ends = after >= len(lines) or not lines[after].raw.strip(" \t")
    return before if spaced and ends else block.opened


def _first_anchor(
    document: Document, parent: Block, scope: Scope, blocks: list[Block]
) -> int:
    """The line behind which the first block of a kind goes."""
    if blocks:
        return _first_line(document, blocks[0]) - 1
    if scope is Scope.FAILOVER and parent.of(Scope.VIRTUAL):
        return parent.of(Scope.VIRTUAL)[0].opened - 1
    if parent.closed is not None:
        return parent.closed - 1
    return parent.last


def _new_block(
    document: Document, parent: Block, scope: Scope, entry: _Entry
) -> list[str]:
    """The lines of a block that the file does not have yet, without blocks inside."""
    indent = block_indent(document, parent, scope)
    inner = new_statement_indent(document, scope, indent)
    lines = [f"{indent}{scope} {_name(entry.name)} {{"]
    for directive in directives.in_scope(scope):
        value = getattr(entry, directive.field) if directive.field else None
        if _left_out(directive, value):
            continue
        if directive.always or value != directive.default:
            lines.append(f"{inner}{directive.keyword} = {_text(directive, value)}")
    lines.append(f"{indent}}}")
    siblings = parent.of(scope)
    if siblings and document.lines[siblings[-1].opened - 1].raw.strip(" \t") == "":
        return ["", *lines]
    return lines


# Statements


def _with_statements(
    document: Document, cluster: Cluster, ports: Mapping[str, int]
) -> Document:
    """The values of the model; the blocks fit already."""
    old = read(document, ports).cluster
    edits = Edits(document)
    root = document.root
    _edit(edits, root, old, cluster)
    for block, was, shall in zip(
        root.of(Scope.FAILOVER), old.failovers, cluster.failovers, strict=True
    ):
        _edit_named(edits, block, was, shall)
    for block, before, after in zip(
        root.of(Scope.VIRTUAL), old.virtuals, cluster.virtuals, strict=True
    ):
        if before == after:
            continue
        _edit_named(edits, block, before, after)
        for inside, was_server, shall_server in zip(
            block.of(Scope.SERVER), before.servers, after.servers, strict=True
        ):
            _edit_named(edits, inside, was_server, shall_server)
    return edits.result()


def _edit_named(edits: Edits, block: Block, old: _Entry, new: _Entry) -> None:
    if old.name != new.name:
        line = edits.lines[block.opened]
        name = line.words[1]
        text = line.raw[: name.start] + _name(new.name) + line.raw[name.end :]
        edits.replace(block.opened, text)
    _edit(edits, block, old, new)


def _edit(
    edits: Edits, block: Block, old: _Entry | Cluster, new: _Entry | Cluster
) -> None:
    """Edit the statements of one block whose values differ."""
    for directive in directives.in_scope(block.scope):
        if not directive.field:
            continue
        value = getattr(new, directive.field)
        if value == getattr(old, directive.field):
            continue
        present = block.named(directive.keyword)
        if _left_out(directive, value):
            for statement in present:
                edits.remove(statement.at, statement.at)
        elif present:
            statement = present[-1]
            line = edits.lines[statement.at]
            text = with_values(line, statement, _text(directive, value))
            edits.replace(statement.at, text)
        else:
            indent = statement_indent(edits.document, block)
            text = f"{indent}{directive.keyword} = {_text(directive, value)}"
            edits.insert_after(_anchor(edits.document, block, directive), [text])


def _anchor(document: Document, block: Block, directive: Directive) -> int:
    """The line behind which a new statement goes: behind its elder in the usual order.

    It stays above the blocks inside, since servers take the port that stands above.
    """
    order = [row.keyword for row in directives.in_scope(block.scope)]
    rank = order.index(directive.keyword)
    elders = [
        (order.index(s.keyword), s.at)
        for s in block.statements
        if s.keyword in order[:rank]
    ]
    first_inside = block.blocks[0].opened if block.blocks else None
    if elders:
        at = max(elders)[1]
    elif block.statements:
        at = block.statements[0].at - 1
    elif block.opened >= 0:
        at = block.opened
    else:
        at = document.root.last
    if (
        first_inside is not None
        and at >= first_inside
        and _needs_room(block, directive)
    ):
        return first_inside - 1
    return at


def _needs_room(block: Block, directive: Directive) -> bool:
    """Whether a statement must stand above the blocks."""
    return not block.statements or directive.keyword == "port"


def _left_out(directive: Directive, value: object) -> bool:
    """Whether a value is written by leaving the keyword out."""
    return value is None or (directive.blank and value == directive.default)


def _text(directive: Directive, value: object) -> str:
    try:
        return directive.codec.format(value)
    except ValueError as error:
        raise ConfigError(f"{directive.keyword} {error}") from None


def _name(name: str) -> str:
    try:
        return Text().format(name)
    except ValueError as error:
        raise ConfigError(f"the name {error}") from None
