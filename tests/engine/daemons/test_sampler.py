"""Rates and histories from the kernel's counters."""

from __future__ import annotations

from lvs_engine.control.status import Traffic
from lvs_engine.daemons.sampler import HISTORY, Sampler, period
from lvs_engine.ports import Counters, DestinationStatistics, ServiceStatistics
from lvs_engine.table.model import DestinationKey, ServiceKey

WEB = ServiceKey(4, "tcp", "192.0.2.10", 80)
TLS = ServiceKey(4, "tcp", "192.0.2.10", 443)
ONE, TWO = DestinationKey("10.0.0.1", 80), DestinationKey("10.0.0.2", 80)


def statistics(connections: int, active: int = 0) -> ServiceStatistics:
    counters = Counters(connections, 1, 2, 100 * connections, 10 * connections)
    return ServiceStatistics(
        counters, {ONE: DestinationStatistics(counters, active, 1)}
    )


def test_a_first_sample_has_totals_and_no_rates() -> None:
    sampler = Sampler()
    sampler.take({WEB: statistics(7, active=3)}, 100.0)
    assert sampler.traffic([(WEB, ONE)]) == Traffic(3, 1, 7, 1, 2, 700, 70)
    assert sampler.history([(WEB, ONE)]) == ()


def test_rates_are_per_second_between_the_last_two_samples() -> None:
    sampler = Sampler()
    sampler.take({WEB: statistics(7)}, 100.0)
    sampler.take({WEB: statistics(17)}, 104.0)
    traffic = sampler.traffic([(WEB, None)])
    assert (traffic.connections_s, traffic.bytes_in_s, traffic.bytes_out_s) == (
        2.5,
        250.0,
        25.0,
    )


def test_several_services_count_together() -> None:
    sampler = Sampler()
    sampler.take({WEB: statistics(0), TLS: statistics(0)}, 0.0)
    sampler.take({WEB: statistics(4), TLS: statistics(2)}, 2.0)
    both = sampler.traffic([(WEB, None), (TLS, None)])
    assert (both.connections, both.connections_s) == (6, 3.0)
    assert sampler.history([(WEB, None), (TLS, None)])[-1] == 3.0


def test_an_entry_made_again_has_no_negative_rate() -> None:
    sampler = Sampler()
    sampler.take({WEB: statistics(50)}, 0.0)
    sampler.take({WEB: statistics(3)}, 2.0)
    assert sampler.traffic([(WEB, ONE)]).connections_s == 0.0


def test_a_history_is_bounded_and_forgotten_when_it_is_all_quiet() -> None:
    sampler = Sampler()
    for i in range(HISTORY + 10):
        sampler.take({WEB: statistics(i)}, float(i))
    history = sampler.history([(WEB, ONE)])
    assert history == (1.0,) * HISTORY
    for i in range(HISTORY):
        sampler.take({WEB: statistics(HISTORY + 9)}, HISTORY + 10.0 + i)
    assert sampler.history([(WEB, ONE)]) == ()


def test_what_is_not_in_the_kernel_has_no_traffic() -> None:
    sampler = Sampler()
    sampler.take({WEB: statistics(1)}, 0.0)
    assert sampler.traffic([(WEB, TWO)]) == Traffic()


def test_a_slow_sample_is_taken_less_often() -> None:
    assert period(0.001) == 2.0
    assert period(0.5) == 10.0
    assert period(30.0) == 60.0
