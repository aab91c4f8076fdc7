"""The part of our table that is the same whatever is balanced: hooks, maps, dispatch.

A packet costs a look-up in a map, however many services there are:

* nat, prerouting and output (clients on the router itself): the first packet of a
  connection to a local address goes to the chain of its service, by mark, by address
  and port, or by address alone. All others are conntrack's.
* filter, postrouting and input: every packet of a translated connection goes to the
  counters of its real server, found by what conntrack knows of it. Replies to clients
  on the router itself end in input.
* filter, input: a service without a real server that may take a connection refuses at
  once: tcp by a reset, others by ICMP port unreachable. (IPVS answers with the latter
  in both cases; without this rule a daemon of the router that listens on all addresses
  would answer in the name of the service.)

No source address is rewritten. As with NAT in IPVS the real servers have the router as
gateway, so the replies pass it; and they see who the client is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from lvs_engine.adapters.nftables.names import fingerprint
from lvs_engine.table.model import ServiceKey

TABLE: Final = "inet piranha"
TIMEOUTS: Final = "timeouts"
PROTOCOLS: Final = "{ tcp, udp, sctp }"


class Rule(NamedTuple):
    """A rule and its comment, by which it is known again."""

    text: str
    comment: str


class Hook(NamedTuple):
    """Where a base chain hangs, in the words of nft's JSON."""

    type: str
    hook: str
    priority: int
    policy: str = "accept"


class Family(NamedTuple):
    """How an address family is written in rules."""

    number: int
    word: str
    type: str


IPV4: Final = Family(4, "ip", "ipv4_addr")
IPV6: Final = Family(6, "ip6", "ipv6_addr")
FAMILIES: Final = (IPV4, IPV6)


def family(key: ServiceKey) -> Family:
    return IPV6 if key.family == 6 else IPV4


BASES: Final[dict[str, Hook]] = {
    "prerouting": Hook("nat", "prerouting", -100),
    "output": Hook("nat", "output", -100),
    "postrouting": Hook("filter", "postrouting", 300),
    "input": Hook("filter", "input", 0),
}


def containers() -> dict[str, str]:
    """Name and declaration of every map and set of the frame."""
    declared = {}
    for f in FAMILIES:
        n, address = f.number, f.type
        keys = {
            f"services{n}": f"{address} . inet_proto . inet_service",
            f"services-any{n}": f"{address} . inet_proto",
            f"services-mark{n}": "mark",
            f"flows{n}": f"{address} . inet_proto . inet_service . {address} . "
            "inet_service",
            f"flows-any{n}": f"{address} . inet_proto . {address}",
            f"flows-mark{n}": f"{address} . inet_service",
            f"flows-mark-any{n}": address,
        }
        for name, key in keys.items():
            declared[name] = f"map {TABLE} {name} {{ type {key} : verdict; }}"
        for name in (f"services{n}", f"services-any{n}", f"services-mark{n}"):
            refused = name.replace("services", "refused")
            declared[refused] = f"set {TABLE} {refused} {{ type {keys[name]}; }}"
    return declared


def chains() -> dict[str, tuple[Rule, ...]]:
    """The chains of the frame, those first that others lead to."""
    texts: dict[str, list[str]] = {
        "refuse": [
            "meta l4proto tcp reject with tcp reset",
            "reject with icmpx port-unreachable",
        ],
    }
    for f in FAMILIES:
        texts[f"select{f.number}"] = _select(f)
        texts[f"count{f.number}"] = _count(f)
    texts["select"] = ["meta nfproto vmap { ipv4 : goto select4, ipv6 : goto select6 }"]
    texts["count"] = ["meta nfproto vmap { ipv4 : goto count4, ipv6 : goto count6 }"]
    texts["prerouting"] = ["fib daddr type local goto select"]
    texts["output"] = ["fib daddr type local goto select"]
    texts["postrouting"] = ["ct status dnat goto count"]
    texts["input"] = [
        # What goes over the loopback device was counted in postrouting.
        'iifname != "lo" ct status dnat jump count',
        *(line for f in FAMILIES for line in _refuse(f)),
    ]
    return {name: _tagged(lines) for name, lines in texts.items()}


def script() -> list[str]:
    """The lines that make the frame in an absent table."""
    lines = [f"add table {TABLE}"]
    lines += [f"add {declaration}" for declaration in containers().values()]
    # Empty until timeouts are set; every new connection passes it.
    lines.append(f"add chain {TABLE} {TIMEOUTS}")
    for name, rules in chains().items():
        lines.append(f"add chain {TABLE} {name}{_base(name)}")
        lines += [add_rule(name, rule) for rule in rules]
    return lines


def add_rule(chain: str, rule: Rule) -> str:
    return f'add rule {TABLE} {chain} {rule.text} comment "{rule.comment}"'


def _base(name: str) -> str:
    if name not in BASES:
        return ""
    hook = BASES[name]
    return (
        f" {{ type {hook.type} hook {hook.hook} priority {hook.priority}; "
        f"policy {hook.policy}; }}"
    )


def _tagged(lines: list[str]) -> tuple[Rule, ...]:
    return tuple(Rule(line, fingerprint(line)) for line in lines)


def _select(f: Family) -> list[str]:
    n, ip = f.number, f.word
    return [
        f"meta mark vmap @services-mark{n}",
        f"{ip} daddr . meta l4proto . th dport vmap @services{n}",
        f"{ip} daddr . meta l4proto vmap @services-any{n}",
    ]


def _count(f: Family) -> list[str]:
    n, ip = f.number, f.word
    client, server = f"ct original {ip} daddr", f"ct reply {ip} saddr"
    exact = (
        f"{client} . meta l4proto . ct original proto-dst . "
        f"{server} . ct reply proto-src vmap @flows{n}"
    )
    marked = f"{server} . ct reply proto-src vmap @flows-mark{n}"
    # nft knows the ports of conntrack only after a match on the protocol.
    protocols = ("tcp", "udp", "sctp")
    return [
        *(f"meta l4proto {name} {exact}" for name in protocols),
        f"{client} . meta l4proto . {server} vmap @flows-any{n}",
        *(f"meta l4proto {name} {marked}" for name in protocols),
        f"{server} vmap @flows-mark-any{n}",
    ]


def _refuse(f: Family) -> list[str]:
    n, ip = f.number, f.word
    return [
        f"{ip} daddr . meta l4proto . th dport @refused{n} goto refuse",
        f"{ip} daddr . meta l4proto @refused-any{n} goto refuse",
        f"meta nfproto ipv{n} meta l4proto {PROTOCOLS} meta mark @refused-mark{n} "
        "goto refuse",
    ]
