"""What the catalog asks of a model family. Plugins answer; the spec layer knows none of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry


class FamilyRules(Protocol):
    """A model family as far as specs are concerned. Known without its libraries."""

    @property
    def name(self) -> str:
        """In lower case; a job type names it as its worker."""
        ...

    @property
    def default_model(self) -> ModelEntry:
        """The model of job types that name none, unless ``ourvidz.yaml`` has one of the family's name."""
        ...

    def check(self, job_type: JobType, model: ModelEntry) -> Iterable[Finding]:
        """Say what in this job type the family or the checkpoint cannot do."""
        ...
