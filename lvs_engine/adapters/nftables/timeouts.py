"""Connection timeouts of our own connections, as objects of our own table.

The kernel's sysctls would set them for every connection of the machine. A timeout
object belongs to the table and is given to a new connection as it is balanced.
"""

from __future__ import annotations

import re
from typing import Final

from lvs_engine.adapters.nftables.frame import TABLE, TIMEOUTS, Rule, add_rule
from lvs_engine.adapters.nftables.names import fingerprint
from lvs_engine.adapters.nftables.observed import Observed
from lvs_engine.ports import Timeouts

_COMMENT: Final = re.compile(r"tcp=(\d+) tcpfin=(\d+) udp=(\d+) #[0-9a-f]{8}")


def read(seen: Observed) -> Timeouts:
    """The timeouts that the table sets; zero where it leaves the kernel's."""
    comments = seen.chains.get(TIMEOUTS, [])
    match = _COMMENT.fullmatch(comments[0]) if comments else None
    held = Timeouts(*map(int, match.groups())) if match else Timeouts()
    intact = comments == [rule.comment for rule in _rules(held)]
    return held if intact else Timeouts()


def merged(held: Timeouts, wanted: Timeouts) -> Timeouts:
    """`wanted`, with the zero fields as they are held."""
    return Timeouts(
        wanted.tcp or held.tcp, wanted.tcpfin or held.tcpfin, wanted.udp or held.udp
    )


def lines(timeouts: Timeouts, seen: Observed) -> list[str]:
    """What sets them, in place of those of `seen`."""
    return [
        f"flush chain {TABLE} {TIMEOUTS}",
        *(f"delete ct timeout {TABLE} {name}" for name in seen.timeouts),
        *(
            f"add ct timeout {TABLE} {name} {{ protocol {name[:-1]}; l3proto {family}; "
            f"policy = {{ {policy} }}; }}"
            for name, family, policy in _objects(timeouts)
        ),
        *(add_rule(TIMEOUTS, rule) for rule in _rules(timeouts)),
    ]


def _rules(timeouts: Timeouts) -> list[Rule]:
    rules = []
    for name, _, _ in _objects(timeouts):
        text = (
            f"meta nfproto ipv{name[-1]} meta l4proto {name[:-1]} "
            f'ct timeout set "{name}"'
        )
        mark = fingerprint(text, timeouts)
        comment = (
            f"tcp={timeouts.tcp} tcpfin={timeouts.tcpfin} udp={timeouts.udp} {mark}"
        )
        rules.append(Rule(text, comment))
    return rules


def _objects(timeouts: Timeouts) -> list[tuple[str, str, str]]:
    """Name, family and policy of each timeout object."""
    states = {
        "tcp": {"established": timeouts.tcp, "fin_wait": timeouts.tcpfin},
        "udp": {"unreplied": timeouts.udp, "replied": timeouts.udp},
    }
    found = []
    for protocol, seconds in states.items():
        policy = ", ".join(f"{state} : {s}" for state, s in seconds.items() if s)
        if policy:
            found += [
                (f"{protocol}4", "ip", policy),
                (f"{protocol}6", "ip6", policy),
            ]
    return found
