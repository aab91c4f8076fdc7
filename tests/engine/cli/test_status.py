"""`piranha status`, for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from lvs_engine.cli.report import report
from lvs_engine.cli.status import command
from lvs_engine.control.protocol import from_dict
from lvs_engine.control.status import (
    AddressStatus,
    ConfigurationStatus,
    DaemonStatus,
    Event,
    NodeState,
    NodeStatus,
    PassStatus,
    ServerState,
    ServerStatus,
    ServiceStatus,
    Status,
    Traffic,
)
from tests.engine.cli.node import alone, invoke

NOW = 1_000_000.0
ONE = ServerStatus(
    "one",
    "10.0.0.1",
    8080,
    ServerState.UP,
    weight=3,
    effective_weight=3,
    traffic=Traffic(active_connections=12),
)
TWO = ServerStatus(
    "two",
    "10.0.0.2",
    8080,
    ServerState.DOWN,
    code="L4CON",
    reason="connection refused",
    since=NOW - 300,
)
WEB = ServiceStatus(
    "web",
    ("192.0.2.10:80 tcp",),
    True,
    persistent=300,
    servers=(ONE, TWO),
    traffic=Traffic(connections_s=4.25),
)
STATUS = Status(
    version="0.9.0",
    at=NOW,
    node=NodeStatus("lb1", "primary", NodeState.ACTIVE, NOW - 7300, "no partner"),
    daemons=(
        DaemonStatus("pulse", 10, "running"),
        DaemonStatus("nanny", 12, "running", restarts=2),
    ),
    configuration=ConfigurationStatus("lvs.cf", 14, "5f2c81ab00", NOW - 60),
    plane="nftables",
    last_pass=PassStatus("settled", NOW - 4),
    addresses=(AddressStatus("192.0.2.10", "eth0:1", "virtual web", True),),
    services=(WEB,),
    events=(Event(NOW - 300, "bad", "web/two", "down: connection refused"),),
)


def test_a_person_reads_state_in_words_and_shapes() -> None:
    assert list(report(STATUS)) == [
        "lb1: active (primary) for 2 h, balancing by nftables, piranha 0.9.0",
        "  no partner",
        "daemons  pulse running (pid 10), nanny running (pid 12, restarted 2 times)",
        "file     lvs.cf, serial 14, revision 5f2c81ab, loaded 60 s ago",
        "table    settled, looked at 4 s ago",
        "address  ● 192.0.2.10 eth0:1                here, virtual web",
        "",
        "▲ web  192.0.2.10:80 tcp  wlc, persistent 300 s, 1 of 2 up, 4.2 conn/s",
        "  ● one            10.0.0.1:8080            up        weight 3            "
        "12 active",
        "  ✕ two            10.0.0.2:8080            down      weight −             "  # noqa: RUF001
        "0 active",
        "    − connection refused (L4CON) for 5 min",  # noqa: RUF001
        "",
        "Latest events",
        "  ✕ 5 min ago  web/two: down: connection refused",
    ]


def test_trouble_stands_above_the_services() -> None:
    troubled = replace(
        STATUS,
        configuration=replace(
            STATUS.configuration, rejected=("lvs.cf:2:9: error: port",)
        ),
        last_pass=replace(STATUS.last_pass, drift=("x was removed",), refusals=("no",)),
        services=(),
        events=(),
        foreign=("198.51.100.7:443 tcp",),
    )
    lines = list(report(troubled))
    assert lines[6:] == [
        "✕ the file was changed and refused; the former one runs:",
        "  − lvs.cf:2:9: error: port",  # noqa: RUF001
        "✕ no",
        "▲ changed by somebody else: x was removed",
        "",
        "Not ours, left alone: 198.51.100.7:443 tcp",
    ]


def test_a_long_note_is_broken_at_80_columns() -> None:
    lines = list(report(Status(plane_notes=(" ".join(["word"] * 20),))))
    first, rest = " ".join(["word"] * 15), " ".join(["word"] * 5)
    assert lines[2:] == [f"− {first}", f"  {rest}"]  # noqa: RUF001


def test_a_service_shows_the_worst_of_its_servers() -> None:
    def first_line(*servers: ServerStatus, active: bool = True) -> str:
        service = replace(WEB, servers=servers, active=active)
        return next(
            line
            for line in report(Status(services=(service,)))
            if "192.0.2.10:80" in line
        )

    assert first_line(ONE).startswith("● web")
    assert first_line(ONE, TWO).startswith("▲ web")
    assert first_line(TWO).startswith("✕ web")
    assert first_line(TWO, active=False).startswith("○ web")
    assert first_line(replace(TWO, state=ServerState.INACTIVE), ONE).startswith("● web")


def test_colour_only_repeats_the_shape() -> None:
    plain = list(report(STATUS))
    painted = list(report(STATUS, colour=True))
    assert len(plain) == len(painted)
    changed = [p for p, q in zip(plain, painted, strict=True) if p != q]
    assert {line.lstrip()[0] for line in changed} == {"●", "✕", "▲"}


def test_the_command_prints_the_report_without_colour_into_a_pipe(
    tmp_path: Path,
) -> None:
    result = invoke(tmp_path, command, status=STATUS)
    assert result.exit_code == 0
    assert result.output.splitlines() == list(report(STATUS))


def test_json_is_the_whole_snapshot(tmp_path: Path) -> None:
    result = invoke(tmp_path, command, "--json", status=STATUS)
    assert result.exit_code == 0
    assert from_dict(json.loads(result.output)) == STATUS


def test_without_a_daemon_the_exit_status_is_3(tmp_path: Path) -> None:
    result = alone(tmp_path, command)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "neither pulse nor lvsd runs" in result.stderr
