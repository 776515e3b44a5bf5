"""Runs the reviewers, and fails closed: no verdict in time, or an error, is a refusal."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Literal, TypeAlias

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


class Desk:
    """A thread that reviewers work in, one after another, and that is left to one that does not answer.

    Nobody waits for it, not even the end of the process.
    """

    def __init__(self) -> None:
        self._asked: _Inbox | None = None

    def answer(self, question: Callable[[], object], timeout: float) -> object:
        """What ``question`` returns. Raises Empty if that takes longer than ``timeout`` seconds."""
        asked, self._asked = self._asked or self._open(), None
        answers: SimpleQueue[object] = SimpleQueue()
        asked.put((question, answers))
        given = answers.get(timeout=timeout)
        self._asked = asked
        return given

    def _open(self) -> _Inbox:
        asked: _Inbox = SimpleQueue()
        threading.Thread(target=_answer_all, args=(asked,), name="reviews", daemon=True).start()
        weakref.finalize(self, asked.put, None)
        return asked


_Inbox: TypeAlias = "SimpleQueue[tuple[Callable[[], object], SimpleQueue[object]] | None]"


def _answer_all(asked: _Inbox) -> None:
    while (one := asked.get()) is not None:
        question, answers = one
        answers.put(question())


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All reviewers of a deployment."""

    requests: Sequence[RequestReviewer]
    outputs: Sequence[OutputReviewer]
    elsewhere: bool
    """Whether the settings declare that outputs are reviewed after ourvidz."""
    timeout: float
    _desk: Desk = field(default_factory=Desk, repr=False, compare=False)

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
        def answer() -> object:
            try:
                return review()
            except Exception as error:  # noqa: BLE001  log_foreign logs it
                log_foreign(log, error, "the reviewer %s", name)
                return error

        try:
            given = self._desk.answer(answer, self.timeout)
        except Empty:
            raise ReviewFailed(f"the reviewer {name} gave no verdict within {self.timeout:g} s") from None
        if isinstance(given, Exception):
            raise ReviewFailed(f"the reviewer {name} failed: {type(given).__name__}") from given
        return given
