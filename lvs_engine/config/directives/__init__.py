"""The table of everything that lvs.cf can say: one row per keyword.

Reader, writer, forms and manual page are all driven by these rows. Rows of one scope
stand in the order in which the writer puts the keywords of a new block.
"""

from __future__ import annotations

from collections.abc import Sequence

from lvs_engine.config.directives.failover_rows import FAILOVER_ROWS
from lvs_engine.config.directives.global_rows import GLOBAL_ROWS
from lvs_engine.config.directives.row import Directive, Effect
from lvs_engine.config.directives.server_rows import SERVER_ROWS
from lvs_engine.config.directives.virtual_rows import VIRTUAL_ROWS
from lvs_engine.config.document import Scope

__all__ = [
    "DIRECTIVES",
    "Directive",
    "Effect",
    "Scope",
    "find",
    "in_scope",
    "scopes_of",
    "suggest",
]

DIRECTIVES: tuple[Directive, ...] = (
    *GLOBAL_ROWS,
    *VIRTUAL_ROWS,
    *FAILOVER_ROWS,
    *SERVER_ROWS,
)

_BY_SCOPE: dict[Scope, dict[str, Directive]] = {
    scope: {row.keyword: row for row in DIRECTIVES if scope in row.scopes}
    for scope in Scope
}


def find(scope: Scope, keyword: str) -> Directive | None:
    """The row of a keyword in a scope, or None."""
    return _BY_SCOPE[scope].get(keyword)


def in_scope(scope: Scope) -> Sequence[Directive]:
    """All rows of a scope, in the order of the file."""
    return list(_BY_SCOPE[scope].values())


def scopes_of(keyword: str) -> list[Scope]:
    """Where a keyword is known."""
    return [scope for scope in Scope if keyword in _BY_SCOPE[scope]]


def suggest(scope: Scope, keyword: str) -> str | None:
    """The known keyword that a misspelt one most likely meant."""
    from difflib import get_close_matches  # a sound file does not need it

    matches = get_close_matches(keyword.lower(), _BY_SCOPE[scope], 1, 0.75)
    return matches[0] if matches else None
