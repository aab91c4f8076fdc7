"""Addresses and masks of lvs.cf as canonical text, without sockets.

IPv4 is read as the C library's inet_aton reads it, because the original did:
`10.1` is 10.0.0.1 and `0x0a000001` too. IPv6 is an extension.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PLAIN_IPV4 = re.compile(
    r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}", re.ASCII
)
_PART = re.compile(r"(0[xX][0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*)", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)


def ipv4(text: str) -> str | None:
    """Canonical IPv4 text of anything that inet_aton reads, or None."""
    if _PLAIN_IPV4.fullmatch(text):
        return text
    number = _inet_aton(text)
    return None if number is None else dotted(number)


_LONGEST_PART = 40  # characters; Python refuses to read thousands of digits


def _inet_aton(text: str) -> int | None:
    parts = text.split(".")
    if len(parts) > 4:
        return None
    numbers = []
    for part in parts:
        match = _PART.fullmatch(part)
        if not match or len(part) > _LONGEST_PART:
            return None
        base = 16 if match[1] else 8 if match[2] else 10
        numbers.append(int(part, base))
    last_bits = 8 * (5 - len(numbers))
    if any(n > 255 for n in numbers[:-1]) or numbers[-1] >= 1 << last_bits:
        return None
    value = numbers[-1]
    for place, number in enumerate(numbers[:-1]):
        value |= number << (24 - 8 * place)
    return value


@lru_cache(maxsize=4096)
def ipv6(text: str) -> str | None:
    """Canonical IPv6 text, or None. A zone (`%eth0`) is not part of an address."""
    if ":" not in text or "%" in text:
        return None
    import ipaddress  # only files with IPv6 pay for it

    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return None


def canonical(text: str) -> str | None:
    """Canonical address text of either family, or None."""
    return ipv6(text) if ":" in text else ipv4(text)


def family(address: str) -> int:
    """4 or 6 for an address, 0 for a host name."""
    if ":" in address:
        return 6
    return 4 if _PLAIN_IPV4.fullmatch(address) else 0


def is_host_name(text: str) -> bool:
    """Whether a resolver would be asked for it: labels with at least one letter."""
    if len(text) > 253 or not any(c.isalpha() for c in text):
        return False
    return all(_LABEL.fullmatch(label) for label in text.removesuffix(".").split("."))


def dotted(number: int) -> str:
    """An IPv4 address from its 32-bit number."""
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def prefix_of_mask(mask: str) -> int | None:
    """Prefix length of a canonical dotted mask; None when it has holes."""
    number = 0
    for part in mask.split("."):
        number = number << 8 | int(part)
    inverse = number ^ 0xFFFFFFFF
    return None if inverse & (inverse + 1) else 32 - inverse.bit_length()


def mask_of_prefix(prefix: int) -> str:
    """The dotted mask of a prefix length of 0-32."""
    return dotted(0xFFFFFFFF << (32 - prefix) & 0xFFFFFFFF)
