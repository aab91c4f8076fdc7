from __future__ import annotations

from ipaddress import ip_interface

from hypothesis import example, given
from hypothesis import strategies as st

from lvs_engine.config.model import Cluster, FloatingAddress, VirtualServer
from lvs_engine.network.addresses import (
    AddAddress,
    AddressChange,
    AddressKey,
    PresentAddress,
    RemoveAddress,
    WantedAddress,
    adopted,
    diff,
    host_names,
    wanted,
)
from lvs_engine.values import Forwarding

VIP = AddressKey("eth0", "192.168.26.10", 24)
OWN = PresentAddress(AddressKey("eth0", "192.168.26.9", 24), "eth0")


def web(**changes: object) -> VirtualServer:
    values: dict[str, object] = {
        "name": "web",
        "active": True,
        "address": FloatingAddress("192.168.26.10", "eth0:1"),
        "netmask": 24,
    }
    return VirtualServer(**(values | changes))  # type: ignore[arg-type]


def cluster(*virtuals: VirtualServer, **more: object) -> Cluster:
    return Cluster(virtuals=virtuals, **more)  # type: ignore[arg-type]


def test_a_vip_goes_to_the_base_device_under_its_alias_label() -> None:
    assert wanted(cluster(web()), {}).addresses == (
        WantedAddress(VIP, "eth0:1", "virtual web"),
    )


def test_the_nat_router_address_comes_first_and_only_with_nat() -> None:
    router = FloatingAddress("10.11.12.10", "eth1:1")
    nat = cluster(web(), nat_router=router, nat_netmask=24)
    first = wanted(nat, {}).addresses[0]
    assert first == WantedAddress(
        AddressKey("eth1", "10.11.12.10", 24), "eth1:1", "nat_router"
    )
    direct = cluster(web(), nat_router=router, network=Forwarding.DIRECT)
    assert [w.purpose for w in wanted(direct, {}).addresses] == ["virtual web"]


def test_an_inactive_service_wants_no_address() -> None:
    assert wanted(cluster(web(active=False), web(address=None)), {}).addresses == ()


def test_an_address_of_two_services_is_wanted_once_on_the_first_ones_device() -> None:
    other = web(name="tls", address=FloatingAddress("192.168.26.10", "eth1:7"))
    assert [w.key.device for w in wanted(cluster(web(), other), {}).addresses] == [
        "eth0"
    ]


def test_two_services_on_one_label_both_get_their_address() -> None:
    other = web(name="tls", address=FloatingAddress("192.168.26.11", "eth0:1"))
    addresses = wanted(cluster(web(), other), {}).addresses
    assert [w.key.address for w in addresses] == ["192.168.26.10", "192.168.26.11"]


def test_a_missing_mask_means_the_single_address_and_says_so() -> None:
    for netmask in (None, 0):
        (want,) = wanted(cluster(web(netmask=netmask)), {}).addresses
        assert want.key.prefix == 32
        assert want.note == "no vip_nmask: taken as /32"


def test_a_device_without_alias_gets_the_address_without_label() -> None:
    plain = web(address=FloatingAddress("192.168.26.10", "eth0"))
    (want,) = wanted(cluster(plain), {}).addresses
    assert (want.key, want.label) == (VIP, "")
    assert diff([want], [OWN], ()) == [AddAddress(VIP)]


def test_ipv6_has_no_label() -> None:
    six = web(address=FloatingAddress("2001:DB8:0::10", "eth0:1"), netmask=64)
    (want,) = wanted(cluster(six), {}).addresses
    assert (want.key, want.label) == (AddressKey("eth0", "2001:db8::10", 64), "")


def test_further_addresses_use_the_services_device_unless_they_name_one() -> None:
    more = (
        FloatingAddress("192.168.26.11"),
        FloatingAddress("192.168.27.1", "eth2:1"),
        FloatingAddress("2001:db8::10"),
    )
    keys = [w.key for w in wanted(cluster(web(extra_addresses=more)), {}).addresses]
    assert keys[1:] == [
        AddressKey("eth0", "192.168.26.11", 24),
        AddressKey("eth2", "192.168.27.1", 24),
        AddressKey("eth0", "2001:db8::10", 128),
    ]


def test_a_host_name_is_looked_up_in_what_was_resolved() -> None:
    named = cluster(web(address=FloatingAddress("www.example.org", "eth0:1")))
    assert host_names(named) == {"www.example.org"}
    assert wanted(named, {"www.example.org": "192.168.26.10"}).addresses[0].key == VIP
    unresolved = wanted(named, {})
    assert unresolved.addresses == ()
    assert unresolved.problems == (
        "virtual web: host name www.example.org has no address",
    )


def test_an_address_without_device_is_a_problem_in_words() -> None:
    lonely = cluster(web(address=FloatingAddress("192.168.26.10")))
    assert wanted(lonely, {}).problems == (
        "virtual web: 192.168.26.10 has no device, such as eth0:1",
    )


def test_an_address_that_we_did_not_add_is_never_removed() -> None:
    assert diff([], [OWN, PresentAddress(VIP, "eth0")], ()) == []


def test_our_address_with_another_prefix_is_replaced_without_a_gap() -> None:
    old = AddressKey("eth0", "192.168.26.10", 32)
    want = WantedAddress(VIP, "eth0:1", "virtual web")
    assert diff([want], [OWN, PresentAddress(old, "eth0:1")], {old}) == [
        AddAddress(VIP, "eth0:1"),
        RemoveAddress(old),
    ]


def test_somebody_elses_address_with_another_prefix_is_left_alone() -> None:
    want = WantedAddress(VIP, "eth0:1", "virtual web")
    theirs = PresentAddress(AddressKey("eth0", "192.168.26.10", 32), "eth0")
    assert diff([want], [theirs], ()) == []


def test_an_ipv6_address_changes_its_prefix_by_leaving_first() -> None:
    old, new = (AddressKey("eth0", "2001:db8::10", p) for p in (128, 64))
    want = WantedAddress(new, "", "virtual web")
    assert diff([want], [PresentAddress(old)], {old}) == [
        RemoveAddress(old),
        AddAddress(new),
    ]


def test_a_leftover_with_our_label_is_ours_even_without_a_record() -> None:
    want = [WantedAddress(VIP, "eth0:1", "virtual web")]
    leftover = PresentAddress(VIP, "eth0:1")
    assert adopted(want, [OWN, leftover], set()) == {VIP}
    assert adopted(want, [PresentAddress(VIP, "eth0")], set()) == set()
    assert adopted([], [leftover], {VIP, OWN.key._replace(prefix=8)}) == {VIP}


# -- laws, on a kernel in memory that removes secondaries with their primary ----------

DEVICES = st.sampled_from(["eth0", "eth1"])
HOSTS = st.sampled_from([f"10.0.0.{n}" for n in (1, 2, 3)] + ["2001:db8::1"])


@st.composite
def keys(draw: st.DrawFn) -> AddressKey:
    host = draw(HOSTS)
    prefixes = [64, 128] if ":" in host else [24, 32]
    return AddressKey(draw(DEVICES), host, draw(st.sampled_from(prefixes)))


class Kernel:
    """Addresses in the order of arrival; later ones of a subnet are secondary."""

    def __init__(self, held: list[AddressKey]) -> None:
        self.held: list[AddressKey] = []
        for key in held:
            self.add(key)

    def add(self, key: AddressKey) -> None:
        same = [k for k in self.held if k[:2] == key[:2]]
        if key not in same and not (same and ":" in key.address):
            self.held.append(key)

    def remove(self, key: AddressKey) -> None:
        first = not self._secondary(key)
        self.held = [
            k
            for k in self.held
            if k != key and not (first and ":" not in key.address and _peers(k, key))
        ]

    def present(self) -> list[PresentAddress]:
        return [PresentAddress(k, secondary=self._secondary(k)) for k in self.held]

    def apply(self, changes: list[AddressChange]) -> None:
        for change in changes:
            if isinstance(change, AddAddress):
                self.add(change.key)
            else:
                self.remove(change.key)

    def _secondary(self, key: AddressKey) -> bool:
        earlier = self.held[: self.held.index(key)] if key in self.held else []
        return ":" not in key.address and any(_peers(k, key) for k in earlier)


def _peers(one: AddressKey, other: AddressKey) -> bool:
    networks = {ip_interface(f"{k.address}/{k.prefix}").network for k in (one, other)}
    return one.device == other.device and len(networks) == 1


@given(
    st.lists(keys(), max_size=5, unique=True),
    st.lists(keys(), max_size=4, unique_by=lambda k: k[:2]),
    st.sets(keys(), max_size=5),
)
@example(
    held=[AddressKey("eth0", f"10.0.0.{n}", 24) for n in (1, 2, 3)],
    want=[AddressKey("eth0", "10.0.0.2", 24)],
    recorded={AddressKey("eth0", f"10.0.0.{n}", 24) for n in (1, 2)},
)
def test_the_changes_lead_to_what_is_wanted_and_nothing_foreign_is_lost(
    held: list[AddressKey], want: list[AddressKey], recorded: set[AddressKey]
) -> None:
    kernel = Kernel(held)
    before = kernel.present()
    ours = {k for k in recorded if k in kernel.held}
    foreign = {k for k in kernel.held if k not in ours}
    wanted_addresses = [WantedAddress(k, "", "virtual web") for k in want]

    kernel.apply(diff(wanted_addresses, before, ours))

    places = {k[:2] for k in kernel.held}
    assert {k[:2] for k in want} <= places
    assert foreign <= set(kernel.held)
    assert set(kernel.held) <= foreign | set(want)
    ours_now = set(kernel.held) - foreign
    assert diff(wanted_addresses, kernel.present(), ours_now) == []
