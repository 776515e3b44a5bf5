"""The benchmark of the queue on Redis measures what it says, and what it finds is within bounds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.redis_queue import flatness, hand_over, memory, site
from benchmarks.redis_queue.rates import Ours


@pytest.fixture
def place() -> Iterator[site.Site]:
    with site.opened() as place:
        yield place


def test_a_worker_and_its_heartbeat_hold_at_most_100_megabytes_without_a_model(place: site.Site) -> None:
    sizes = memory.proportional_set_size(place)
    assert sum(sizes.values()) <= 100_000_000


def test_hand_overs_are_measured_from_push_to_start(place: site.Site) -> None:
    assert len(hand_over.hand_overs(place, 1, warm_up=0)) == 1


@pytest.mark.parametrize("what", ["rate", "rate-alone"])
def test_a_worker_works_all_jobs_and_says_how_many_a_second(place: site.Site, what: str) -> None:
    assert Ours(name="ourvidz", settings="", what=what, jobs=150).rate(place) > 0
    with place.server.client() as client:
        assert client.hlen("ourvidz:jobs") == 150


def test_claims_and_positions_are_measured_while_jobs_wait(place: site.Site) -> None:
    [level] = flatness.medians(place, (3,), 2)
    assert level["waiting"] == 3
    assert level["claim"] > 0
    assert level["position"] > 0
