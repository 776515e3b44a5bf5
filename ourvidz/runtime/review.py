"""Runs the reviewers, and fails closed: no verdict in time, or an error, is a refusal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from ourvidz.errors import NotReady, OurvidzError
from ourvidz.plugins.family import ImageArtifact
from ourvidz.plugins.reviewers import OutputReviewer, RequestReviewer, ReviewedRequest, Verdict
from ourvidz.project import Project
from ourvidz.runtime.backends import all_embedded

log = logging.getLogger(__name__)


class Refused(OurvidzError):
    """A reviewer said no. Never tried again, never given to a fallback."""

    code = "refused"


class ReviewFailed(OurvidzError):
    """A reviewer gave no verdict. The job fails without an output."""

    code = "review_failed"


class ReviewerMissing(NotReady):
    """This deployment must not run without a reviewer that it does not have."""

    code = "reviewer_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All reviewers of a deployment."""

    requests: Sequence[RequestReviewer]
    outputs: Sequence[OutputReviewer]
    elsewhere: bool
    """Whether the settings declare that outputs are reviewed after ourvidz."""
    timeout: float

    @classmethod
    def of(cls, project: Project) -> Review:
        """Collect what the plugins offer. Raises ReviewerMissing where one that is needed is not there."""
        settings = project.settings
        requests = project.plugins.request_reviewers(settings)
        outputs = project.plugins.output_reviewers(settings)
        elsewhere = settings.review.outputs == "elsewhere"
        if not requests:
            raise ReviewerMissing(
                "no plugin reviews requests; install ourvidz anew, the built-in one is missing"
            )
        if not outputs and not elsewhere and not all_embedded(project):
            raise ReviewerMissing(
                "outputs would leave this machine unreviewed: install a plugin with an output reviewer, or, "
                "if they are reviewed before users see them, set review.outputs: elsewhere in ourvidz.yaml"
            )
        return cls(requests=requests, outputs=outputs, elsewhere=elsewhere, timeout=settings.review.timeout)

    def request(self, request: ReviewedRequest) -> dict[str, Literal["passed", "elsewhere"]]:
        """Let every request reviewer look. Raises Refused, ReviewFailed."""
        for reviewer in self.requests:
            self._ask(reviewer.name, partial(reviewer.review_request, request))
        return {reviewer.name: "passed" for reviewer in self.requests}

    def output(
        self, request: ReviewedRequest, artifacts: Sequence[ImageArtifact]
    ) -> dict[str, Literal["passed", "elsewhere"]]:
        """Let every output reviewer look. Raises Refused, ReviewFailed."""
        for reviewer in self.outputs:
            self._ask(reviewer.name, partial(reviewer.review_output, request, artifacts))
        passed: dict[str, Literal["passed", "elsewhere"]] = {one.name: "passed" for one in self.outputs}
        return passed | ({"outputs": "elsewhere"} if self.elsewhere else {})

    def _ask(self, name: str, review: Callable[[], Verdict]) -> None:
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"review-{name}")
        try:
            verdict = pool.submit(review).result(timeout=self.timeout)
        except TimeoutError:
            raise ReviewFailed(f"the reviewer {name} gave no verdict within {self.timeout:g} s") from None
        except Exception as error:
            log.exception("reviewer %s failed", name)
            raise ReviewFailed(f"the reviewer {name} failed: {type(error).__name__}") from error
        finally:
            # A reviewer that hangs keeps its thread; nobody waits for it.
            pool.shutdown(wait=False)
        if not isinstance(verdict, Verdict):
            raise ReviewFailed(f"the reviewer {name} returned {type(verdict).__name__}, expected a Verdict")
        if not verdict.allowed:
            raise Refused(f"{name} refused it ({verdict.category}): {verdict.reason}")
