"""Reading many netlink messages of the same shape fast.

The kernel writes the attributes of all destinations in the same order with the same
lengths. The first message of a shape is walked attribute by attribute; from that
walk come a compiled `struct` for the values and a mask over all headers. A whole chunk
of messages whose headers are equal under the mask is then read by the struct in one
call; any other message is walked again. So nothing is assumed of the order, and a
kernel that writes otherwise is only slower.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, cast

from lvs_engine.adapters.ipvs import netlink as nl

Path = tuple[int, ...]
"""Attribute types from the outermost to the one that is meant."""

Row = tuple[Any, ...]

_INTEGERS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}
_FIXED: Final = 6  # length and type; flags, sequence and port id may differ


class Shapes:
    """Reads messages into rows of values, one per wanted attribute.

    Integers of 1, 2, 4 and 8 bytes come in host order; those named in `raw`, and all
    other lengths, come as bytes. A missing attribute has the default.
    """

    def __init__(self, fields: Mapping[Path, Any], raw: Sequence[Path] = ()) -> None:
        """Read `fields`, a mapping of paths to defaults, in its order."""
        self._fields = dict(fields)
        self._raw = frozenset(raw)
        self._nested = {path[:n] for path in fields for n in range(1, len(path))}
        self._shapes: dict[int, list[_Shape]] = {}

    def read(self, message: bytes) -> Row:
        """The values of one message, in the order of the fields."""
        for shape in self._shapes.get(len(message), ()):
            if rows := shape.rows(message):
                return rows[0]
        shape = self._learn(message)
        self._shapes.setdefault(len(message), []).append(shape)
        return shape.rows(message)[0]

    def read_all(self, chunk: bytes, sequence: int) -> list[Row]:
        """The values of a chunk whose messages are all of one known shape.

        Empty when they are not, or when they do not answer the request of that number.
        """
        if len(chunk) < nl.BODY:
            return []
        length, _, _, found, _ = nl.HEADER.unpack_from(chunk)
        if found != sequence or length < nl.BODY or len(chunk) % length:
            return []
        for shape in self._shapes.get(length, ()):
            if rows := shape.rows(chunk):
                return rows
        return []

    def _learn(self, message: bytes) -> _Shape:
        found: dict[Path, tuple[int, int]] = {}
        mask = bytearray(len(message))
        mask[:_FIXED] = b"\xff" * _FIXED
        self._walk(message, nl.BODY, len(message), (), found, mask)
        places = sorted((place, path) for path, place in found.items())
        layout, offset = "=", 0
        for (start, end), path in places:
            code = _INTEGERS.get(end - start)
            if code is None or path in self._raw:
                code = f"{end - start}s"
            layout += f"{start - offset}x{code}"
            offset = end
        layout += f"{len(message) - offset}x"
        order = self._order([path for _, path in places])
        defaults = tuple(self._fields.values())
        return _Shape(message, bytes(mask), struct.Struct(layout), order, defaults)

    def _order(self, found: Sequence[Path]) -> itemgetter[Any] | None:
        """Takes the fields out of values found and defaults; None: they are as found."""
        if list(found) == list(self._fields):
            return None
        place = {path: n for n, path in enumerate(found)}
        wanted = [
            place.get(path, len(found) + n) for n, path in enumerate(self._fields)
        ]
        return cast("itemgetter[Any]", itemgetter(*wanted))

    def _walk(
        self,
        message: bytes,
        start: int,
        end: int,
        path: Path,
        found: dict[Path, tuple[int, int]],
        mask: bytearray,
    ) -> None:
        for kind, first, last in nl.attributes(message, start, end):
            here = (*path, kind)
            mask[first - nl.ATTRIBUTE.size : first] = b"\xff" * nl.ATTRIBUTE.size
            if here in self._nested:
                self._walk(message, first, last, here, found, mask)
            elif here in self._fields:
                found[here] = (first, last)


class _Shape:
    """One layout of a message, learnt from the example in which it was met first.

    Args:
        example: the message.
        mask: ones over every header in it.
        values: reads the values, in the order of the message.
        order: puts values and defaults into the order of the fields.
        defaults: what the fields are when they are missing.
    """

    def __init__(
        self,
        example: bytes,
        mask: bytes,
        values: struct.Struct,
        order: itemgetter[Any] | None,
        defaults: Row,
    ) -> None:
        self._example = example
        self._mask = mask
        self._values = values
        self._order = order
        self._defaults = defaults
        self._patterns: dict[int, tuple[int, int]] = {}

    def rows(self, chunk: bytes) -> list[Row]:
        """One row for each message; empty if one is of another shape."""
        number = len(chunk) // len(self._example)
        mask, headers = self._patterns.get(number) or self._pattern(number)
        if int.from_bytes(chunk, "little") & mask != headers:
            return []
        found = self._values.iter_unpack(chunk)
        if self._order is None:
            return list(found)
        return [self._order(row + self._defaults) for row in found]

    def _pattern(self, number: int) -> tuple[int, int]:
        """Mask and headers of so many messages in a row."""
        mask = int.from_bytes(self._mask * number, "little")
        headers = int.from_bytes(self._example * number, "little") & mask
        self._patterns[number] = (mask, headers)
        return mask, headers
