"""Large files in a moment: the model of a text that is written as programs write it.

A file with tens of thousands of real servers says the same few things again and again.
Here one regular expression cuts it into blocks; what stands in a block around its
address is read once by the usual reader and taken for every block of the same shape.
A text with anything that would be a problem, or that is merely unusual, is left to the
usual way: `read_quickly` then returns None. A property test holds both ways equal.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from itertools import repeat

from lvs_engine.config.model import Cluster, FloatingAddress, RealServer, VirtualServer
from lvs_engine.config.parser import parse
from lvs_engine.config.reader import read

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS = rf"address[ \t]++=[ \t]++({_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE})"
_NAME = "([^ \t\r\n\"'#{}=]++)"

# A server block: its name, what stands before the address, the address, and the rest.
# It begins with a word and the rest is "all but }", which are the two things that `re`
# finds fastest. What the rest really is, the usual reader says once for each shape.
_SERVER = re.compile(
    rf"server[ \t]++{_NAME}[ \t]++\{{[ \t]*+\n"
    rf"([^{{}}\"'#]*?){_ADDRESS}[ \t]*+\n([^}}]*+)\}}[ \t]*+\n[ \t]*+"
)
_PIECES = 5  # of a text that is split by it: what stands between, and four groups

# What may stand between server blocks, one step after the other.
_STEP = re.compile(
    r"(?P<close>[ \t]*\}[ \t]*\n)"
    rf"|[ \t]*virtual[ \t]+{_NAME}[ \t]+\{{[ \t]*\n(?P<body>(?:[^{{}}#\n]*\n)*)"
    r"|(?P<nothing>[ \t]*(?:#[^\n]*)?\n)"
    r"|(?P<line>[^{}\n]*\n)"
)
_BODY = re.compile(
    rf"([^{{}}]*?){_ADDRESS}[ \t]+([^ \t\r\n\"'#]+)[ \t]*\n([^{{}}]*)", re.DOTALL
)
_UNTIL_ADDRESS = "virtual x {\nactive = 0\nserver x {\n"


class _NotQuickly(Exception):  # noqa: N818 - it never leaves this module
    """The text needs the usual way."""


def read_quickly(text: str, ports: Mapping[str, int]) -> Cluster | None:
    """The model of a text without problems in its statements, or None.

    None says nothing about the text but that it has to be read the usual way. Rules
    over several fields are not checked here.
    """
    if not text or "\r" in text or "\0" in text:
        return None
    try:
        return _Quick(text, ports).cluster()
    except _NotQuickly:
        return None


class _Shapes(dict[tuple[str, str], tuple[object, ...]]):
    """The values of server blocks by what stands before and behind the address."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        super().__init__()
        self._ports = ports

    def __missing__(self, key: tuple[str, str]) -> tuple[object, ...]:
        before, behind = key
        block = f"{_UNTIL_ADDRESS}{before}address = 10.0.0.1\n{behind}}}\n}}\n"
        virtual = _sound(block, self._ports).virtuals[0]
        if len(virtual.servers) != 1:
            raise _NotQuickly
        server = virtual.servers[0]
        # Behind name and address, in the order of the fields.
        values = tuple(getattr(server, f.name) for f in fields(RealServer)[2:])
        self[key] = values
        return values


def _sound(text: str, ports: Mapping[str, int]) -> Cluster:
    """The model of a small text without any problem."""
    document = parse(text)
    cluster, problems = read(document, ports)
    if problems or document.problems:
        raise _NotQuickly
    return cluster


class _Quick:
    def __init__(self, text: str, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._pieces = _SERVER.split(text if text.endswith("\n") else text + "\n")
        self._globals: list[str] = []
        self._virtuals: list[VirtualServer] = []
        self._open: tuple[str, str] | None = None  # name and body of the virtual block
        self._first = 0  # the first server of it
        self._bodies: dict[tuple[str, str], tuple[object, ...]] = {}
        self._servers: list[RealServer] = []

    def cluster(self) -> Cluster:
        pieces = self._pieces
        self._servers = self._all_servers()
        for number, between in enumerate(pieces[::_PIECES]):
            if between:
                self._walk(between, number)
            elif self._open is None:
                raise _NotQuickly  # a server outside of a virtual block
        if self._open is not None:
            raise _NotQuickly
        text = "".join(self._globals)
        cluster = _sound(text, self._ports) if text else Cluster()
        return replace(cluster, virtuals=tuple(self._virtuals))

    def _all_servers(self) -> list[RealServer]:
        names, before, addresses, behind = (
            self._pieces[group::_PIECES] for group in range(1, _PIECES)
        )
        shapes = _Shapes(self._ports)
        values = list(map(shapes.__getitem__, zip(before, behind, strict=True)))
        # A frozen dataclass sets each field by a call from its own __init__. For 37,000
        # objects it takes half the time to fill the slots of all of them, one by one.
        servers = list(map(object.__new__, repeat(RealServer, len(names))))
        columns: list[Iterable[object]] = [names, addresses]
        for number, kinds in enumerate(zip(*shapes.values(), strict=True)):
            if len(set(kinds)) == 1:
                columns.append(repeat(kinds[0]))
            else:
                columns.append([value[number] for value in values])
        for field, column in zip(fields(RealServer), columns, strict=bool(servers)):
            fill = getattr(RealServer, field.name).__set__
            deque(map(fill, servers, column), maxlen=0)
        return servers

    def _walk(self, between: str, number: int) -> None:
        """Take what stands before server `number` and behind the one before it."""
        between = between.rstrip(" \t")  # the indentation of the server
        place = 0
        while place < len(between):
            step = _STEP.match(between, place)
            if step is None:
                raise _NotQuickly
            match step.lastgroup:
                case "close":
                    self._close(number)
                case "body":
                    if self._open is not None:
                        raise _NotQuickly
                    self._open, self._first = (step[2], step["body"]), number
                case "line":
                    if self._open is not None:
                        raise _NotQuickly
                    self._globals.append(step[0])
                case _:  # a blank line or a comment
                    pass
            place = step.end()
        if self._open is None and number < len(self._servers):
            raise _NotQuickly

    def _close(self, number: int) -> None:
        if self._open is None:
            raise _NotQuickly
        name, body = self._open
        found = _BODY.fullmatch(body)
        if found is None:
            raise _NotQuickly
        before, address, device, behind = found.groups()
        values = self._bodies.get((before, behind))
        if values is None:
            values = self._bodies[before, behind] = self._body(before, behind)
        servers = tuple(self._servers[self._first : number])
        active, *rest = values
        floating = FloatingAddress(address, device)
        in_order: list[object] = [name, active, floating, *rest, servers]
        self._virtuals.append(VirtualServer(*in_order))  # type: ignore[arg-type]
        self._open = None

    def _body(self, before: str, behind: str) -> tuple[object, ...]:
        """The fields of a virtual block in their order, without name, address, servers."""
        block = f"virtual x {{\n{before}address = 10.0.0.1 eth0:1\n{behind}}}\n"
        virtual = _sound(block, self._ports).virtuals[0]
        return tuple(
            getattr(virtual, f.name)
            for f in fields(VirtualServer)
            if f.name not in ("name", "address", "servers")
        )
