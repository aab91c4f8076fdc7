"""Reading many netlink messages of the same shape fast.

The kernel writes the attributes of all destinations in the same order with the same
lengths. The first message of a shape is walked attribute by attribute; from that
walk come a compiled `struct` for the values and a mask over the attribute headers.
A later message of the same length whose headers are equal under the mask is read by
the struct in one call; any other is walked again. So nothing is assumed of the order,
and a kernel that writes otherwise is only slower.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, cast

from lvs_engine.adapters.ipvs import netlink as nl

Path = tuple[int, ...]
"""Attribute types from the outermost to the one that is meant."""

Row = tuple[Any, ...]

_INTEGERS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


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
        number = int.from_bytes(message, "little")
        for shape in self._shapes.get(len(message), ()):
            if number & shape.mask == shape.headers:
                return shape.read(message)
        shape = self._learn(message, number)
        self._shapes.setdefault(len(message), []).append(shape)
        return shape.read(message)

    def _learn(self, message: bytes, number: int) -> _Shape:
        found: dict[Path, tuple[int, int]] = {}
        mask = bytearray(len(message))
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
        order = {path: n for n, (_, path) in enumerate(places)}
        defaults = tuple(self._fields.values())
        wanted = [
            order.get(path, len(places) + n) for n, path in enumerate(self._fields)
        ]
        bits = int.from_bytes(mask, "little")
        return _Shape(
            mask=bits,
            headers=number & bits,
            values=struct.Struct(layout),
            defaults=defaults,
            order=cast("itemgetter[Any]", itemgetter(*wanted)),
        )

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


@dataclass(frozen=True, slots=True)
class _Shape:
    mask: int
    headers: int
    values: struct.Struct
    defaults: Row
    order: itemgetter[Any]

    def read(self, message: bytes) -> Row:
        row: Row = self.order(self.values.unpack(message) + self.defaults)
        return row
