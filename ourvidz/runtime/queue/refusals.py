"""What a queue says when it refuses: the same words, whatever the backend."""

from __future__ import annotations

from ourvidz.jobs.dead_letters import DeadLetterNotFound
from ourvidz.jobs.queue import JobNotFound, JobStateConflict, Lease, LeaseLost
from ourvidz.jobs.states import JobState


def job_unknown(job_id: str) -> JobNotFound:
    return JobNotFound(f"the queue knows no job {job_id}; it was never pushed here, or is forgotten")


def job_gone(lease: Lease) -> LeaseLost:
    return LeaseLost(f"job {lease.job_id} is not in the queue any more")


def lease_outdated(lease: Lease, newest: int) -> LeaseLost:
    return LeaseLost(f"job {lease.job_id}: token {lease.token} is outdated, the newest is {newest}")


def claim_ended(lease: Lease, verb: str) -> LeaseLost:
    return LeaseLost(f"job {lease.job_id}: this claim was ended before, by {verb}")


def has_ended(job_id: str, state: JobState) -> JobStateConflict:
    return JobStateConflict(f"job {job_id} has ended: it is {state}")


def has_not_ended(job_id: str, state: JobState) -> JobStateConflict:
    return JobStateConflict(f"job {job_id} is {state}; only the end of a job can be told again")


def is_not_lost(job_id: str, state: JobState) -> JobStateConflict:
    return JobStateConflict(f"job {job_id} is not lost: it is {state}")


def cannot_start_anew(job_id: str, state: JobState) -> JobStateConflict:
    return JobStateConflict(f"job {job_id} is {state}; only a failed or cancelled job can be queued anew")


def letter_unknown(id: int) -> DeadLetterNotFound:
    return DeadLetterNotFound(f"there is no dead letter {id}; it may have been retried or purged")


def letter_taken(id: int) -> DeadLetterNotFound:
    return DeadLetterNotFound(f"dead letter {id} has just been retried or purged by somebody else")


def letter_needs_no_retry(id: int, job_id: str, state: JobState) -> JobStateConflict:
    return JobStateConflict(
        f"dead letter {id}: its job {job_id} is {state} and needs no retry; "
        "the letter is kept until it is purged"
    )
