"""What the nftables plane writes, decides and reads, without a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_engine.adapters.nftables import frame, names, nft, ruleset, timeouts
from lvs_engine.adapters.nftables.changes import carry_out, unable_in
from lvs_engine.adapters.nftables.observed import DAMAGED, Observed, observe, table
from lvs_engine.adapters.nftables.schedule import (
    HASH_SLOTS,
    SCHEDULERS,
)
from lvs_engine.adapters.nftables.transaction import transaction
from lvs_engine.ports import Timeouts
from lvs_engine.table.model import (
    Destination,
    DestinationKey,
    Pool,
    Service,
    ServiceKey,
    Table,
)
from lvs_engine.table.plan import (
    AddDestination,
    AddService,
    RemoveDestination,
    SetDestination,
    SetService,
)
from lvs_engine.values import Forwarding, Scheduler, TunnelType

GOLDEN = Path(__file__).parent / "nftables_golden.nft"

VIP = "192.0.2.10"
WEB = ServiceKey(4, "tcp", VIP, 80)
MARKED = ServiceKey(4, "", "", 0, 21)
A, B, C = (DestinationKey(f"10.0.0.{n}", 8080) for n in (1, 2, 3))


def nat(weight: int = 1, upper: int = 0, lower: int = 0) -> Destination:
    return Destination(Forwarding.NAT, weight, upper, lower)


def pool(scheduler: str, weights: dict[DestinationKey, int], seconds: int = 0) -> Pool:
    service = Service(scheduler, (), seconds)
    return Pool(service, {key: nat(weight) for key, weight in weights.items()})


EXAMPLE: Table = {
    WEB: Pool(Service("wrr", (), 300, 24), {A: nat(2), B: nat(1), C: nat(0)}),
    ServiceKey(4, "udp", VIP, 53): Pool(Service("rr")),
    ServiceKey(6, "tcp", "2001:db8::10", 443): Pool(
        Service("sh", ("sh-port",), netmask=128),
        {DestinationKey("2001:db8:1::1", 8443): nat()},
    ),
    MARKED: Pool(Service("lc", (), 60), {DestinationKey("10.0.0.1", 80): nat()}),
}


def written() -> str:
    """The transaction that loads the example."""
    return "\n".join(transaction(Observed(), EXAMPLE, list(EXAMPLE), {})) + "\n"


def test_the_rules_of_an_example_are_these() -> None:
    assert _without_slots_of_hash(written()) == GOLDEN.read_text()


def test_nothing_wanted_takes_the_table_away() -> None:
    assert transaction(Observed(present=True), {}, [WEB], {}) == [
        "delete table inet piranha"
    ]
    assert transaction(Observed(), {}, [WEB], {}) == []


def test_another_weight_touches_the_chains_of_two_and_nothing_else() -> None:
    wanted = {
        **EXAMPLE,
        WEB: Pool(EXAMPLE[WEB].service, {A: nat(3), B: nat(1), C: nat(0)}),
    }
    lines = transaction(_as_loaded(EXAMPLE), wanted, [WEB], {})
    assert {line.split()[0] for line in lines} == {"flush", "add"}
    chooser, to = "tcp-192.0.2.10-80", "tcp-192.0.2.10-80-to-10.0.0.1-8080"
    assert {line.split()[4] for line in lines} == {chooser, to}


def test_a_touched_service_is_written_with_the_shares_of_the_moment() -> None:
    key, to = MARKED, DestinationKey("10.0.0.1", 80)
    held = _as_loaded(EXAMPLE)
    assert transaction(held, EXAMPLE, [key], {key: (to,)}) == []
    first, *rules = transaction(held, EXAMPLE, [key], {key: (to, to)})
    assert first == "flush chain inet piranha mark4-21"
    assert "numgen inc mod 2" in rules[-1]


def test_a_removed_server_loses_its_rules_before_its_chains() -> None:
    wanted = {**EXAMPLE, WEB: Pool(EXAMPLE[WEB].service, {A: nat(2), C: nat(0)})}
    lines = transaction(_as_loaded(EXAMPLE), wanted, [WEB], {})
    gone = "tcp-192.0.2.10-80-to-10.0.0.2-8080"
    order = [line for line in lines if gone in line or line.startswith("flush")]
    assert order == [
        "flush chain inet piranha tcp-192.0.2.10-80",
        f"flush chain inet piranha {gone}",
        f"flush chain inet piranha {gone}-traffic",
        f"delete chain inet piranha {gone}",
        f"delete chain inet piranha {gone}-traffic",
        f"delete set inet piranha {gone}-clients",
        *(
            f"delete counter inet piranha {gone}-{part}"
            for part in ("new", "in", "out")
        ),
    ]
    # Its element is the only one to go.
    assert [line for line in lines if "delete element" in line] == [
        "delete element inet piranha flows4 { 192.0.2.10 . tcp . 80 . 10.0.0.2 . 8080 }"
    ]


def test_what_was_loaded_reads_back() -> None:
    assert table(_as_loaded(EXAMPLE)) == EXAMPLE


def test_rules_of_another_generation_count_as_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = _as_loaded(EXAMPLE)
    monkeypatch.setattr(names, "GENERATION", "another")
    assert {p.service.scheduler for p in table(seen).values()} == {DAMAGED}


@pytest.mark.parametrize("protocol", ["tcp", 6])
def test_a_protocol_reads_the_same_without_a_file_of_their_names(
    protocol: object,
) -> None:
    # nft writes 6 where /etc/protocols is missing, as on a minimal Debian.
    services = {
        "name": "services4",
        "type": ["ipv4_addr", "inet_proto", "inet_service"],
        "elem": [[{"concat": ["192.0.2.10", protocol, 80]}, {"goto": {"target": "w"}}]],
    }
    seen = observe({"nftables": [{"map": services}]})
    assert seen.elements == {("services4", "192.0.2.10 . tcp . 80"): "goto w"}


def test_an_unknown_listing_is_an_empty_table() -> None:
    assert table(observe({})) == {}
    assert table(observe({"nftables": [{"metainfo": {"version": "9"}}]})) == {}


# --- names and comments


addresses4 = st.ip_addresses(v=4).map(str)
addresses6 = st.ip_addresses(v=6).map(str)
ports = st.integers(0, 65535)
protocols = st.sampled_from(["tcp", "udp", "sctp"])
services = st.one_of(
    st.builds(ServiceKey, st.just(4), protocols, addresses4, ports, st.just(0)),
    st.builds(ServiceKey, st.just(6), protocols, addresses6, ports, st.just(0)),
    st.builds(
        ServiceKey, st.sampled_from([4, 6]), st.just(""), st.just(""), st.just(0),
        st.integers(1, 2**32 - 1),
    ),
)  # fmt: skip
destinations = st.builds(DestinationKey, st.one_of(addresses4, addresses6), ports)


@given(services, destinations, st.sampled_from(["", "new", "in", "clients", "traffic"]))
def test_names_read_back(key: ServiceKey, to: DestinationKey, part: str) -> None:
    suffix = f"-{part}" if part else ""
    assert names.owner(names.service_name(key) + suffix) == (key, None, part)
    assert names.owner(names.destination_name(key, to) + suffix) == (key, to, part)


@given(
    st.sampled_from(SCHEDULERS),
    st.sets(st.sampled_from(["mh-fallback", "mh-port", "sh-fallback", "sh-port"])),
    st.integers(0, 31 * 86400),
    st.integers(0, 128),
)
def test_the_entry_of_a_service_reads_back_and_fits_a_comment(
    scheduler: str, flags: set[str], seconds: int, netmask: int
) -> None:
    service = Service(scheduler, tuple(sorted(flags)), seconds, netmask)
    comment = names.service_comment(service, names.fingerprint(service))
    assert names.read_service(comment) == service
    assert len(comment) < 128


def test_the_entry_of_a_real_server_reads_back_and_fits_a_comment() -> None:
    entry = nat(65535, 2**32 - 1, 2**32 - 1)
    comment = names.destination_comment(entry, names.fingerprint(entry))
    assert names.read_destination(comment) == entry
    assert len(comment) < 128


@pytest.mark.parametrize(
    "name", ["select4", "prerouting", "timeouts", "tcp-x", "mark5-1"]
)
def test_names_of_nobody_have_no_owner(name: str) -> None:
    assert names.owner(name) is None


# --- refusals


@pytest.mark.parametrize("scheduler", [s for s in Scheduler if s not in SCHEDULERS])
def test_schedulers_without_an_equivalent_are_refused_by_name(scheduler: str) -> None:
    refusals = unable_in({WEB: pool(scheduler, {A: 1})})
    assert [r.errno for r in refusals] == ["UNSUPPORTED"]
    assert isinstance(refusals[0].change, AddService)
    assert f"scheduler {scheduler}" in refusals[0].message
    assert "192.0.2.10:80 tcp" in refusals[0].message


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Destination(Forwarding.DIRECT, 1), "direct routing"),
        (Destination(Forwarding.TUNNEL, 1), "tunnel"),
        (Destination(Forwarding.TUNNEL, 1, tunnel_type=TunnelType.GRE), "tunnel"),
    ],
)
def test_forwarding_without_nat_is_refused_with_the_remedy(
    entry: Destination, words: str
) -> None:
    refusals = unable_in({WEB: Pool(Service("rr"), {A: entry, B: nat()})})
    assert [r.change for r in refusals] == [AddDestination(WEB, A, entry)]
    message = refusals[0].message
    assert words in message
    assert "10.0.0.1:8080" in message
    assert "network = nat" in message


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (Service("rr", one_packet=True), "one-packet"),
        (Service("rr", (), 60, persistence_engine="sip"), "persistence engine sip"),
    ],
)
def test_what_conntrack_cannot_do_is_refused(service: Service, words: str) -> None:
    (refusal,) = unable_in({WEB: Pool(service)})
    assert words in refusal.message


def test_a_service_for_all_ports_needs_persistence() -> None:
    key = WEB._replace(port=0)
    assert unable_in({key: Pool(Service("rr"))})
    assert not unable_in({key: Pool(Service("rr", (), 60))})


def test_refused_changes_leave_the_rest_to_be_carried_out() -> None:
    outcome = carry_out(
        {WEB: pool("rr", {A: 1})},
        [
            AddService(WEB, Service("rr")),
            SetService(MARKED, Service("rr")),
            AddDestination(WEB, B, Destination(Forwarding.DIRECT, 1)),
            AddDestination(WEB, C, nat(7)),
            SetDestination(WEB, B, nat()),
            RemoveDestination(WEB, A),
        ],
    )
    assert [r.errno for r in outcome.refusals] == [
        "EEXIST",
        "ESRCH",
        "UNSUPPORTED",
        "ENOENT",
    ]
    assert outcome.table == {WEB: pool("rr", {C: 7})}
    assert list(outcome.touched) == [WEB]


# --- timeouts, errors


def test_timeouts_become_objects_of_our_table() -> None:
    lines = timeouts.lines(Timeouts(tcp=900, udp=300), Observed(timeouts={"tcp6": {}}))
    assert [line for line in lines if not line.startswith("add rule")] == [
        "flush chain inet piranha timeouts",
        "delete ct timeout inet piranha tcp6",
        "add ct timeout inet piranha tcp4 "
        "{ protocol tcp; l3proto ip; policy = { established : 900 }; }",
        "add ct timeout inet piranha tcp6 "
        "{ protocol tcp; l3proto ip6; policy = { established : 900 }; }",
        "add ct timeout inet piranha udp4 "
        "{ protocol udp; l3proto ip; policy = { unreplied : 300, replied : 300 }; }",
        "add ct timeout inet piranha udp6 "
        "{ protocol udp; l3proto ip6; policy = { unreplied : 300, replied : 300 }; }",
    ]


def test_an_error_of_nft_has_the_name_of_the_kernels() -> None:
    refused = nft.RefusedTransactionError("Could not process rule: File exists")
    assert refused.errno_name == "EEXIST"
    assert (
        nft.RefusedTransactionError("syntax error, unexpected x").errno_name == "EINVAL"
    )


def _as_loaded(wanted: Table) -> Observed:
    """What the kernel would hold after loading `wanted`."""
    seen = Observed(present=True, hooks=dict(frame.BASES))
    seen.chains[frame.TIMEOUTS] = []
    seen.containers |= set(frame.containers())
    chains = dict(frame.chains())
    for key, held in wanted.items():
        parts = ruleset.parts(key, held)
        chains.update(parts.chains)
        seen.containers |= set(parts.sets)
        seen.counters.update(dict.fromkeys(parts.counters, (0, 0)))
    seen.chains.update({n: [r.comment for r in rules] for n, rules in chains.items()})
    seen.elements = ruleset.elements(wanted)
    return seen


def _without_slots_of_hash(text: str) -> str:
    """251 slots to one server are not worth 251 entries on paper."""
    slot = "goto tcp-2001_db8__10-443-to-2001_db8_1__1-8443"
    entries = ", ".join(f"{n} : {slot}" for n in range(HASH_SLOTS))
    assert entries in text
    return text.replace(entries, f"0-{HASH_SLOTS - 1} : {slot}")


if __name__ == "__main__":
    # After a change on purpose: python -m tests.engine.adapters.test_nftables_rules
    GOLDEN.write_text(_without_slots_of_hash(written()))
