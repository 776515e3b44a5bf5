"""One YAML file, one working kind of generation job.

The package itself imports nothing heavy. Start at :class:`ourvidz.project.Project` (settings,
plugins, catalog) and :class:`ourvidz.runtime.Runtime` (submit jobs, run a worker).
"""

__version__ = "0.1.0"
