"""What becomes of a job whose making failed: tried again, given to its fallback, or over."""

from __future__ import annotations

from typing import Literal

from ourvidz.errors import OurvidzError, RequestInvalid
from ourvidz.jobs.envelope import EnvelopeInvalid
from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.jobs.states import Failure, Reason
from ourvidz.jobs.storage import ObjectNotFound, StorageRefused, StorageUnavailable
from ourvidz.runtime.making.fetching import InputUnavailable
from ourvidz.runtime.making.review import Refused, ReviewFailed
from ourvidz.spec.catalog import UnknownJobType

Decision = Literal["retry", "fallback", "fail", "bury"]

#: The first retry comes after about this many seconds, each further one after twice as many, up to a limit.
FIRST_RETRY = 5.0
LONGEST_RETRY = 300.0

#: Errors that no other job type could mend: the request itself is at fault, or must not be made.
_FINAL = (RequestInvalid, EnvelopeInvalid, UnknownJobType, Refused, ReviewFailed)


class GenerationFailed(OurvidzError):
    """The model raised an error that nobody foresaw; the worker's log has it in full."""

    code = "generation_failed"


class AttemptsExhausted(OurvidzError):
    """The job ended its worker as often as its job type allows."""

    code = "attempts_exhausted"


class JobTypeStopped(OurvidzError):
    """The worker takes no jobs of this type for a while, since its model failed again and again."""

    code = "job_type_stopped"
    retryable = True


class WrongQueue(RequestInvalid):
    """The job waits on a queue whose worker cannot make it."""

    code = "wrong_queue"


class JobTimedOut(OurvidzError):
    """The job showed no progress for its job type's timeout."""

    code = "timed_out"
    retryable = True


#: Errors that say nothing about a model. Only what comes from a model stops its job type.
_NOT_THE_MODELS = (
    *_FINAL,
    StorageUnavailable,
    StorageRefused,
    ObjectNotFound,
    InputUnavailable,
    QueueUnavailable,
    # The worker that could say more is gone.
    AttemptsExhausted,
)


def failure_of(error: Exception, before: Reason | None = None) -> Failure:
    """A stable code and a message for people; ``before``: why the job type that was asked for failed.

    The text of a foreign error stays in the worker's log, since it may quote the prompt.
    """
    if isinstance(error, OurvidzError):
        return Failure(code=error.code, message=str(error), before=before)
    return Failure(
        code=GenerationFailed.code,
        message=f"generation failed with {type(error).__name__}; the worker's log has the details",
        before=before,
    )


def blames_model(error: Exception) -> bool:
    """Whether an error says that the model cannot make jobs, and not what is wrong with this one."""
    return not isinstance(error, _NOT_THE_MODELS)


def decide(error: Exception, *, attempt: int, max_attempts: int, has_fallback: bool) -> Decision:
    """Choose what happens to a job.

    What can pass by itself, such as storage that is away, is retried while attempts are left. A model
    that is missing or wrong is not: nobody mends it within a few retries. A wrong request and a refusal
    are final. A payload that no worker can serve, and a job that
    keeps ending its worker, become dead letters.
    """
    if isinstance(error, EnvelopeInvalid | UnknownJobType):
        return "bury"
    if isinstance(error, _FINAL):
        return "fail"
    if isinstance(error, AttemptsExhausted):
        return "fallback" if has_fallback else "bury"
    if isinstance(error, OurvidzError) and error.retryable and attempt < max_attempts:
        return "retry"
    return "fallback" if has_fallback else "fail"
