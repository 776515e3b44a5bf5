"""What becomes of a job whose making failed."""

from __future__ import annotations

import pytest

from ourvidz.errors import RequestInvalid
from ourvidz.jobs.envelope import EnvelopeInvalid
from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.jobs.storage import ObjectNotFound, StorageRefused, StorageUnavailable
from ourvidz.plugins.device_errors import OutOfMemory
from ourvidz.plugins.family import ModelInvalid, ModelMissing, OutputInvalid
from ourvidz.runtime.failures import (
    AttemptsExhausted,
    JobTimedOut,
    blames_model,
    decide,
    failure_of,
)
from ourvidz.runtime.making.fetching import InputUnavailable
from ourvidz.runtime.making.review import Refused, ReviewFailed
from ourvidz.spec.catalog import UnknownJobType


@pytest.mark.parametrize(
    ("error", "alone", "with_fallback"),
    [
        (StorageUnavailable("away"), "retry", "retry"),
        (ModelInvalid("cut off"), "fail", "fallback"),
        (ModelMissing("no checkpoint"), "fail", "fallback"),
        (StorageRefused("too large"), "fail", "fallback"),
        (OutputInvalid("black"), "fail", "fallback"),
        (RuntimeError("foreign"), "fail", "fallback"),
        (RequestInvalid("steps"), "fail", "fail"),
        (Refused("no"), "fail", "fail"),
        (ReviewFailed("late"), "fail", "fail"),
        (AttemptsExhausted("3"), "bury", "fallback"),
        (EnvelopeInvalid("no JSON"), "bury", "bury"),
        (UnknownJobType("what"), "bury", "bury"),
    ],
)
def test_an_error_decides_what_becomes_of_its_job(error: Exception, alone: str, with_fallback: str) -> None:
    assert decide(error, attempt=1, max_attempts=3, has_fallback=False) == alone
    assert decide(error, attempt=1, max_attempts=3, has_fallback=True) == with_fallback


def test_the_last_attempt_is_not_retried() -> None:
    error = StorageUnavailable("away")
    assert decide(error, attempt=2, max_attempts=3, has_fallback=False) == "retry"
    assert decide(error, attempt=3, max_attempts=3, has_fallback=False) == "fail"
    assert decide(error, attempt=3, max_attempts=3, has_fallback=True) == "fallback"


def test_a_foreign_error_is_told_without_its_text_which_may_quote_the_prompt() -> None:
    failure = failure_of(ValueError("cannot tokenise: a secret wish"))
    assert failure.code == "generation_failed"
    assert "ValueError" in failure.message
    assert "secret" not in failure.message


@pytest.mark.parametrize(
    ("error", "blamed"),
    [
        (RuntimeError("foreign"), True),
        (OutputInvalid("black"), True),
        (ModelMissing("no checkpoint"), True),
        (OutOfMemory("20 GiB"), True),
        (JobTimedOut("no progress"), True),
        (RequestInvalid("steps"), False),
        (Refused("no"), False),
        (ReviewFailed("late"), False),
        (StorageUnavailable("away"), False),
        (StorageRefused("too large"), False),
        (ObjectNotFound("no picture"), False),
        (InputUnavailable("a server that stalls"), False),
        (QueueUnavailable("locked"), False),
        (AttemptsExhausted("3"), False),
    ],
)
def test_only_what_comes_from_a_model_counts_against_its_job_type(error: Exception, blamed: bool) -> None:
    assert blames_model(error) == blamed
