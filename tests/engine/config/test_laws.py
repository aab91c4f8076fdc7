"""The four laws of the configuration file, and the twins where they really break."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lvs_engine.config.document import Document
from lvs_engine.config.model import Cluster, RealServer, VirtualServer
from lvs_engine.config.parser import parse
from lvs_engine.config.reader import read
from lvs_engine.config.writer import write
from lvs_engine.errors import ConfigError
from tests.engine.config.strategies import NOISE, PORTS, clusters, texts

CHANGES: list[tuple[str, object]] = [
    ("serial_no", 77),
    ("keepalive", 41),
    ("deadtime", 42),
    ("primary", "203.0.113.7"),
    ("debug_level", "new words"),
    ("tcp_timeout", 17),
]


def cluster_of(document: Document) -> Cluster:
    return read(document, PORTS).cluster


def is_sound(document: Document) -> bool:
    return not any(p.severity == "error" for p in document.problems)


# 1: what is parsed is rendered


@given(texts())
@example("")
@example("primary = 10.0.0.1")
@example("virtual a {\r\n\tport = 80\r\n}")
def test_a_parsed_text_is_rendered_again_to_the_byte(text: str) -> None:
    assert parse(text).render() == text


@given(NOISE)
@example("a\rb\r\r\nc")
@example("\x0b\x85\u2028 = 1")
def test_no_text_at_all_is_lost_or_makes_the_parser_fail(text: str) -> None:
    document = parse(text)
    assert document.render() == text
    cluster_of(document)


def test_a_lost_line_end_would_be_seen() -> None:
    document = parse("a = 1\r\nb = 2\r\n")
    document.lines[0] = document.lines[0]._replace(end="\n")
    assert document.render() != "a = 1\r\nb = 2\r\n"


# 2: saving without an edit changes nothing


@given(texts())
def test_saving_without_an_edit_changes_no_byte(text: str) -> None:
    document = parse(text)
    assert write(document, cluster_of(document), PORTS) == document


def test_saving_with_an_edit_changes_bytes() -> None:
    document = parse("keepalive = 3\n")
    assert write(document, Cluster(keepalive=4), PORTS) != document


# 3: what is written reads back


@given(clusters)
def test_every_model_can_be_written_to_an_empty_file(cluster: Cluster) -> None:
    assert cluster_of(write(parse(""), cluster, PORTS)) == cluster


@given(texts(), clusters)
def test_every_model_can_be_written_over_every_sound_file(
    text: str, cluster: Cluster
) -> None:
    document = parse(text)
    assume(is_sound(document))
    assert cluster_of(write(document, cluster, PORTS)) == cluster


@given(clusters, clusters)
def test_one_model_can_be_written_over_another(old: Cluster, new: Cluster) -> None:
    document = write(parse(""), old, PORTS)
    assert cluster_of(write(document, new, PORTS)) == new


@given(texts(), clusters)
def test_over_a_broken_file_the_writer_is_right_or_refuses(
    text: str, cluster: Cluster
) -> None:
    try:
        written = write(parse(text), cluster, PORTS)
    except ConfigError:
        return
    assert cluster_of(written) == cluster


def test_what_the_format_cannot_hold_is_refused() -> None:
    newline = Cluster(virtuals=(VirtualServer("web", send="a\nb"),))
    with pytest.raises(ConfigError, match="send must not hold line breaks"):
        write(parse(""), newline, PORTS)


# 4: one value, one line


@given(texts(), st.sampled_from(CHANGES))
def test_an_edit_of_one_value_changes_one_line(
    text: str, change: tuple[str, object]
) -> None:
    document = parse(text)
    assume(is_sound(document))
    keyword, value = change
    before = document.render().splitlines()
    edited = replace(cluster_of(document), **{keyword: value})  # type: ignore[arg-type]
    after = write(document, edited, PORTS).render().splitlines()
    if document.root.named(keyword):
        assert len(before) == len(after)
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    else:
        assert len(after) == len(before) + 1
        added = list(after)
        for line in before:
            added.remove(line)
        assert added[0].split()[0] == keyword


@given(texts(), clusters)
def test_an_unknown_keyword_survives_every_edit_outside_of_blocks(
    text: str, cluster: Cluster
) -> None:
    document = parse("rack = B12\n" + text)
    assume(is_sound(document))
    assert "rack = B12" in write(document, cluster, PORTS).render().splitlines()


def test_spacing_and_comment_of_an_edited_line_stay() -> None:
    document = parse("keepalive\t=   3   # as agreed\r\n")
    written = write(document, Cluster(keepalive=4), PORTS)
    assert written.render() == "keepalive\t=   4   # as agreed\r\n"


@given(clusters.filter(lambda c: len(c.virtuals) > 1), st.data())
def test_removing_a_block_leaves_the_lines_of_the_others(
    cluster: Cluster, data: st.DataObject
) -> None:
    document = write(parse(""), cluster, PORTS)
    index = data.draw(st.integers(0, len(cluster.virtuals) - 1))
    left = (*cluster.virtuals[:index], *cluster.virtuals[index + 1 :])
    before = document.render().splitlines()
    after = (
        write(document, replace(cluster, virtuals=left), PORTS).render().splitlines()
    )
    # What is left is a subsequence: nothing was written anew.
    lines = iter(before)
    assert all(line in lines for line in after)


@pytest.mark.parametrize("kind", [Cluster, VirtualServer, RealServer])
def test_the_model_holds_no_field_that_these_laws_leave_out(kind: type) -> None:
    drawn: set[str] = set()

    @given(clusters)
    def draw(cluster: Cluster) -> None:
        values: list[object] = [cluster, *cluster.virtuals]
        values += [s for v in cluster.virtuals for s in v.servers]
        for value in values:
            if isinstance(value, kind):
                plain = kind() if kind is Cluster else kind("plain")
                drawn.update(
                    f.name
                    for f in fields(kind)
                    if getattr(value, f.name) != getattr(plain, f.name)
                )

    draw()
    assert drawn == {f.name for f in fields(kind)}
