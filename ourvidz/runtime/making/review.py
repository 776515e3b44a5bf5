"""Runs the reviewers, and fails closed: no verdict in time, or an error, is a refusal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Literal

from ourvidz.errors import NotReady, OurvidzError
from ourvidz.plugins.family import Artifact
from ourvidz.plugins.reviewers import OutputReviewer, RequestReviewer, ReviewedRequest, Verdict
from ourvidz.project import Project
from ourvidz.runtime.backends import all_embedded
from ourvidz.runtime.foreign_errors import log_foreign

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
        self, request: ReviewedRequest, artifacts: Sequence[Artifact]
    ) -> dict[str, Literal["passed", "elsewhere"]]:
        """Let every output reviewer look. Raises Refused, ReviewFailed."""
        for reviewer in self.outputs:
            self._ask(reviewer.name, partial(reviewer.review_output, request, artifacts))
        passed: dict[str, Literal["passed", "elsewhere"]] = {one.name: "passed" for one in self.outputs}
        return passed | ({"outputs": "elsewhere"} if self.elsewhere else {})

    def _ask(self, name: str, review: Callable[[], Verdict]) -> None:
        verdict = self._answer(name, review)
        if not isinstance(verdict, Verdict):
            raise ReviewFailed(f"the reviewer {name} returned {type(verdict).__name__}, expected a Verdict")
        # Anything but True is no consent, whatever else would pass for it.
        if verdict.allowed is not True:
            raise Refused(f"{name} refused it ({verdict.category}): {verdict.reason}")

    def _answer(self, name: str, review: Callable[[], Verdict]) -> object:
        """Let a reviewer work in a thread that nobody waits for, not even the end of the process."""
        answers: SimpleQueue[object] = SimpleQueue()

        def answer() -> None:
            try:
                answers.put(review())
            except Exception as error:  # noqa: BLE001  log_foreign logs it
                log_foreign(log, error, "the reviewer %s", name)
                answers.put(error)

        threading.Thread(target=answer, name=f"review-{name}", daemon=True).start()
        try:
            given = answers.get(timeout=self.timeout)
        except Empty:
            raise ReviewFailed(f"the reviewer {name} gave no verdict within {self.timeout:g} s") from None
        if isinstance(given, Exception):
            raise ReviewFailed(f"the reviewer {name} failed: {type(given).__name__}") from given
        return given
