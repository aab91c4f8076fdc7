"""What one field of a form is: a value of lvs.cf, or one part of it, as text.

The codecs of the file turn text into values and back, so a page takes what the file
takes. `panel.py` makes WTForms fields of these; nothing here knows of a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from lvs_engine.config import directives
from lvs_engine.config.codecs import Text
from lvs_engine.config.codecs_compound import HostDevice
from lvs_engine.config.directives import Directive, Scope
from lvs_engine.config.document import Block
from lvs_engine.config.model import (
    UNSET_ADDRESS,
    Cluster,
    FloatingAddress,
    RealServer,
    VirtualServer,
)
from piranha_web.forms.choices import Choices

Model = Cluster | VirtualServer | RealServer

# Notes on numbers that read as others than they look.
_BENT = frozenset({"number-adjusted", "odd-number"})


class Kind(Enum):
    LINE = auto()
    SELECT = auto()
    CHECK = auto()
    RADIO = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of a form.

    Attributes:
        name: as the original posted it.
        keyword: of lvs.cf; empty for the name of a block.
        part: word of a value of two words, -1 when the field is all of it.
        size: width in characters, 0 for as wide as there is room.
        needed: blank is refused; else blank means what the absent keyword means.
        rule: what the page refuses beyond the codec.
        proposal: shown, and stored by ACCEPT, while the keyword is not in the file.
        help: in place of the text of the directives table.
        raw: the text counts with its blanks at both ends.
    """

    name: str
    keyword: str
    scope: Scope
    label: str
    kind: Kind = Kind.LINE
    part: int = -1
    size: int = 20
    choices: Choices | None = None
    needed: bool = False
    rule: Callable[[str], None] | None = None
    proposal: str = ""
    help: str = ""
    raw: bool = False

    @property
    def directive(self) -> Directive:
        row = directives.find(self.scope, self.keyword)
        assert row is not None, f"{self.keyword} is not in the table"
        return row

    @property
    def is_list(self) -> bool:
        return self.directive.codec.count == 0


def shown(entry: Entry, model: Model) -> str:
    """The text of a field for a value of the model."""
    if not entry.keyword:
        assert not isinstance(model, Cluster)
        return readable(model.name)
    row = entry.directive
    value: object = getattr(model, row.field)
    if entry.part >= 0:
        return _part(value, entry.part)
    if value is None or (row.blank and value == row.default):
        return ""
    if isinstance(row.codec, Text):
        return readable(str(value))
    text = row.codec.format(value)
    return text.strip("[] ") if entry.is_list else text


def _part(value: object, part: int) -> str:
    if not isinstance(value, FloatingAddress):
        return ""
    return readable(value.device if part else value.address)


def readable(text: str) -> str:
    """Text for a page: bytes that are no UTF-8 become the sign for that."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def broken_text(entry: Entry, block: Block, ports: Mapping[str, int]) -> str | None:
    """What the file says where its own codec refuses it; None where all is well."""
    statements = block.named(entry.keyword) if entry.keyword else []
    if not statements or statements[-1].broken:
        return None
    words = [word.text for word in statements[-1].values]
    try:
        entry.directive.codec.parse(words, ports)
    except (ValueError, IndexError):
        if entry.part >= 0:
            return readable(words[entry.part]) if entry.part < len(words) else ""
        return readable(" ".join(words)).strip("[] ")
    return None


def parse(
    entries: Sequence[Entry], texts: Sequence[str], ports: Mapping[str, int]
) -> object:
    """The value of one keyword from its field, or its fields.

    Raises:
        ValueError: says what is allowed; a `word` on it tells which field is meant.
    """
    row = entries[0].directive
    if not any(texts) and not any(e.needed for e in entries):
        return row.default
    if isinstance(row.codec, HostDevice):
        return row.codec.parse([texts[0] or UNSET_ADDRESS, *texts[1:]], ports)
    if entries[0].is_list:
        words = texts[0].replace(",", " ").split()
        return row.codec.parse(["[", *words, "]"], ports) if words else row.default
    if not texts[0] and entries[0].needed:
        raise ValueError(f"is needed: {row.allowed}")
    return row.codec.parse([texts[0]], ports)


def plainly(entry: Entry, text: str, ports: Mapping[str, int]) -> None:
    """Refuse a number that the file would take for another one, such as -1 for 0."""
    row = entry.directive
    if not text or entry.is_list or entry.part >= 0:
        return
    if any(note.code in _BENT for note in row.codec.notes([text], ports)):
        raise ValueError(f"must be {row.allowed}, got {text}")
