"""The names of what a worker measures, for whoever serves them and whoever asks for them.

Names follow Prometheus' conventions: base units, ``_total`` for what only grows. A stage is one of
those that :mod:`ourvidz.jobs.statistics` tells of, or ``callback``.
"""

from __future__ import annotations

from typing import Final

#: Claims that ended, by ``job_type`` and ``outcome``: completed, failed, cancelled, lost and so on.
JOBS: Final = "ourvidz_jobs_total"

#: Failed jobs, by ``job_type`` and the failure's ``code``.
ERRORS: Final = "ourvidz_job_errors_total"

#: Completed jobs that ran longer than their type's expected time, by ``job_type``.
LATE: Final = "ourvidz_jobs_late_total"

#: A histogram of seconds, by ``job_type`` and ``stage``.
STAGE_SECONDS: Final = "ourvidz_stage_seconds"

#: Most GPU memory that the last completed job took, by ``job_type``.
PEAK_MEMORY: Final = "ourvidz_job_peak_memory_bytes"

#: Whether a job type is stopped since its model keeps failing: 1 or 0, by ``job_type``.
STOPPED: Final = "ourvidz_job_type_stopped"

#: How often it was stopped, by ``job_type``.
STOPS: Final = "ourvidz_job_type_stops_total"

#: Whether the worker has loaded its models and takes jobs: 1 or 0, by ``family``.
READY: Final = "ourvidz_worker_ready"

#: Jobs in a queue, by ``queue`` and ``state``: waiting, delayed, processing.
QUEUE_JOBS: Final = "ourvidz_queue_jobs"

#: How long the oldest waiting job has waited, 0 if none waits, by ``queue``.
QUEUE_AGE: Final = "ourvidz_queue_oldest_seconds"

#: Whether the queue answered: 1 or 0. If it did not, it says nothing of its queues.
QUEUE_REACHABLE: Final = "ourvidz_queue_reachable"
