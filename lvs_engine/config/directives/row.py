"""What one row of the table of keywords holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lvs_engine.config.codecs import Codec
from lvs_engine.config.document import Scope


class Effect(StrEnum):
    """What a change of the value touches."""

    KERNEL = "the table of virtual servers"
    CHECKS = "the health checks"
    ADDRESSES = "the floating addresses"
    HEARTBEAT = "the heartbeat between the two routers"
    COMMANDS = "the commands run at a change of role"
    RECORD = "nothing at run time"
    NONE = "nothing; it is kept for old files"


@dataclass(frozen=True, slots=True)
class Directive:
    """A keyword in one or more scopes.

    Attributes:
        field: of the model's class for that scope; empty: known, checked, not used.
        default: what an absent keyword means; as in the model.
        unit: of the number, such as `s`; empty when it has none.
        allowed: for people.
        extension: the original 0.8.6 refuses a file with it.
        always: written in a new block even when it has its default.
        blank: the default is written by leaving the keyword out.
        extension_words: values that only this program knows.
    """

    keyword: str
    scopes: tuple[Scope, ...]
    field: str
    codec: Codec
    default: object
    label: str
    help: str
    allowed: str
    effect: Effect
    unit: str = ""
    extension: bool = False
    always: bool = False
    blank: bool = False
    extension_words: tuple[str, ...] = ()
