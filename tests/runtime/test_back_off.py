"""Waits grow, end somewhere, and part those who failed together."""

from __future__ import annotations

from ourvidz.runtime.back_off import back_off


def waits(failures: int) -> list[float]:
    return [back_off(failures, first=2.0, longest=300.0) for _ in range(200)]


def test_waits_double_up_to_a_limit() -> None:
    longest = [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0]
    for failures, most in enumerate(longest, start=1):
        assert most / 2 <= min(waits(failures)) <= max(waits(failures)) <= most


def test_a_wait_after_very_many_failures_is_the_longest() -> None:
    assert 150.0 <= back_off(10_000, first=2.0, longest=300.0) <= 300.0


def test_those_who_failed_together_do_not_come_back_together() -> None:
    assert len(set(waits(5))) > 190
