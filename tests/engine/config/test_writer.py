"""Edits as people make them, and the text that comes out."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

import pytest

from lvs_engine.config.document import Document
from lvs_engine.config.model import (
    Cluster,
    FailoverService,
    FloatingAddress,
    RealServer,
    VirtualServer,
)
from lvs_engine.config.parser import parse
from lvs_engine.config.reader import read
from lvs_engine.config.writer import write
from lvs_engine.errors import ConfigError
from lvs_engine.values import Forwarding

VALID = Path(__file__).parents[2] / "data" / "valid"
PORTS = {"domain": 53}


def sample(name: str) -> Document:
    with (VALID / f"{name}.cf").open(newline="") as file:
        return parse(file.read())


def cluster_of(document: Document) -> Cluster:
    return read(document, PORTS).cluster


def changes(before: Document, cluster: Cluster) -> list[str]:
    """Removed and added lines, without context."""
    after = write(before, cluster, PORTS).render()
    found = difflib.unified_diff(
        before.render().splitlines(), after.splitlines(), n=0, lineterm=""
    )
    return [
        line for line in found if line[:3] not in ("---", "+++") and line[0] in "+-"
    ]


def with_virtual(cluster: Cluster, **values: object) -> Cluster:
    first = replace(cluster.virtuals[0], **values)  # type: ignore[arg-type]
    return replace(cluster, virtuals=(first, *cluster.virtuals[1:]))


def test_a_fresh_file_is_written_in_the_usual_order_and_indentation() -> None:
    server = RealServer("one", "10.0.0.1", active=True, weight=5)
    web = VirtualServer(
        "web",
        active=True,
        address=FloatingAddress("192.0.2.80", "eth0:1"),
        netmask=24,
        send="GET",
        timeout=6,
        servers=(server,),
    )
    shop = FailoverService("shop", start_cmd="a b")
    cluster = Cluster(
        serial_no=1, primary="192.0.2.1", virtuals=(web,), failovers=(shop,)
    )
    assert write(parse(""), cluster, {}).render() == (
        "serial_no = 1\n"
        "primary = 192.0.2.1\n"
        "failover shop {\n"
        "     active = 0\n"
        "     port = 80\n"
        "     timeout = 10\n"
        '     start_cmd = "a b"\n'
        "}\n"
        "virtual web {\n"
        "     active = 1\n"
        "     address = 192.0.2.80 eth0:1\n"
        "     vip_nmask = 255.255.255.0\n"
        "     port = 80\n"
        '     send = "GET"\n'
        "     scheduler = wlc\n"
        "     protocol = tcp\n"
        "     timeout = 6\n"
        "     reentry = 180\n"
        "     quiesce_server = 0\n"
        "     server one {\n"
        "         address = 10.0.0.1\n"
        "         active = 1\n"
        "         weight = 5\n"
        "     }\n"
        "}\n"
    )


def test_one_word_of_two_is_changed_and_the_blanks_between_stay() -> None:
    document = sample("hand-edited")
    vip = FloatingAddress("192.0.2.80", "eth0:7")
    edited = with_virtual(cluster_of(document), address=vip)
    assert changes(document, edited) == [
        "-\taddress = 192.0.2.80   eth0:1",
        "+\taddress = 192.0.2.80   eth0:7",
    ]


def test_a_new_keyword_goes_behind_its_elder_with_the_indentation_of_the_block() -> (
    None
):
    document = sample("hand-edited")
    edited = with_virtual(cluster_of(document), persistent=300)
    written = write(document, edited, PORTS).render()
    assert "\tport = 80\n\tpersistent = 300\n" in written
    assert changes(document, edited) == ["+\tpersistent = 300"]


def test_a_value_that_is_gone_takes_its_line_with_it() -> None:
    document = sample("nat-two-routers")
    edited = with_virtual(cluster_of(document), sorry_server=None)
    assert changes(document, edited) == ["-     sorry_server = 10.20.0.250"]


def test_a_default_that_is_written_out_stays_written_out() -> None:
    document = parse("keepalive = 3\n")
    assert changes(document, Cluster()) == ["-keepalive = 3", "+keepalive = 2"]


def test_a_name_is_changed_in_its_header() -> None:
    document = sample("hand-edited")
    edited = with_virtual(cluster_of(document), name="shop window")
    assert changes(document, edited) == [
        '-virtual  "shop front"  {',
        '+virtual  "shop window"  {',
    ]


def test_a_removed_server_leaves_the_comment_of_its_neighbour() -> None:
    document = sample("hand-edited")
    cluster = cluster_of(document)
    edited = with_virtual(cluster, servers=cluster.virtuals[0].servers[1:])
    assert changes(document, edited) == [
        "-\tserver a { ",
        "-\t\taddress = 10.20.0.21",
        "-\t\tactive = 1",
        "-\t}   ",
    ]


def test_a_new_server_looks_like_its_neighbours() -> None:
    document = sample("hand-edited")
    cluster = cluster_of(document)
    new = RealServer("c", "10.20.0.23", forwarding=Forwarding.TUNNEL)
    edited = with_virtual(cluster, servers=(*cluster.virtuals[0].servers, new))
    assert changes(document, edited) == [
        "+\tserver c {",
        "+\t\taddress = 10.20.0.23",
        "+\t\tactive = 0",
        "+\t\tweight = 1",
        "+\t\tforward = tunnel",
        "+\t}",
    ]


def test_blocks_that_change_places_are_moved_with_their_comments() -> None:
    document = parse(
        "virtual a {\nactive = 0 # off\n}\nvirtual b {\n# note\nactive = 0\n}\n"
    )
    cluster = cluster_of(document)
    swapped = replace(cluster, virtuals=cluster.virtuals[::-1])
    written = write(document, swapped, PORTS).render()
    assert written == (
        "virtual b {\n# note\nactive = 0\n}\nvirtual a {\nactive = 0 # off\n}\n"
    )


def test_blocks_with_blank_lines_between_stay_so_when_one_comes_or_goes() -> None:
    document = sample("nat-two-routers")
    cluster = cluster_of(document)
    without = write(document, replace(cluster, virtuals=cluster.virtuals[:1]), PORTS)
    assert "\n\n\n" not in without.render()
    assert not without.render().endswith("\n\n")
    fresh = VirtualServer("new")
    more = write(document, replace(cluster, virtuals=(*cluster.virtuals, fresh)), PORTS)
    assert "}\n\nvirtual new {\n" in more.render()


def test_of_three_blocks_of_one_name_the_right_one_is_removed() -> None:
    blocks = [f"virtual x {{\n# {n}\nactive = 0\nport = {n}\n}}\n" for n in (1, 2, 3)]
    document = parse("".join(blocks))
    cluster = cluster_of(document)
    left = (cluster.virtuals[0], cluster.virtuals[2])
    written = write(document, replace(cluster, virtuals=left), PORTS)
    assert written.render() == blocks[0] + blocks[2]


def test_all_lines_of_a_repeated_keyword_go_when_it_goes() -> None:
    document = parse("primary = 10.0.0.1\nprimary = 10.0.0.2\n")
    assert write(document, Cluster(), PORTS).render() == ""


def test_of_a_repeated_keyword_the_last_line_is_edited() -> None:
    document = parse("keepalive = 3\nkeepalive = 4\n")
    assert changes(document, Cluster(keepalive=5)) == [
        "-keepalive = 4",
        "+keepalive = 5",
    ]


def test_a_broken_line_is_replaced_by_the_new_value() -> None:
    document = parse('virtual a {\n  active = 0\n  send = "GET\n}\n')
    edited = with_virtual(cluster_of(document), send="HEAD")
    assert changes(document, edited) == ['-  send = "GET', '+  send = "HEAD"']


def test_line_ends_are_those_of_the_file() -> None:
    document = parse("virtual a {\r\n\tactive = 0\r\n}")
    cluster = with_virtual(cluster_of(document), port=81)
    cluster = replace(cluster, virtuals=(*cluster.virtuals, VirtualServer("b")))
    written = write(document, cluster, PORTS).render()
    assert written.replace("\r\n", "").count("\n") == 0
    assert written.count("\r\n") == len(written.splitlines())


def test_a_late_port_moves_up_when_the_block_is_edited() -> None:
    text = (
        "virtual a {\nactive = 0\nserver s {\naddress = 10.0.0.1\nactive = 0\n}\n"
        "port = 81\n}\n"
    )
    document = parse(text)
    cluster = cluster_of(document)
    assert cluster.virtuals[0].servers[0].port == 80
    server = replace(cluster.virtuals[0].servers[0], port=None)
    written = write(document, with_virtual(cluster, servers=(server,)), PORTS)
    assert written.render() == (
        "virtual a {\nactive = 0\nport = 81\nserver s {\naddress = 10.0.0.1\n"
        "active = 0\n}\n}\n"
    )


def test_missing_last_braces_are_added_before_a_new_block() -> None:
    document = parse("virtual a {\n  active = 0\n  server s {\n    active = 0\n")
    cluster = cluster_of(document)
    servers = (*cluster.virtuals[0].servers, RealServer("t"))
    written = write(document, with_virtual(cluster, servers=servers), PORTS).render()
    assert written.endswith("  }\n  server t {\n    address = 0.0.0.0\n    active = 0\n"
                            "    weight = 1\n  }\n}\n")  # fmt: skip


@pytest.mark.parametrize("name", ["a\nb = 1", "both ' and \""])
def test_a_name_that_no_header_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="the name must not hold"):
        write(parse(""), Cluster(virtuals=(VirtualServer(name),)), {})


def test_a_value_that_would_read_otherwise_is_refused() -> None:
    with pytest.raises(ConfigError, match="reads back the same"):
        write(parse(""), Cluster(primary="10.1"), {})


def test_the_given_document_is_not_changed() -> None:
    document = sample("nat-two-routers")
    text = document.render()
    write(document, Cluster(), PORTS)
    assert document.render() == text


def test_a_late_port_stays_where_it_is_while_its_block_is_not_edited() -> None:
    text = (
        "virtual a {\nactive = 0\nserver s {\naddress = 10.0.0.1\nactive = 0\n}\n"
        "port = 81\n}\nkeepalive = 3\n"
    )
    document = parse(text)
    edited = replace(cluster_of(document), keepalive=4)
    assert changes(document, edited) == ["-keepalive = 3", "+keepalive = 4"]


def test_quotes_that_are_not_needed_stay_where_they_were() -> None:
    document = parse('active_cmd = "old"\nnat_router = "10.0.0.1" eth1:1\n')
    cluster = Cluster(
        active_cmd="new", nat_router=FloatingAddress("10.0.0.1", "eth1:2")
    )
    assert write(document, cluster, PORTS).render() == (
        'active_cmd = "new"\nnat_router = "10.0.0.1" eth1:2\n'
    )
