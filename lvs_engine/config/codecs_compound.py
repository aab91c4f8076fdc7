"""Values of several words: an address with its device, and lists in brackets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lvs_engine.config.codecs import Note, Port, RefusalError, bare
from lvs_engine.config.codecs_address import Host
from lvs_engine.config.model import FloatingAddress

_HOST = Host(unset=True)
_PORT = Port(low=1)


@dataclass(frozen=True, slots=True)
class HostDevice:
    """`ADDRESS DEVICE`: a floating address."""

    count: ClassVar[int] = 2

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> FloatingAddress:
        address = _HOST.parse(words, ports)
        assert address is not None  # _HOST keeps 0.0.0.0
        return FloatingAddress(address, words[1] if len(words) > 1 else "")

    def format(self, value: object) -> str:
        assert isinstance(value, FloatingAddress)
        return (
            f"{value.address} {bare(value.device)}" if value.device else value.address
        )

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        return _HOST.notes(words, ports)


def items(words: Sequence[str], allowed: str) -> list[str]:
    """What stands between `[` and `]`; words behind `]` are ignored, as they were."""
    if words[0] != "[" or "]" not in words:
        raise RefusalError("list-expected", f"must be {allowed}", "list expected")
    return list(words[1 : words.index("]")])


def _behind(words: Sequence[str]) -> list[Note]:
    end = words.index("]") + 1
    if end == len(words):
        return []
    return [Note("text-after-list", "text behind ] is ignored", end)]


def _shifted(error: RefusalError, word: int) -> RefusalError:
    return RefusalError(error.code, str(error), error.reason, word, error.used)


@dataclass(frozen=True, slots=True)
class AddressList:
    """`[ ADDRESS DEVICE ADDRESS DEVICE ]`."""

    count: ClassVar[int] = 0

    def parse(
        self, words: Sequence[str], ports: Mapping[str, int]
    ) -> tuple[FloatingAddress, ...]:
        found = items(words, "a list such as [ 192.0.2.81 eth0:2 192.0.2.82 eth0:3 ]")
        if len(found) % 2:
            raise RefusalError(
                "odd-list",
                "must have a device behind each address: [ 192.0.2.81 eth0:2 ]",
                word=len(found),
            )
        values = []
        for place in range(0, len(found), 2):
            try:
                address = Host().parse([found[place]], ports)
            except RefusalError as error:
                raise _shifted(error, place + 1) from None
            assert address is not None  # Host() refuses 0.0.0.0
            values.append(FloatingAddress(address, found[place + 1]))
        return tuple(values)

    def format(self, value: object) -> str:
        assert isinstance(value, tuple)
        return " ".join(["[", *(HostDevice().format(v) for v in value), "]"])

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        notes = _behind(words)
        found = items(words, "")
        for place in range(0, len(found), 2):
            notes += [
                note._replace(word=place + 1)
                for note in Host().notes([found[place]], ports)
            ]
        return notes


@dataclass(frozen=True, slots=True)
class PortList:
    """`[ 443 8443 ]`, names of TCP services allowed."""

    count: ClassVar[int] = 0

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> tuple[int, ...]:
        values = []
        for place, word in enumerate(items(words, "a list such as [ 443 8443 ]"), 1):
            try:
                values.append(_PORT.parse([word], ports))
            except RefusalError as error:
                raise _shifted(error, place) from None
        return tuple(values)

    def format(self, value: object) -> str:
        assert isinstance(value, tuple)
        return " ".join(["[", *(str(v) for v in value), "]"])

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        del ports
        return _behind(words)


@dataclass(frozen=True, slots=True)
class WordList:
    """`[ WORD WORD ]`, each of a closed set; no set: any words.

    A single word without brackets is taken as well.
    """

    words: tuple[str, ...] = ()
    count: ClassVar[int] = 0

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> tuple[str, ...]:
        del ports
        allowed = (
            f"a list of {', '.join(self.words)}" if self.words else "a list [ A B ]"
        )
        if len(words) == 1 and words[0] in self.words:
            return (words[0],)
        found = items(words, f"{allowed} in brackets")
        for place, word in enumerate(found, 1):
            if self.words and word not in self.words:
                raise RefusalError(
                    "invalid-argument",
                    f"must be {allowed}, got {word}",
                    "invalid argument",
                    place,
                )
        return tuple(found)

    def format(self, value: object) -> str:
        assert isinstance(value, tuple)
        return " ".join(["[", *(bare(str(v)) for v in value), "]"])

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        del ports
        return _behind(words) if "]" in words else []
