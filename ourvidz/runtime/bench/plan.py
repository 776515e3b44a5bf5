"""How job types are to be measured, and whether they can be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ourvidz.errors import NotFound
from ourvidz.plugins.family import LoadContext, LoadsRandomWeights, Model, ModelFamily, ModelInvalid
from ourvidz.plugins.requirements import load_model, require
from ourvidz.project import Project
from ourvidz.runtime.making.maker import NamedProfile
from ourvidz.runtime.making.resident_models import Load
from ourvidz.spec.job_type import JobType

#: Names weights that nothing was trained to, in the place of a checkpoint's location.
RANDOM = "random"

#: Of random weights.
WEIGHTS_SEED = 0


class RandomWeightsUnsupported(NotFound):
    """The model family cannot be measured without a checkpoint."""

    code = "random_weights_unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to measure."""

    weights: str | None
    """``random``, the location of a checkpoint, or None for each job type's own."""
    runs: int
    warm_up: int
    """Runs before those that count."""
    images: int | None
    """Of each run; None: the fewest that the job type makes."""
    profile: NamedProfile | None
    device: str | None
    """None: the worker's own."""

    def images_of(self, job_type: JobType) -> int:
        return job_type.batch_sizes[0] if self.images is None else self.images


def with_checkpoint(project: Project, job_types: Iterable[JobType], plan: Plan) -> Project:
    """The project with the plan's checkpoint, if it names one, in the place of the job types' own.

    Raises ModelInvalid if a family will not make a job type with it.
    """
    if plan.weights is None or plan.weights == RANDOM:
        return project
    catalog = project.catalog
    path = Path(plan.weights).expanduser()
    # As it was typed: relative to the current folder, not to that of the settings.
    location = str(path.absolute()) if path.exists() else plan.weights
    rules = project.plugins.family_rules()
    models = dict(catalog.models)
    for job_type in job_types:
        name = catalog.model_name(job_type)
        models[name] = catalog.models[name].model_copy(update={"location": location, "digest": None})
        for finding in rules[job_type.family].check(job_type, models[name]):
            raise ModelInvalid(
                f"{plan.weights}: {job_type.id} cannot be made with it: "
                f"found {finding.found}, expected {finding.expected}"
            )
    return replace(project, catalog=replace(catalog, models=models))


def loader(project: Project, family: ModelFamily[Any], plan: Plan) -> Load:
    """How this family's models get into memory. Raises RandomWeightsUnsupported."""
    if plan.weights != RANDOM:
        return load_model
    if not isinstance(family, LoadsRandomWeights):
        families = project.plugins.families().values()
        able = [one.name for one in families if isinstance(one, LoadsRandomWeights)]
        raise RandomWeightsUnsupported(
            f"{family.name} draws no random weights; these families do: {', '.join(able) or 'none'}; "
            "leave --weights out, or name a checkpoint"
        )
    draw = family.load_random

    def load(family: ModelFamily[Any], context: LoadContext) -> Model[Any]:
        require(family)
        return draw(context, seed=WEIGHTS_SEED)

    return load
