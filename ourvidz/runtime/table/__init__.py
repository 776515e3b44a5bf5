"""Backends of the platform's job table. What each has to do says :mod:`ourvidz.jobs.table`."""
