"""Values that are an address, a host name or a netmask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lvs_engine.config import addresses
from lvs_engine.config.codecs import Note, RefusalError
from lvs_engine.config.model import UNSET_ADDRESS


@dataclass(frozen=True, slots=True)
class Host:
    """An address of either family, or a host name that a daemon looks up.

    Attributes:
        unset: 0.0.0.0 is allowed and means "not set".
        names: host names are allowed.
        zero_is_none: 0.0.0.0 reads as None, as the original's unset value.
    """

    unset: bool = False
    names: bool = True
    zero_is_none: bool = False
    count: ClassVar[int] = 1

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> str | None:
        del ports
        text = words[0]
        address = addresses.canonical(text)
        if address is None and self.names and addresses.is_host_name(text):
            return text
        if address is None:
            kinds = "an IPv4 or IPv6 address" + (
                " or a host name" if self.names else ""
            )
            raise RefusalError(
                "invalid-address",
                f"must be {kinds}, got {text}",
                "invalid argument" if self.names else "invalid host name or ip address",
            )
        if address in (UNSET_ADDRESS, "::"):
            if self.zero_is_none:
                return None
            if not self.unset:
                raise RefusalError(
                    "unset-address",
                    f"must be the address of a machine, got {text}; remove the line "
                    "if there is none",
                    "invalid host name or ip address",
                )
        return address

    def format(self, value: object) -> str:
        return str(value)

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        del ports
        text = words[0]
        address = addresses.canonical(text)
        if address is None:
            return [
                Note(
                    "host-name",
                    f"{text} is a host name: it is looked up when a daemon starts, and "
                    "its first address is used",
                )
            ]
        if address in (UNSET_ADDRESS, "::") and self.zero_is_none:
            return [Note("unset-address", f"{text} is read as not set")]
        if addresses.ipv4(text) != text and addresses.family(address) == 4:
            return [Note("short-address", f"{text} is read as {address}")]
        return []


@dataclass(frozen=True, slots=True)
class Mask:
    """A netmask; the value is the prefix length.

    Dotted for IPv4; a prefix length (an extension) for either family. 0.0.0.0 is the
    original's "not set".

    Attributes:
        junk_is_none: text that is no mask reads as not set, as the original did.
    """

    junk_is_none: bool = False
    count: ClassVar[int] = 1

    def parse(self, words: Sequence[str], ports: Mapping[str, int]) -> int | None:
        del ports
        text = words[0]
        if text.isascii() and text.isdigit() and len(text) <= 3 and text[0] != "0":
            if int(text) > 128:
                raise RefusalError(
                    "out-of-range", f"must be a prefix length up to 128, got {text}"
                )
            return int(text)
        mask = addresses.ipv4(text)
        if mask is None:
            if self.junk_is_none:
                return None
            raise RefusalError(
                "bad-mask",
                f"must be a mask such as 255.255.255.0 or a prefix length such as 24, "
                f"got {text}",
                "Bad subnet mask specified",
            )
        prefix = addresses.prefix_of_mask(mask)
        if prefix is None:
            raise RefusalError(
                "mask-with-holes",
                f"must have all its one bits at the front, such as 255.255.255.0, "
                f"got {text}",
                used=True,
            )
        return prefix or None

    def format(self, value: object) -> str:
        prefix = int(str(value))
        return addresses.mask_of_prefix(prefix) if prefix <= 32 else str(prefix)

    def notes(self, words: Sequence[str], ports: Mapping[str, int]) -> list[Note]:
        if self.parse(words, ports) is None:
            return [Note("mask-ignored", f"{words[0]} is read as no mask at all")]
        mask = addresses.ipv4(words[0]) if "." in words[0] else words[0]
        if mask != words[0]:
            return [Note("short-address", f"{words[0]} is read as {mask}")]
        return []
