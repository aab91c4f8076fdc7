"""Rules over what is sent, expected and run to see whether a server is healthy."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_engine.config.document import Scope
from lvs_engine.config.escapes import bad_escape, translate
from lvs_engine.config.model import Cluster, FailoverService, VirtualServer
from lvs_engine.config.problems import Severity
from lvs_engine.config.validation.finding import (
    Finding,
    Place,
    failover_in_use,
    grade,
    virtual_in_use,
)
from lvs_engine.values import Protocol

Service = VirtualServer | FailoverService


def checked(cluster: Cluster) -> Iterator[tuple[Service, bool, Place]]:
    for index, failover in enumerate(cluster.failovers):
        used = failover_in_use(cluster, failover)
        yield failover, used, Place(Scope.FAILOVER, index)
    for index, virtual in enumerate(cluster.virtuals):
        yield virtual, virtual_in_use(cluster, virtual), Place(Scope.VIRTUAL, index)


def escapes(cluster: Cluster) -> Iterator[Finding]:
    """An unknown escape hung the original for ever at full CPU (KF-5)."""
    for service, used, place in checked(cluster):
        for keyword, text in (("send", service.send), ("expect", service.expect)):
            offset = None if text is None else bad_escape(text)
            if text is None or offset is None:
                continue
            pair = text[offset : offset + 2]
            what = (
                f"the escape {pair} is unknown"
                if len(pair) == 2
                else ("the text ends with a single backslash")
            )
            yield Finding(
                grade(used),
                "bad-escape",
                rf"{keyword}: {what}; allowed are \n \r \t \\ \' \", and a backslash is "
                r"written \\",
                place,
                (keyword,),
                offset=offset,
            )


def regexes(cluster: Cluster) -> Iterator[Finding]:
    """A regular expression that does not compile never matches (KF-23)."""
    for index, virtual in enumerate(cluster.virtuals):
        place = Place(Scope.VIRTUAL, index)
        if not virtual.use_regex:
            continue
        if virtual.expect is None:
            text = "use_regex has no effect without expect"
            yield Finding(
                Severity.WARNING, "without-effect", text, place, ("use_regex",)
            )
            continue
        from lvs_engine.config.posix_regex import compiled  # few files need it

        try:
            compiled(translate(virtual.expect).encode("utf-8", "surrogateescape"))
        except ValueError as error:
            yield Finding(
                grade(virtual_in_use(cluster, virtual)),
                "bad-regex",
                f"expect with use_regex must be a POSIX extended regular expression: {error}",
                place,
                ("expect",),
            )


def programs(cluster: Cluster) -> Iterator[Finding]:
    for service, used, place in checked(cluster):
        program = service.send_program
        if program is None:
            continue
        if not program.strip():
            yield Finding(
                grade(used),
                "empty-program",
                "send_program must be the path of a program, got an empty text; remove "
                "the line if there is none",
                place,
                ("send_program",),
            )
        elif "%h" not in program:
            yield Finding(
                Severity.WARNING,
                "program-without-host",
                "send_program has no %h, so it cannot know which real server to check",
                place,
                ("send_program",),
            )
        if service.send is not None:
            text = "send has no effect, because there is a send_program"
            yield Finding(Severity.WARNING, "without-effect", text, place, ("send",))


def udp(cluster: Cluster) -> Iterator[Finding]:
    """UDP is checked by an answer, and nobody answers an empty question (KF-7)."""
    for service, used, place in checked(cluster):
        asked = service.send is not None or service.send_program is not None
        if used and service.protocol is Protocol.UDP and not asked:
            yield Finding(
                Severity.WARNING,
                "udp-unchecked",
                "a UDP service needs send or send_program to be checked",
                place,
                ("protocol",),
            )


RULES = (escapes, regexes, programs, udp)
