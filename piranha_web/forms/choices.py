"""The drop-down lists, in the order of the original; what it did not know comes after."""

from __future__ import annotations

Choices = list[tuple[str, str]] | dict[str, list[tuple[str, str]]]

UNUSED = "Unused"

# The original posted these labels, so they are accepted as values too.
SCHEDULERS = [
    ("rr", "Round robin"),
    ("wlc", "Weighted least-connections"),
    ("wrr", "Weighted round robin"),
    ("lc", "Least-connection"),
    ("lblc", "Locality-Based Least-Connection Scheduling"),
    ("lblcr", "Locality-Based Least-Connection Scheduling (R)"),
    ("dh", "Destination Hash Scheduling"),
    ("sh", "Source Hash Scheduling"),
]
FURTHER_SCHEDULERS = [
    ("sed", "Shortest expected delay"),
    ("nq", "Never queue"),
    ("fo", "Weighted failover"),
    ("ovf", "Weighted overflow"),
    ("mh", "Maglev hashing"),
    ("twos", "Power of two choices"),
]
ALL_SCHEDULERS: Choices = {
    "As in the original": [(v, f"{label} ({v})") for v, label in SCHEDULERS],
    "Newer, not in version 0.8.6": [
        (v, f"{label} ({v})") for v, label in FURTHER_SCHEDULERS
    ],
}

PROTOCOLS: Choices = [("tcp", "tcp"), ("udp", "udp"), ("sctp", "sctp (extension)")]
LOAD_MONITORS: Choices = [(word, word) for word in ("none", "rup", "ruptime")]
NETWORKS = [("nat", "NAT"), ("direct", "Direct Routing"), ("tunnel", "Tunneling")]
YES_NO: Choices = [("1", "Yes"), ("0", "No")]

_MASKS = [
    *(f"255.255.255.{octet}" for octet in (255, 252, 248, 240, 224, 192, 128, 0)),
    *(f"255.255.{octet}.0" for octet in (254, 252, 248, 240, 224, 192, 128, 0)),
]
_PREFIXES = ["128", "64", "48"]

_MASK_GROUPS: dict[str, list[tuple[str, str]]] = {
    "IPv4": [(mask, mask) for mask in _MASKS],
    "IPv6": [(prefix, f"/{prefix}") for prefix in _PREFIXES],
}
MASKS_OR_UNUSED: Choices = {"": [("", UNUSED)], **_MASK_GROUPS}

FORWARDINGS: Choices = [("", "as the whole cluster"), *NETWORKS]
TUNNEL_TYPES: Choices = [(word, word) for word in ("ipip", "gue", "gre")]
CHECKSUMS: Choices = [(word, word) for word in ("none", "csum", "remcsum")]
PERSISTENCE_ENGINES: Choices = [("", "client address"), ("sip", "sip (Call-ID)")]

_BY_LABEL = {
    label.lower(): value
    for value, label in (*SCHEDULERS, *FURTHER_SCHEDULERS, *NETWORKS)
} | {UNUSED.lower(): ""}


def value_of(text: str) -> str:
    """A posted value; the label that the original posted becomes its word."""
    return _BY_LABEL.get(text.strip().lower(), text.strip())


def values(choices: Choices) -> set[str]:
    groups = choices.values() if isinstance(choices, dict) else [choices]
    return {value for group in groups for value, _ in group}


def with_value(choices: Choices, value: str) -> Choices:
    """The list, with the file's own value when it is none of ours."""
    if value in values(choices):
        return choices
    own = [(value, f"{value} (as in the file)" if value else "not set")]
    if isinstance(choices, dict):
        return {**choices, "Of this file": own}
    return [*choices, *own]
