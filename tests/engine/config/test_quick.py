"""The quick way of reading is the usual way, or stands aside."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.check import lvs_cf
from lvs_engine.config.loading import load, load_quickly, load_thoroughly
from lvs_engine.config.model import Cluster, RealServer
from lvs_engine.config.parser import parse
from lvs_engine.config.quick import read_quickly
from lvs_engine.config.reader import read
from lvs_engine.config.writer import write
from tests.engine.config.strategies import NOISE, PORTS, clusters, texts

VALID = Path(__file__).parents[2] / "data" / "valid"

# Keyword by keyword what a block may say; the last ones are rare slips.
SERVER = [
    ["address = 10.0.0.1", "address = 10.0.0.2", "address = 0.0.0.0"],
    ["active = 1", "active = 0"],
    ["port = 80", "port = 81", ""],
    ["weight = 1", "# note", '# "', ""],
]
VIRTUAL = [
    [
        "address = 192.0.2.1 eth0:1",
        "address = 192.0.2.2 eth0:1",
        "address = 10.0.0.1 eth0",
    ],
    ["active = 1", "active = 1", "active = 0"],
    ["port = 80", "port = 0", ""],
    ["vip_nmask = 24", ""],
    ['send = "GET"', r'send = "\q"', ""],
    ["fwmark = 3", ""],
]
GLOBAL = [["primary = 10.0.0.9", ""], ["keepalive = 9", ""], ["network = direct", ""]]
SLIPS = [
    *["}", "server a {", "# }", "keepalive = 3", "address = 10.0.0.256", "active = 1"],
    *["weight = 70000", 'expect = "{"', "rack = 1", "port = 81", "virtual b {"],
]


@st.composite
def lines_of(draw: st.DrawFn, choices: list[list[str]]) -> list[str]:
    lines = [draw(st.sampled_from(choice)) for choice in choices]
    lines = [line for line in draw(st.permutations(lines)) if line]
    if draw(st.integers(0, 9)) == 0:
        lines.append(draw(st.sampled_from(SLIPS)))
    return lines


@st.composite
def regular_texts(draw: st.DrawFn) -> str:
    """Texts of which the quick way takes about one in three."""
    lines = draw(lines_of(GLOBAL))
    for name in draw(st.lists(st.sampled_from("ab"), max_size=3)):
        lines += [f"virtual {name} {{", *draw(lines_of(VIRTUAL))]
        for server in draw(st.lists(st.sampled_from("ab"), max_size=2)):
            lines += [f"     server {server} {{", *draw(lines_of(SERVER)), "     }"]
        lines.append("}")
        lines += draw(st.sampled_from([[], [], ["# end", ""], ["serial_no = 3"]]))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


def check_equal(text: str) -> None:
    quick = load_quickly(text, PORTS)
    if quick is None:
        return
    usual = load_thoroughly(text, PORTS)
    assert quick.cluster == usual.cluster
    assert quick.problems == usual.problems


@given(st.one_of(regular_texts(), texts()))
@example("virtual server a {\n}\n")
@example("virtual a {\n     observer b {\naddress = 10.0.0.1\n}\n}\n")
@example("virtual a {\nserver b {\nxaddress = 10.0.0.1\n}\n}\n")
@example('virtual a {\nserver b {\naddress = 10.0.0.1\nx = "}\n}\n}\n')
@example("virtual a {\nserver b {\naddress = 10.0.0.1\n# }\n}\n}\n")
@example("server b {\naddress = 10.0.0.1\n}\n")
@example("failover a {\naddress = 10.0.0.1 eth0:1\n}\n")
def test_both_ways_give_the_same_model_and_problems(text: str) -> None:
    check_equal(text)


@given(NOISE)
def test_no_noise_is_read_otherwise(text: str) -> None:
    check_equal(text)


@given(clusters)
def test_what_we_write_is_read_the_same_both_ways(cluster: Cluster) -> None:
    check_equal(write(parse(""), cluster, PORTS).render())


@pytest.mark.parametrize(
    "name", ["manual-example-nat", "ftp-fwmark-nat", "nat-two-routers"]
)
def test_usual_files_are_read_the_quick_way(name: str) -> None:
    text = (VALID / f"{name}.cf").read_text()
    ports = {**PORTS, "domain": 53}
    quick = read_quickly(text, ports)
    assert quick == read(parse(text), ports).cluster


def test_the_file_of_the_benchmark_is_read_the_quick_way_without_problems() -> None:
    loaded = load_quickly(lvs_cf(), {})
    assert loaded is not None
    assert loaded.problems == []
    assert sum(len(v.servers) for v in loaded.cluster.virtuals) == 37205


def test_a_model_read_the_quick_way_is_a_whole_one() -> None:
    text = (VALID / "manual-example-nat.cf").read_text()
    quick = read_quickly(text, {})
    assert quick is not None
    server = quick.virtuals[0].servers[1]
    assert server == RealServer("two", "10.11.12.2", active=True, weight=2)
    assert hash(server) == hash(RealServer("two", "10.11.12.2", active=True, weight=2))


def test_findings_in_a_text_read_quickly_have_their_places() -> None:
    text = (VALID / "manual-example-nat.cf").read_text().replace("nat\n", "direct\n", 1)
    text = text.replace("address = 10.11.12.3", "address = 192.168.26.10")
    problems = load(text, {}).problems
    assert load_quickly(text, {}) is not None
    assert [(p.line, p.column, p.code) for p in problems] == [(42, 20, "server-is-vip")]


def test_the_texts_of_these_properties_are_often_read_the_quick_way() -> None:
    taken = 0

    @settings(max_examples=100, database=None, derandomize=True)
    @given(regular_texts())
    def count(text: str) -> None:
        nonlocal taken
        loaded = load_quickly(text, PORTS)
        taken += loaded is not None and bool(loaded.problems)

    count()
    assert taken > 20
