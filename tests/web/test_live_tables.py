"""Which rows the tables of the wall have, from values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_engine.config.model import (
    Cluster,
    FloatingAddress,
    RealServer,
    VirtualServer,
)
from lvs_engine.control.status import ServerState, ServiceStatus
from piranha_web import live_tables
from tests.browser import recorded

SHOP = recorded.shop(1_700_000_000.0)


def names(services: tuple[ServiceStatus, ...]) -> list[str]:
    return [s.name for s in services]


def test_no_filter_leaves_everything() -> None:
    window = live_tables.window(SHOP.services, "", 1)
    assert window.services == SHOP.services
    assert (window.matching, window.total, window.pages) == (3, 3, 1)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("shop", ["shop-http", "shop-dns"]),
        ("SHOP dns", ["shop-dns"]),
        ("192.0.2.53", ["shop-dns"]),
        ("mark", ["ftp-bundle"]),
        ("refused", ["shop-http"]),
        ("no such thing", []),
    ],
)
def test_the_filter_looks_at_names_addresses_and_reasons(
    query: str, found: list[str]
) -> None:
    assert names(live_tables.window(SHOP.services, query, 1).services) == found


def test_a_match_by_name_keeps_all_real_servers() -> None:
    (http,) = live_tables.window(SHOP.services, "shop-http", 1).services
    assert len(http.servers) == 3


def test_a_match_of_a_real_server_keeps_only_those_that_match() -> None:
    (http,) = live_tables.window(SHOP.services, "down", 1).services
    assert [s.name for s in http.servers] == ["app3"]


def test_many_rows_are_cut_between_virtual_servers() -> None:
    http = SHOP.services[0]
    many = tuple(replace(http, name=f"v{i}") for i in range(300))
    first = live_tables.window(many, "", 1)
    assert first.pages == 3
    assert names(first.services) == [f"v{i}" for i in range(125)]
    assert all(len(s.servers) == 3 for s in first.services)


@pytest.mark.parametrize(("asked", "shown"), [(0, 1), (-5, 1), (2, 2), (99, 3)])
def test_a_page_that_is_not_there_is_the_nearest_one(asked: int, shown: int) -> None:
    many = tuple(replace(SHOP.services[0], name=f"v{i}") for i in range(300))
    assert live_tables.window(many, "", asked).page == shown


def test_a_pool_longer_than_a_page_is_not_cut() -> None:
    http = SHOP.services[0]
    long = replace(http, servers=http.servers * 400)
    assert live_tables.window((long,), "", 1).services == (long,)


def test_the_routing_table_has_what_the_kernel_has() -> None:
    rows = live_tables.routing_table(SHOP.services)
    assert [(r.protocol, r.address, r.how, r.weight) for r in rows] == [
        ("TCP", "192.0.2.80:80", "wlc", None),
        ("", "10.20.0.21:8080", "Masq", 40),
        ("", "10.20.0.22:8080", "Masq", 40),
        ("UDP", "192.0.2.53:53", "rr, persistent 300 s", None),
        ("", "10.20.0.31:53", "Masq", 1),
        ("", "10.20.0.32:53", "Masq", 0),
    ]


def test_a_mark_stands_in_the_routing_table_as_ipvsadm_has_it() -> None:
    (row,) = live_tables.routing_table(
        [ServiceStatus("ftp", ("mark 21",), active=True)]
    )
    assert (row.protocol, row.address) == ("FWM", "21")


def test_the_file_alone_says_nothing_of_health() -> None:
    cluster = Cluster(
        virtuals=(
            VirtualServer(
                "web",
                active=True,
                address=FloatingAddress("2001:db8::1"),
                servers=(
                    RealServer("a", "10.0.0.2", active=True, port=8080),
                    RealServer("a", "10.0.0.3"),
                ),
            ),
        )
    )
    (web,) = live_tables.configured(cluster)
    assert web.addresses == ("[2001:db8::1]:80 tcp",)
    assert [(s.name, s.port, s.state) for s in web.servers] == [
        ("a", 8080, ServerState.UNCHECKED),
        ("a#2", 80, ServerState.INACTIVE),
    ]


def test_every_address_and_port_of_a_virtual_server_is_listed() -> None:
    web = VirtualServer(
        "web",
        address=FloatingAddress("192.0.2.1"),
        extra_addresses=(FloatingAddress("192.0.2.2"),),
        extra_ports=(443,),
    )
    (found,) = live_tables.configured(Cluster(virtuals=(web,)))
    assert found.addresses == (
        "192.0.2.1:80 tcp",
        "192.0.2.1:443 tcp",
        "192.0.2.2:80 tcp",
        "192.0.2.2:443 tcp",
    )


def test_the_traffic_of_all_virtual_servers_is_summed() -> None:
    total = live_tables.total_traffic(SHOP.services)
    assert total.active_connections == 12031 + 6393
    assert total.connections_s == 1204.0
