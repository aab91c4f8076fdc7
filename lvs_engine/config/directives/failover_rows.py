"""Keywords of a `failover` block."""

from __future__ import annotations

from dataclasses import replace

from lvs_engine.config.codecs import Choice, Flag, Integer, Port, Text
from lvs_engine.config.codecs_address import Mask
from lvs_engine.config.codecs_compound import HostDevice
from lvs_engine.config.directives.row import Directive, Effect
from lvs_engine.config.directives.virtual_rows import VIRTUAL_ROWS
from lvs_engine.config.document import Scope
from lvs_engine.values import Protocol

_HERE = (Scope.FAILOVER,)

_USED: tuple[Directive, ...] = (
    Directive(
        "address",
        _HERE,
        "address",
        HostDevice(),
        None,
        "Virtual IP Address",
        "The address that clients use, and the alias of an interface that carries it.",
        allowed="an address and a device, such as 192.0.2.80 eth0:1",
        effect=Effect.ADDRESSES,
        always=True,
    ),
    Directive(
        "vip_nmask",
        _HERE,
        "netmask",
        Mask(),
        None,
        "Virtual IP Network Mask",
        "The mask with which the virtual address is put on its interface.",
        allowed="a mask such as 255.255.255.0, or a prefix length",
        effect=Effect.ADDRESSES,
    ),
    Directive(
        "active",
        _HERE,
        "active",
        Flag(),
        False,
        "Active",
        "Whether the block is in use. A block without the keyword is not.",
        allowed="0 or 1",
        effect=Effect.CHECKS,
        always=True,
    ),
    Directive(
        "port",
        _HERE,
        "port",
        Port(),
        80,
        "Application port",
        "The port that clients use. 0 stands for all ports and needs a persistence.",
        allowed="0-65535, or the name of a TCP service",
        effect=Effect.CHECKS,
        always=True,
    ),
    Directive(
        "protocol",
        _HERE,
        "protocol",
        Choice(tuple(Protocol), Protocol, 2),
        Protocol.TCP,
        "Protocol",
        "The transport protocol of the service.",
        allowed="tcp, udp or sctp",
        effect=Effect.CHECKS,
        extension_words=("sctp",),
    ),
    Directive(
        "timeout",
        _HERE,
        "timeout",
        Integer(1, 86400),
        10,
        "Service timeout",
        "Seconds between two checks of a real server, and the longest that each step of one may take.",
        allowed="1-86400 seconds",
        effect=Effect.CHECKS,
        unit="s",
        always=True,
    ),
    Directive(
        "send",
        _HERE,
        "send",
        Text(always_quoted=True),
        None,
        "Send",
        "Text sent to a real server at each check.",
        allowed="text in quotes; escapes \\r \\n \\t \\\\ \\' \\\"",
        effect=Effect.CHECKS,
    ),
    Directive(
        "expect",
        _HERE,
        "expect",
        Text(always_quoted=True),
        None,
        "Expect",
        "What the answer of a healthy real server begins with, or what the sending program prints; a single * takes any answer.",
        allowed="text in quotes; escapes \\r \\n \\t \\\\ \\' \\\"",
        effect=Effect.CHECKS,
    ),
    Directive(
        "send_program",
        _HERE,
        "send_program",
        Text(always_quoted=True),
        None,
        "Sending Program",
        "A program that checks a real server and prints a line; it comes before the send text. %h becomes the address of the real server, %p its port.",
        allowed="a path with arguments, in quotes",
        effect=Effect.CHECKS,
    ),
    Directive(
        "client_monitor",
        _HERE,
        "client_monitor",
        Text(),
        None,
        "Monitor program",
        "Kept for old files: all checks are made by nanny.",
        allowed="a path",
        effect=Effect.CHECKS,
    ),
    Directive(
        "start_cmd",
        _HERE,
        "start_cmd",
        Text(always_quoted=True),
        None,
        "Start command",
        "Starts the service on the router that takes over, without a shell.",
        allowed="a command with arguments, in quotes",
        effect=Effect.COMMANDS,
    ),
    Directive(
        "stop_cmd",
        _HERE,
        "stop_cmd",
        Text(always_quoted=True),
        None,
        "Stop command",
        "Stops the service on the router that gives up, without a shell.",
        allowed="a command with arguments, in quotes",
        effect=Effect.COMMANDS,
    ),
)

# The file format knows all keywords of a virtual block here too; fos never used these.
_UNUSED = tuple(
    replace(row, scopes=_HERE, field="", effect=Effect.NONE)
    for row in VIRTUAL_ROWS
    if row.keyword not in {used.keyword for used in _USED} and not row.extension
)

FAILOVER_ROWS: tuple[Directive, ...] = (*_USED, *_UNUSED)
