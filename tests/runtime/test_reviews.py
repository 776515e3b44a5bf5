"""Reviewers run before generation and before storage, and fail closed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ourvidz.plugins.family import Artifact
from ourvidz.plugins.reviewers import ReviewedRequest, Verdict
from ourvidz.runtime.client import Client
from ourvidz.runtime.making.review import Refused, Review, ReviewerMissing, ReviewFailed
from ourvidz.runtime.worker import Worker
from tests.site import Site


@dataclass
class Says:
    """A reviewer that answers what it was made with."""

    answer: object
    name: str = "says"
    seen: list[ReviewedRequest] = field(default_factory=list)

    def review_request(self, request: ReviewedRequest) -> Verdict:
        self.seen.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, float):
            time.sleep(self.answer)
        return self.answer  # type: ignore[return-value]  # a wrong answer is what some tests are about

    def review_output(self, request: ReviewedRequest, artifacts: Sequence[Artifact]) -> Verdict:
        return self.review_request(request)


YES = Verdict(allowed=True)
NO = Verdict(allowed=False, category="rules", reason="not on this platform")


@pytest.fixture
def request_seen(site: Site) -> ReviewedRequest:
    return ReviewedRequest(
        job_type=site.project().catalog["placeholder_fast"],
        prompt="a barn",
        negative_prompt=None,
        inputs={},
    )


def review(*reviewers: Says, elsewhere: bool = False) -> Review:
    return Review(requests=reviewers, outputs=reviewers, elsewhere=elsewhere, timeout=0.2)


def test_every_reviewer_has_to_agree(request_seen: ReviewedRequest) -> None:
    assert review(Says(YES, "a"), Says(YES, "b")).request(request_seen) == {"a": "passed", "b": "passed"}
    with pytest.raises(Refused, match=r"rules.*not on this platform"):
        review(Says(YES, "a"), Says(NO, "b")).request(request_seen)
    with pytest.raises(Refused):
        review(Says(NO)).output(request_seen, [])


@pytest.mark.parametrize("answer", [RuntimeError("broken"), 0.5, None, True, "yes"])
def test_no_clear_verdict_in_time_is_a_refusal(answer: object, request_seen: ReviewedRequest) -> None:
    with pytest.raises(ReviewFailed, match="says"):
        review(Says(answer)).request(request_seen)
    with pytest.raises(ReviewFailed, match="says"):
        review(Says(answer)).output(request_seen, [])


@pytest.mark.parametrize("allowed", [1, "no", None, [False]])
def test_only_true_is_consent(allowed: Any, request_seen: ReviewedRequest) -> None:
    with pytest.raises(Refused):
        review(Says(Verdict(allowed=allowed))).request(request_seen)


def test_a_reviewer_that_hangs_for_ever_does_not_keep_the_process() -> None:
    script = """
import time
from ourvidz.runtime.making.review import Review, ReviewFailed

class Sleeper:
    name = "sleeper"
    def review_request(self, request):
        time.sleep(3600)

try:
    Review(requests=[Sleeper()], outputs=[], elsewhere=False, timeout=0.1).request(None)
except ReviewFailed:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "refused\n")


def test_tightened_reviews_hold_from_the_next_job_on(site: Site, client: Client) -> None:
    settings = site.root / "ourvidz.yaml"
    with Worker(site.project(), "placeholder") as worker:
        first = client.submit("placeholder_fast", prompt="a barn")
        worker.run(burst=True)
        (site.root / "policy.yaml").write_text(
            "categories:\n  barns:\n    reason: no barns here\n    terms: [barn]\n"
        )
        settings.write_text(settings.read_text() + "review: {policy: policy.yaml}\n")
        second = client.submit("placeholder_fast", prompt="a barn")
        worker.run(burst=True)
    assert client.status(first).status == "completed"
    error = client.status(second).error
    assert error is not None
    assert error.code == "refused"


def test_a_result_says_that_outputs_are_reviewed_elsewhere(request_seen: ReviewedRequest) -> None:
    assert review(elsewhere=True).output(request_seen, []) == {"outputs": "elsewhere"}
    assert review().output(request_seen, []) == {}


def test_a_refused_request_fails_once_and_leaves_nothing_in_storage(site: Site, client: Client) -> None:
    job_id = client.submit("placeholder_fast", prompt="a photo of a toddler")
    with Worker(site.project(), "placeholder") as worker:
        worker.run(burst=True)
    status = client.status(job_id)
    assert (status.status, status.attempt) == ("failed", 1)
    assert status.error is not None
    assert status.error.code == "refused"
    assert not list((site.root / "data").rglob("*.png"))


REVIEWER = """
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.reviewers import Verdict

class Strict:
    name = "strict"

    def review_output(self, request, artifacts):
        return Verdict(allowed=False, category="test", reason="nothing passes")

@hookimpl
def ourvidz_output_reviewers():
    return [Strict()]
"""

ELSEWHERE = """
from ourvidz.plugins.backends import Backend
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.runtime.storage.folder import FolderStorage

@hookimpl
def ourvidz_storages():
    return [Backend(scheme="shared", open=lambda context: FolderStorage(context.root / "out"))]
"""


def test_a_refused_output_is_never_stored(site: Site, client: Client) -> None:
    extra = site.root / "extra"
    extra.mkdir()
    (extra / "strict.py").write_text(REVIEWER)
    settings = site.root / "ourvidz.yaml"
    settings.write_text(settings.read_text().replace('"]', '", "extra"]'))
    job_id = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "placeholder") as worker:
        worker.run(burst=True)
    error = client.status(job_id).error
    assert error is not None
    assert error.code == "refused"
    assert not list((site.root / "data").rglob("*.png"))


def test_outputs_leave_the_machine_only_if_somebody_reviews_them(site: Site, client: Client) -> None:
    extra = site.root / "extra"
    extra.mkdir()
    (extra / "elsewhere.py").write_text(ELSEWHERE)
    settings = site.root / "ourvidz.yaml"
    text = settings.read_text().replace('"]', '", "extra"]') + "backends:\n  storage: shared:out\n"
    settings.write_text(text)
    with pytest.raises(ReviewerMissing, match=r"review\.outputs: elsewhere"):
        Worker(site.project(), "placeholder")

    settings.write_text(text + "review:\n  outputs: elsewhere\n")
    job_id = client.submit("placeholder_fast", prompt="a barn")
    with Worker(site.project(), "placeholder") as worker:
        worker.run(burst=True)
    result = client.status(job_id).result
    assert result is not None
    assert result.reviews["outputs"] == "elsewhere"
