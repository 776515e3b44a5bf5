"""Queue backends. What each has to do says :mod:`ourvidz.jobs.queue`."""
