"""One YAML file, one working kind of generation job.

The package itself imports nothing. Start at :class:`ourvidz.project.Project` (settings, plugins,
catalog), :class:`ourvidz.runtime.client.Client` (submit, ask) and
:class:`ourvidz.runtime.worker.Worker` (claim, make, store).
"""

__version__ = "0.1.0"
