"""Dataclasses as plain dictionaries and lists, and back: what JSON can carry.

Converters are made once for each type from its annotations. A missing key takes the
field's default and an unknown key is skipped, so that two versions understand each
other. Knows dataclasses, NamedTuples (as lists), enums, tuples, mappings with text
keys, `X | None` and the four scalar types; nothing else.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from functools import cache
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")
_Writer = Callable[[object], object]
_Reader = Callable[[object, str], object]


def to_plain(value: object) -> object:
    """`value`, a dataclass, as dictionaries, lists and scalars."""
    return _writer(cast("Hashable", type(value)))(value)


def from_plain(kind: type[_T], value: object, where: str = "") -> _T:
    """The value of `kind` that `to_plain` turned into `value`.

    Raises:
        ValueError: something has another type; the message names the place.
    """
    return cast("_T", _reader(cast("Hashable", kind))(value, where or kind.__name__))


def _same(value: object) -> object:
    return value


@cache
def _writer(kind: object) -> _Writer:
    if isinstance(kind, type):
        if dataclasses.is_dataclass(kind):
            return _dataclass_writer(kind)
        if issubclass(kind, Enum):
            return lambda value: cast("Enum", value).value
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return lambda value: list(cast("tuple[object, ...]", value))
        return _same
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        item = _writer(arguments[0])
        return lambda value: [item(one) for one in cast("tuple[object, ...]", value)]
    if origin in {Union, types.UnionType}:
        inner = _writer(_only(arguments))
        return lambda value: None if value is None else inner(value)
    if origin is not None and issubclass(origin, Mapping):
        item = _writer(arguments[1])
        return lambda value: {
            key: item(one) for key, one in cast("Mapping[str, object]", value).items()
        }
    raise TypeError(f"{kind} cannot be written as plain values")


def _dataclass_writer(kind: type) -> _Writer:
    hints = get_type_hints(kind)
    fields = [(f.name, _writer(hints[f.name])) for f in dataclasses.fields(kind)]

    def write(value: object) -> object:
        return {name: writer(getattr(value, name)) for name, writer in fields}

    return write


@cache
def _reader(kind: object) -> _Reader:
    if isinstance(kind, type):
        if dataclasses.is_dataclass(kind):
            return _dataclass_reader(kind)
        if issubclass(kind, Enum):
            return _enum_reader(kind)
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return _named_tuple_reader(kind)
        return _scalar_reader(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _tuple_reader(arguments[0])
    if origin in {Union, types.UnionType}:
        inner = _reader(_only(arguments))
        return lambda value, where: None if value is None else inner(value, where)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_reader(arguments[1])
    raise TypeError(f"{kind} cannot be read from plain values")


def _only(arguments: tuple[object, ...]) -> object:
    (one,) = (a for a in arguments if a is not types.NoneType)
    return one


def _dataclass_reader(kind: type) -> _Reader:
    hints = get_type_hints(kind)
    readers = {f.name: _reader(hints[f.name]) for f in dataclasses.fields(kind)}

    def read(value: object, where: str) -> object:
        known = {
            name: readers[name](one, f"{where}.{name}")
            for name, one in _object(value, where).items()
            if name in readers
        }
        try:
            return kind(**known)
        except TypeError as error:
            raise ValueError(f"{where}: {error}") from None

    return read


def _enum_reader(kind: type[Enum]) -> _Reader:
    def read(value: object, where: str) -> object:
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(str(member.value) for member in kind)
            raise ValueError(
                f"{where}: one of {allowed} is expected, got {value!r:.60}"
            ) from None

    return read


def _named_tuple_reader(kind: type) -> _Reader:
    hints = get_type_hints(kind)
    readers = [_reader(hints[name]) for name in kind.__dict__["_fields"]]

    def read(value: object, where: str) -> object:
        if not isinstance(value, list) or len(value) != len(readers):
            raise ValueError(
                f"{where}: a list of {len(readers)} is expected, got {value!r:.60}"
            )
        return kind(
            *(reader(one, where) for reader, one in zip(readers, value, strict=True))
        )

    return read


def _scalar_reader(kind: type) -> _Reader:
    def read(value: object, where: str) -> object:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise ValueError(f"{where}: {kind.__name__} is expected, got {value!r:.60}")
        return value

    return read


def _tuple_reader(item: object) -> _Reader:
    reader = _reader(item)

    def read(value: object, where: str) -> object:
        items = _list(value, where)
        return tuple(reader(one, f"{where}[{i}]") for i, one in enumerate(items))

    return read


def _mapping_reader(item: object) -> _Reader:
    reader = _reader(item)

    def read(value: object, where: str) -> object:
        items = _object(value, where).items()
        return {key: reader(one, f"{where}.{key}") for key, one in items}

    return read


def _object(value: object, where: str) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise ValueError(f"{where}: an object is expected, got {value!r:.60}")


def _list(value: object, where: str) -> list[object]:
    if isinstance(value, list):
        return value
    raise ValueError(f"{where}: a list is expected, got {value!r:.60}")
