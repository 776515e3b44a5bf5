"""Storage backends. What each has to do says :mod:`ourvidz.jobs.storage`."""
