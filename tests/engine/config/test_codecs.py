"""Values: what is read, what is refused and why, and that formats read back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lvs_engine.config.codecs import (
    Choice,
    Codec,
    Flag,
    Integer,
    Port,
    RefusalError,
    Text,
    integer,
)
from lvs_engine.config.codecs_address import Host, Mask
from lvs_engine.config.codecs_compound import (
    AddressList,
    HostDevice,
    PortList,
    WordList,
)
from lvs_engine.config.lexer import read_line
from lvs_engine.config.model import FloatingAddress
from lvs_engine.values import Scheduler

PORTS = {"http": 80, "https": 443}
DEVICES = "[ 10.0.0.3 eth0:2 10.4 eth0:3 ]"


def words(text: str) -> list[str]:
    return [w.text for w in read_line(f"x = {text}", "").words[2:]]


def notes(codec: Codec, text: str) -> list[str]:
    return [note.code for note in codec.notes(words(text), PORTS)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("12", 12),
        ("+12", 12),
        ("-12", -12),
        ("010", 8),
        ("0x1F", 31),
        ("-0x10", -16),
        ("", 0),
        (" 7", 7),
        ("08", None),
        ("0x", None),
        ("6s", None),
        ("1.5", None),
        ("\u0663", None),  # an Arabic digit is none for C
    ],
)
def test_numbers_are_read_as_c_reads_them(text: str, value: int | None) -> None:
    assert integer(text) == value


@pytest.mark.parametrize(
    ("codec", "text", "value"),
    [
        (Integer(0, 9), "9", 9),
        (Integer(0, 255, low_bits=8), "257", 1),
        (Integer(0, 2**32 - 1, low_bits=32), "-1", 2**32 - 1),
        (Integer(0, 9, floor=-5), "-3", 0),
        (Flag(), "01", True),
        (Flag(loose=True), "7", True),
        (Port(), "http", 80),
        (Port(), "0x50", 80),
        (Choice(("rr", "wlc"), Scheduler), "wlc", Scheduler.WLC),
        (Text(), '"a b"', "a b"),
        (Host(), "10.1", "10.0.0.1"),
        (Host(), "0x0a000001", "10.0.0.1"),
        (Host(), "2001:DB8:0::1", "2001:db8::1"),
        (Host(), "web-1.example.", "web-1.example."),
        (Host(unset=True), "0.0.0.0", "0.0.0.0"),
        (Host(names=False, zero_is_none=True), "0.0.0.0", None),
        (Mask(), "255.255.255.0", 24),
        (Mask(), "24", 24),
        (Mask(), "64", 64),
        (Mask(), "0.0.0.0", None),
        (Mask(junk_is_none=True), "foo", None),
        (HostDevice(), "10.0.0.1 eth0:1", FloatingAddress("10.0.0.1", "eth0:1")),
        (HostDevice(), "10.0.0.1", FloatingAddress("10.0.0.1")),
        (PortList(), "[ https 8443 ]", (443, 8443)),
        (PortList(), "[ ]", ()),
        (WordList(("sh-port", "mh-port")), "sh-port", ("sh-port",)),
        (WordList(), "[ /a:/b ]", ("/a:/b",)),
        (
            AddressList(),
            DEVICES,
            (FloatingAddress("10.0.0.3", "eth0:2"), FloatingAddress("10.0.0.4", "eth0:3")),
        ),
    ],
)  # fmt: skip
def test_a_value_is_read(codec: Codec, text: str, value: object) -> None:
    assert codec.parse(words(text), PORTS) == value


@pytest.mark.parametrize(
    ("codec", "text", "says"),
    [
        (Integer(1, 9), "0", "must be from 1 to 9, got 0"),
        (Integer(1, 9), "x", "must be a whole number from 1 to 9, got x"),
        (Integer(0, 2**32 - 1, low_bits=32), "99999999999", "got 99999999999"),
        (Integer(1, 9), "9" * 5000, "must be from 1 to 9, got 9223372036854775807"),
        (
            Integer(1, 9),
            "-0x" + "f" * 5000,
            "must be from 1 to 9, got -9223372036854775807",
        ),
        (Host(), "9" * 5000, "must be an IPv4 or IPv6 address or a host name"),
        (Mask(), "9" * 5000, "must be"),
        (Flag(), "2", "must be 0 or 1, got 2"),
        (Flag(), "yes", "must be 0 or 1, got yes"),
        (Port(), "70000", "must be from 0 to 65535, got 70000"),
        (Port(low=1), "0", "must be from 1 to 65535, got 0"),
        (Port(), "nosuch", "or a TCP service name, got nosuch"),
        (Choice(("rr", "wlc")), "RR", "must be one of rr, wlc, got RR"),
        (Text(), '"a\'b"c"', "must not hold both kinds of quotes"),
        (Host(), "0.0.0.0", "remove the line if there is none"),
        (Host(), "::", "remove the line if there is none"),
        (Host(), "10.0.0.256", "must be an IPv4 or IPv6 address or a host name"),
        (Host(), "10.0.0.1/24", "must be an IPv4 or IPv6 address or a host name"),
        (Host(), "-a.example", "must be an IPv4 or IPv6 address or a host name"),
        (Host(), "fe80::1%eth0", "must be an IPv4 or IPv6 address or a host name"),
        (Host(names=False), "web", "must be an IPv4 or IPv6 address, got web"),
        (Mask(), "255.0.255.0", "must have all its one bits at the front"),
        (Mask(), "129", "must be a prefix length up to 128"),
        (Mask(), "foo", "must be a mask such as 255.255.255.0 or a prefix length"),
        (PortList(), "443", "must be a list such as [ 443 8443 ]"),
        (PortList(), "[ 443", "must be a list such as [ 443 8443 ]"),
        (PortList(), "[ 443 0 ]", "must be from 1 to 65535, got 0"),
        (WordList(("sh-port",)), "[ x ]", "must be a list of sh-port, got x"),
        (AddressList(), "[ 10.0.0.3 ]", "must have a device behind each address"),
        (AddressList(), "[ 0.0.0.0 eth0 ]", "must be the address of a machine"),
    ],
)
def test_a_refusal_says_what_is_allowed(codec: Codec, text: str, says: str) -> None:
    with pytest.raises(RefusalError) as caught:
        codec.parse(words(text), PORTS)
    assert says in str(caught.value)


def test_a_refusal_in_a_list_names_the_word() -> None:
    with pytest.raises(RefusalError) as caught:
        PortList().parse(words("[ 1 2 x ]"), PORTS)
    assert caught.value.word == 3


@pytest.mark.parametrize(
    ("codec", "text", "codes"),
    [
        (Integer(0, 9), "5", []),
        (Integer(0, 99), "010", ["odd-number"]),
        (Integer(0, 99), '""', ["empty-number"]),
        (Integer(0, 255, low_bits=8), "257", ["number-adjusted"]),
        (Flag(loose=True), "7", ["number-adjusted"]),
        (Flag(), "01", ["odd-number"]),
        (Port(), "http", []),
        (Port(), "0x50", ["odd-number"]),
        (Host(), "10.0.0.1", []),
        (Host(), "10.1", ["short-address"]),
        (Host(), "web", ["host-name"]),
        (Host(), "2001:DB8::1", []),
        (Mask(), "24", []),
        (Mask(), "0xffffff00", []),
        (Mask(junk_is_none=True), "foo", ["mask-ignored"]),
        (Mask(), "0.0.0.0", ["mask-ignored"]),
        (PortList(), "[ 1 ] x", ["text-after-list"]),
        (AddressList(), DEVICES, ["short-address"]),
    ],
)
def test_what_is_accepted_but_odd_is_noted(
    codec: Codec, text: str, codes: list[str]
) -> None:
    codec.parse(words(text), PORTS)
    assert notes(codec, text) == codes


@pytest.mark.parametrize("length", range(1, 33))
def test_every_ipv4_prefix_length_is_written_as_a_mask_that_reads_back(
    length: int,
) -> None:
    assert Mask().parse([Mask().format(length)], {}) == length


@example('" \\')
@example('\\" \\')
@given(st.text(st.sampled_from("ab \t\"'\\#{}=[]\udcff"), max_size=8))
def test_every_text_that_is_accepted_is_written_so_that_it_reads_back(
    text: str,
) -> None:
    for codec in (Text(), Text(always_quoted=True)):
        try:
            written = codec.format(text)
        except RefusalError:
            assert '"' in text and ("'" in text or text.endswith("\\"))
            continue
        line = read_line(f"send = {written}", "\n")
        assert [w.text for w in line.words] == ["send", "=", text]


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b"])
def test_a_text_cannot_smuggle_in_another_line(text: str) -> None:
    with pytest.raises(RefusalError, match="must not hold line breaks"):
        Text().parse([text], {})
