"""`piranha plan`: a preview in ipvsadm's notation that touches nothing."""

from __future__ import annotations

from pathlib import Path

from lvs_engine.cli.plan import command
from lvs_engine.control.status import (
    ServerState,
    ServerStatus,
    ServiceStatus,
    Status,
)
from tests.engine.cli.node import alone, invoke

FILE = """primary = 192.0.2.1
network = {network}
virtual web {{
 active = 1
 address = 192.0.2.10 eth0:1
 vip_nmask = 255.255.255.255
 port = 80
 send = ""
 server one {{
  address = 10.0.0.1
  active = 1
 }}
 server two {{
  address = 10.0.0.2
  active = 1
  weight = 2
 }}
}}
"""


def written(folder: Path, network: str = "nat") -> str:
    path = folder / "lvs.cf"
    path.write_text(FILE.format(network=network))
    return str(path)


def test_without_lvsd_every_server_counts_as_up(tmp_path: Path) -> None:
    result = alone(tmp_path, command, written(tmp_path), "--plane", "memory")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "-A -t 192.0.2.10:80 -s wlc",
        "-a -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 1",
        "-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m -w 2",
    ]
    assert "every server is taken as up" in result.stderr


def test_with_lvsd_servers_count_as_it_knows_them(tmp_path: Path) -> None:
    known = ServiceStatus(
        "web",
        ("192.0.2.10:80 tcp",),
        True,
        servers=(ServerStatus("one", "10.0.0.1", 80, ServerState.DOWN),),
    )
    result = invoke(
        tmp_path,
        command,
        written(tmp_path),
        "--plane",
        "memory",
        status=Status(services=(known,)),
    )
    assert result.stdout.splitlines() == [
        "-A -t 192.0.2.10:80 -s wlc",
        "-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m -w 2",
    ]
    assert result.stderr == ""


def test_when_nothing_would_change_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.cf").write_text("primary = 192.0.2.1\n")
    result = alone(tmp_path, command, str(tmp_path / "empty.cf"), "--plane", "memory")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "# nothing would change\n" in result.stderr


def test_errors_in_the_file_are_printed_and_end_with_1(tmp_path: Path) -> None:
    path = tmp_path / "lvs.cf"
    path.write_text("keepalive = often\n")
    result = alone(tmp_path, command, str(path), "--plane", "memory")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"{path}:1:13: error:" in result.stderr


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    result = alone(tmp_path, command, str(tmp_path / "no.cf"), "--plane", "memory")
    assert result.exit_code == 2
    assert "there is no such file" in result.stderr


def test_planning_leaves_no_trace(tmp_path: Path) -> None:
    alone(tmp_path, command, written(tmp_path), "--plane", "memory")
    assert [p.name for p in tmp_path.iterdir()] == ["lvs.cf"]
