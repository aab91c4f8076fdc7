"""Each keyword of a virtual and of a real server, changed by itself in a file.

What the plane is asked to do is exactly what the keyword stands for: most often one
change, and none for what only the checks or the addresses of the node look at.
"""

from __future__ import annotations

import pytest

from lvs_engine.config.loading import load
from lvs_engine.table.desired import desired
from lvs_engine.table.model import Table
from lvs_engine.table.notation import changes_as_text
from lvs_engine.table.plan import diff
from lvs_engine.values import HealthState, HealthView, ServerHealth, ServerKey

VIRTUAL = {
    "active": "1",
    "address": "192.0.2.10 eth0:1",
    "vip_nmask": "24",
    "port": "80",
    "persistent": "300",
    "scheduler": "sh",
}
SERVER = {"address": "10.0.0.1", "active": "1", "weight": "2"}
HEALTH = HealthView({ServerKey("web", "a"): ServerHealth(HealthState.UP)})


def table(virtual: dict[str, str], server: dict[str, str]) -> Table:
    lines = [f"  {keyword} = {value}" for keyword, value in virtual.items()]
    inner = [f"    {keyword} = {value}" for keyword, value in server.items()]
    text = "\n".join(
        [
            "primary = 192.0.2.1",
            "virtual web {",
            *lines,
            "  server a {",
            *inner,
            "  }\n}\n",
        ]
    )
    loaded = load(text, {})
    assert loaded.errors == []
    return desired(loaded.cluster, HEALTH, {})


def changes(virtual: dict[str, str], server: dict[str, str]) -> list[str]:
    before = table(VIRTUAL, SERVER)
    after = table({**VIRTUAL, **virtual}, {**SERVER, **server})
    return changes_as_text(diff(before, after, set(before)))


def moved(*added: str) -> list[str]:
    return [*added, "-D -t 192.0.2.10:80"]


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("active", "0", ["-D -t 192.0.2.10:80"]),
        ("address", "192.0.2.11 eth0:1", moved("-A -t 192.0.2.11:80 -s sh -p 300", "-a -t 192.0.2.11:80 -r 10.0.0.1:80 -m -w 2")),
        ("address", "192.0.2.10 eth0:9", []),
        ("vip_nmask", "32", []),
        ("port", "81", moved("-A -t 192.0.2.10:81 -s sh -p 300", "-a -t 192.0.2.10:81 -r 10.0.0.1:81 -m -w 2")),
        ("protocol", "udp", moved("-A -u 192.0.2.10:80 -s sh -p 300", "-a -u 192.0.2.10:80 -r 10.0.0.1:80 -m -w 2")),
        ("fwmark", "7", moved("-A -f 7 -s sh -p 300", "-a -f 7 -r 10.0.0.1:0 -m -w 2")),
        ("scheduler", "wlc", ["-E -t 192.0.2.10:80 -s wlc -p 300"]),
        ("scheduler_flags", "[ sh-port ]", ["-E -t 192.0.2.10:80 -s sh -p 300 -b sh-port"]),
        ("persistent", "60", ["-E -t 192.0.2.10:80 -s sh -p 60"]),
        ("persistent", "0", ["-E -t 192.0.2.10:80 -s sh"]),
        ("pmask", "255.255.255.0", ["-E -t 192.0.2.10:80 -s sh -p 300 -M 255.255.255.0"]),
        ("extra_ports", "[ 443 ]", ["-A -t 192.0.2.10:443 -s sh -p 300", "-a -t 192.0.2.10:443 -r 10.0.0.1:443 -m -w 2"]),
        ("extra_addresses", "[ 192.0.2.12 eth0:2 ]", ["-A -t 192.0.2.12:80 -s sh -p 300", "-a -t 192.0.2.12:80 -r 10.0.0.1:80 -m -w 2"]),
        ("timeout", "3", []),
        ("reentry", "9", []),
        ("send", '"x"', []),
        ("expect", '"x"', []),
        ("send_program", '"/bin/x %h"', []),
        ("load_monitor", "none", []),
        ("quiesce_server", "1", []),
        ("sorry_server", "10.0.0.9", []),  # while a server is up
    ],
)  # fmt: skip
def test_a_keyword_of_a_virtual_server_changes_what_it_stands_for(
    keyword: str, value: str, expected: list[str]
) -> None:
    assert changes({keyword: value}, {}) == expected


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("active", "0", ["-d -t 192.0.2.10:80 -r 10.0.0.1:80"]),
        ("address", "10.0.0.2", ["-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m -w 2", "-d -t 192.0.2.10:80 -r 10.0.0.1:80"]),
        ("port", "8080", ["-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m -w 2", "-d -t 192.0.2.10:80 -r 10.0.0.1:80"]),
        ("weight", "5", ["-e -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 5"]),
        ("forward", "direct", ["-e -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 2"]),
        ("upper_threshold", "9", ["-e -t 192.0.2.10:80 -r 10.0.0.1:80 -m -w 2 -x 9 -y 0"]),
    ],
)  # fmt: skip
def test_a_keyword_of_a_real_server_changes_what_it_stands_for(
    keyword: str, value: str, expected: list[str]
) -> None:
    assert changes({}, {keyword: value}) == expected
