"""The judge of `make faults` sees what it is there to see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from tests.faults.judge import Evidence, Fault, Told, judge
from tests.faults.row import Row, complaints

FILE = {"bucket": "pictures", "path": "one.png", "sha256": "abc"}
STORED = {"pictures/one.png": "abc"}


def completed(job_id: str = "a", *, sequence: int = 1, at: float = 0.0) -> Told:
    return Told(
        at,
        {"job_id": job_id, "sequence": sequence, "status": "completed", "result": {"assets": [FILE]}},
    )


def failed(job_id: str = "a") -> Told:
    return Told(0.0, {"job_id": job_id, "sequence": 1, "status": "failed"})


def evidence(
    *told: Told,
    acknowledged: Collection[str] = ("a",),
    stored: Mapping[str, str] = STORED,
    starts: Sequence[str] = ("a",),
    kept: Collection[str] = (),
    faults: Sequence[Fault] = (),
) -> Evidence:
    return Evidence(
        acknowledged=acknowledged, told=told, stored=stored, starts=starts, kept=kept, faults=faults
    )


def test_a_job_that_is_told_of_and_stored_is_sound() -> None:
    verdict = judge(evidence(completed()))
    assert (verdict.completed, verdict.lost, verdict.twice) == (1, (), ())
    assert verdict.is_sound


def test_a_job_that_nobody_was_told_of_is_lost() -> None:
    running = Told(0.0, {"job_id": "b", "sequence": 1, "status": "processing"})
    assert judge(evidence(completed(), running, acknowledged=["a", "b"])).lost == ("b",)


@pytest.mark.parametrize("stored", [{}, {"pictures/one.png": "other bytes"}])
def test_a_job_whose_picture_is_not_there_is_lost(stored: Mapping[str, str]) -> None:
    assert judge(evidence(completed(), stored=stored)).lost == ("a",)


def test_what_was_never_acknowledged_is_not_missed() -> None:
    assert judge(evidence(completed("b"), acknowledged=[])).is_sound


def test_a_job_that_failed_is_not_lost_if_it_is_told() -> None:
    verdict = judge(evidence(failed()))
    assert (verdict.failed, verdict.lost) == (1, ())


def test_a_payload_without_an_id_is_not_lost_if_it_is_kept() -> None:
    assert judge(evidence(acknowledged=["payload"], kept=["payload"])).failed == 1
    assert judge(evidence(acknowledged=["payload"])).lost == ("payload",)


def test_an_event_told_again_is_one_completion() -> None:
    assert judge(evidence(completed(), completed())).is_sound


def test_completions_of_two_claims_are_two() -> None:
    verdict = judge(evidence(completed(sequence=1), completed(sequence=2)))
    assert verdict.twice == ("a",)
    assert not verdict.is_sound


def test_a_start_after_the_first_is_extra() -> None:
    assert judge(evidence(completed(), starts=["a", "b", "a", "a"])).extra_starts == 2


def test_recovery_is_the_time_until_the_job_that_was_hit_is_told_of() -> None:
    hit = Fault(at=10.0, over=10.0, job_id="a")
    told = [completed("b", at=11.0), completed("a", at=12.5), completed("a", at=20.0)]
    assert judge(evidence(*told, faults=[hit])).recoveries == (2.5,)


def test_recovery_from_a_servers_fault_is_the_time_until_any_job_is_told_of() -> None:
    told = [completed("a", at=11.0), completed("b", at=15.0)]
    assert judge(evidence(*told, faults=[Fault(at=10.0, over=12.0)])).recoveries == (3.0,)


def row(*, faults: int = 0, loses: bool = False) -> Row:
    return Row(name="a row", kind="sqlite", run=lambda _: None, faults=faults, loses=loses)


def test_losses_and_second_completions_are_complained_of() -> None:
    lost = judge(evidence(completed(sequence=1), completed(sequence=2), acknowledged=["a", "b"]))
    assert len(list(complaints(row(), lost))) == 2
    assert list(complaints(row(), judge(evidence(completed())))) == []


def test_a_row_without_its_faults_has_shown_nothing() -> None:
    [complaint] = complaints(row(faults=2), judge(evidence(completed(), faults=[Fault(at=0, over=0)])))
    assert "only 1 of 2 faults" in complaint


def test_a_row_that_is_there_to_lose_has_to() -> None:
    [complaint] = complaints(row(loses=True), judge(evidence(completed())))
    assert "expected losses" in complaint
    assert not list(complaints(row(loses=True), judge(evidence(acknowledged=["a"]))))
