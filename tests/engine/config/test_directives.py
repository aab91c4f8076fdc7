"""The table of keywords against the model, the specification and the writer."""

from __future__ import annotations

from dataclasses import fields

import pytest

from lvs_engine.config import directives
from lvs_engine.config.directives import DIRECTIVES, Directive, Effect, Scope
from lvs_engine.config.model import Cluster, FailoverService, RealServer, VirtualServer

CLASSES: dict[Scope, Cluster | VirtualServer | FailoverService | RealServer] = {
    Scope.GLOBAL: Cluster(),
    Scope.VIRTUAL: VirtualServer("x"),
    Scope.FAILOVER: FailoverService("x"),
    Scope.SERVER: RealServer("x"),
}
NOT_KEYWORDS = {"name", "virtuals", "failovers", "servers"}
ORIGINAL = {
    Scope.GLOBAL: """serial_no primary primary_private primary_shared service rsh_command
        backup_active backup backup_private backup_shared heartbeat heartbeat_port keepalive
        deadtime network nat_router nat_nmask reservation_conflict_action debug_level
        active_cmd inactive_cmd monitor_links syncdaemon syncd_iface syncd_id tcp_timeout
        tcpfin_timeout udp_timeout hard_shutdown ipvsadm sync""",
    Scope.VIRTUAL: """active address sorry_server vip_nmask fwmark port persistent pmask send
        expect use_regex send_program load_monitor scheduler protocol timeout reentry
        quiesce_server client_monitor master dirs start_cmd stop_cmd""",
    Scope.SERVER: "address active port weight",
}
ORIGINAL[Scope.FAILOVER] = ORIGINAL[Scope.VIRTUAL]


def name(row: Directive) -> str:
    return f"{row.scopes[0]}-{row.keyword}"


every_row = pytest.mark.parametrize("row", DIRECTIVES, ids=name)


@pytest.mark.parametrize("scope", CLASSES)
def test_every_field_of_the_model_has_one_keyword(scope: Scope) -> None:
    known = [row.field for row in directives.in_scope(scope) if row.field]
    wanted = {f.name for f in fields(CLASSES[scope])} - NOT_KEYWORDS
    assert sorted(known) == sorted(wanted)


@pytest.mark.parametrize("scope", CLASSES)
def test_every_keyword_of_the_original_is_known_and_no_other_unmarked(
    scope: Scope,
) -> None:
    known = {row.keyword for row in directives.in_scope(scope) if not row.extension}
    assert known == set(ORIGINAL[scope].split())


@pytest.mark.parametrize("scope", [Scope.GLOBAL, Scope.VIRTUAL])
def test_keywords_stand_in_the_order_of_the_old_web_tool(scope: Scope) -> None:
    known = [row.keyword for row in directives.in_scope(scope) if not row.extension]
    assert known == ORIGINAL[scope].split()


@every_row
def test_the_default_is_the_one_of_the_model(row: Directive) -> None:
    if row.field:
        assert row.default == getattr(CLASSES[row.scopes[0]], row.field)


@every_row
def test_a_default_that_is_written_reads_back(row: Directive) -> None:
    if row.default is None or row.blank:
        return
    text = row.codec.format(row.default)
    assert row.codec.parse([w.strip('"') for w in text.split()], {}) == row.default


@every_row
def test_a_person_finds_label_help_and_what_is_allowed(row: Directive) -> None:
    assert row.label and not row.label.endswith(":")
    assert row.help.endswith(".")
    assert row.allowed


@every_row
def test_what_has_no_field_has_no_effect(row: Directive) -> None:
    assert row.field or row.effect is Effect.NONE


def test_extension_words_are_marked() -> None:
    scheduler = directives.find(Scope.VIRTUAL, "scheduler")
    assert scheduler is not None
    assert scheduler.extension_words == ("sed", "nq", "fo", "ovf", "mh", "twos")


@pytest.mark.parametrize(
    ("keyword", "near"),
    [("keepalve", "keepalive"), ("PRIMARY", "primary"), ("rack", None)],
)
def test_the_nearest_known_keyword_is_suggested(keyword: str, near: str | None) -> None:
    assert directives.suggest(Scope.GLOBAL, keyword) == near
