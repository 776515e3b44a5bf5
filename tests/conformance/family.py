"""All that :class:`ourvidz.plugins.family.ModelFamily` promises, for a family to inherit."""

from __future__ import annotations

import gc
import json
import sys
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from ourvidz.plugins.family import (
    FreesMemory,
    GenerationRequest,
    ImageArtifact,
    JobCancelled,
    LoadContext,
    Model,
    ModelFamily,
    Output,
)
from ourvidz.plugins.parameters import ParameterRefused, spec_parameters, validate_parameters
from ourvidz.plugins.requirements import check_requirements, load_model
from ourvidz.runtime.making.outputs import check_artifacts
from ourvidz.spec.job_type import Input, JobType, Override
from ourvidz.spec.settings import ModelEntry, Profile

PROMPT = "a lighthouse at dusk"

HALF = Profile(scale=0.5, steps=0.5, frames=0.5)

PROFILES = (
    Profile(),
    HALF,
    Profile(scale=0.3, steps=0.9, frames=0.7),
    Profile(scale=0.001, steps=0.001, frames=0.001),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Another value of one parameter, with which something else has to come out."""

    value: object
    beside: Mapping[str, object] = field(default_factory=dict)
    """Values without which the parameter has no meaning, said with and without the change."""
    inputs: Mapping[Input, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyCase:
    """A family, a small checkpoint, and a job that it makes in an instant."""

    family: ModelFamily[Any]
    model: ModelEntry
    job_type: JobType
    changes: Mapping[str, Change]
    """By parameter; together with ``invisible``, all that the family has."""
    invisible: Mapping[str, str] = field(default_factory=dict)
    """Parameters that nothing in the output depends on, and why."""
    shipped: Sequence[JobType]
    """The job types that come with the family."""
    inputs: Mapping[Input, Path] = field(default_factory=dict)
    digest: str | None = None
    """Of the checkpoint, if there is one."""

    def load(self) -> Model[Any]:
        context = LoadContext(model=self.model, device="cpu", precision=None, root=Path("/"))
        return load_model(self.family, context)

    def values(self, **changes: object) -> dict[str, Any]:
        """What the job type says and a request adds; None takes a value back."""
        values = spec_parameters(self.job_type) | {"prompt": PROMPT} | changes
        return {name: value for name, value in values.items() if value is not None}

    def request(
        self, *seeds: int, inputs: Mapping[Input, Path] | None = None, **changes: object
    ) -> GenerationRequest[Any]:
        values = self.values(num_images=len(seeds), **changes)
        return GenerationRequest(
            job_type=self.job_type,
            parameters=validate_parameters(self.family.parameters, values),
            seeds=seeds,
            inputs=self.inputs if inputs is None else inputs,
        )


@dataclass(slots=True)
class Watch:
    """A job's context that keeps what it is told, and may end the job by raising."""

    folder: Path
    seen: list[tuple[str, int, int]] = field(default_factory=list)
    raises: Exception | None = None
    """Raised at the first step."""

    def step(self, stage: str, step: int, steps: int) -> None:
        self.seen.append((stage, step, steps))
        if self.raises is not None:
            raise self.raises


def checked(model: Model[Any], request: GenerationRequest[Any], watch: Watch) -> Output:
    """What the model makes, after a worker's look at it."""
    output = model.generate(request, watch)
    check_artifacts(
        output.artifacts,
        seeds=request.seeds,
        size=request.parameters.resolution,
        length=request.parameters.length,
    )
    return output


def made(output: Output) -> list[tuple[object, ...]]:
    """Everything of the artifacts that somebody can see."""
    return [
        (one.image.size, one.image.tobytes())
        if isinstance(one, ImageArtifact)
        else (one.frames.shape, one.fps, one.frames.tobytes())
        for one in output.artifacts
    ]


class FamilyConformance:
    """Inherit it, and give the ``case`` fixture, of the scope ``class``."""

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> FamilyCase:
        raise NotImplementedError("a family's test class gives the case")

    @pytest.fixture(scope="class")
    @classmethod
    def loaded(cls, case: FamilyCase) -> Iterator[Model[Any]]:
        model = case.load()
        yield model
        model.unload()

    @pytest.fixture
    def watch(self, tmp_path: Path) -> Watch:
        return Watch(tmp_path)

    def test_what_it_requires_is_said_so_that_it_can_be_checked(self, case: FamilyCase) -> None:
        statuses = check_requirements(case.family.requirements)
        assert statuses
        assert [one.requirement for one in statuses if not one.met] == []

    def test_the_job_types_that_come_with_it_have_no_findings(self, case: FamilyCase) -> None:
        assert case.shipped
        for job_type in case.shipped:
            assert list(case.family.check(job_type, case.family.default_model)) == [], job_type.id
        assert list(case.family.check(case.job_type, case.model)) == []

    def test_a_parameter_that_it_does_not_know_is_refused(self, case: FamilyCase) -> None:
        with pytest.raises(ParameterRefused, match="no_such_thing"):
            validate_parameters(case.family.parameters, case.values(no_such_thing=1))
        spec = case.job_type.model_copy(update={"params": {"no_such_thing": Override(max=1)}})
        [finding] = case.family.check(spec, case.model)
        assert (finding.field, finding.code) == (("params", "no_such_thing"), "parameter_unconsumed")

    def test_a_request_makes_what_it_asks_for(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        output = checked(loaded, case.request(7, 8), watch)
        kind = "image" if isinstance(output.artifacts[0], ImageArtifact) else "video"
        assert kind == case.job_type.content_type
        assert all(seconds >= 0 for seconds in output.seconds.values())

    def test_the_same_seed_gives_the_same_pixels(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        first, again = (made(loaded.generate(case.request(7), watch)) for _ in range(2))
        assert first == again

    def test_another_seed_gives_other_pixels(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        one, other = (made(loaded.generate(case.request(seed), watch)) for seed in (7, 8))
        assert one != other

    def test_each_of_several_is_the_one_that_its_seed_gives_alone(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        together = made(loaded.generate(case.request(7, 8), watch))
        alone = [made(loaded.generate(case.request(seed), watch))[0] for seed in (7, 8)]
        assert together == alone

    def test_nothing_of_one_job_is_left_for_the_next(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        before = made(loaded.generate(case.request(7), watch))
        for name, change in case.changes.items():
            inputs = change.inputs or None
            loaded.generate(case.request(3, inputs=inputs, **{**change.beside, name: change.value}), watch)
        assert made(loaded.generate(case.request(7), watch)) == before

    def test_steps_are_told_in_order_and_all_of_them(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        loaded.generate(case.request(7, 8), watch)
        stages = [(stage, list(told)) for stage, told in groupby(watch.seen, key=lambda one: one[0])]
        names = [stage for stage, _ in stages]
        assert names
        assert len(names) == len(set(names)), "one stage after another"
        for stage, told in stages:
            _, first, total = told[0]
            assert first in (0, 1)
            assert told == [(stage, number, total) for number in range(first, total + 1)]

    @pytest.mark.parametrize("error", [JobCancelled("the user said so"), OSError("the queue is gone")])
    def test_what_a_step_raises_ends_the_job_at_once_and_the_model_works_on(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch, error: Exception
    ) -> None:
        before = made(loaded.generate(case.request(7), watch))
        watch.seen.clear()
        watch.raises = error
        with pytest.raises(type(error)) as raised:
            loaded.generate(case.request(8), watch)
        assert raised.value is error
        assert len(watch.seen) == 1
        watch.raises = None
        assert made(loaded.generate(case.request(7), watch)) == before

    def test_every_parameter_is_accounted_for(self, case: FamilyCase) -> None:
        accounted = {"num_images", *case.changes, *case.invisible}
        assert accounted == set(case.family.parameters.model_fields)
        assert not set(case.changes) & set(case.invisible)

    def test_every_parameter_has_its_effect(self, case: FamilyCase, loaded: Model[Any], watch: Watch) -> None:
        for name, change in case.changes.items():
            inputs = change.inputs or None
            without, changed = (
                checked(loaded, case.request(7, inputs=inputs, **values), watch)
                for values in (change.beside, {**change.beside, name: change.value})
            )
            assert made(without) != made(changed), name

    def test_effective_parameters_repeat_what_was_asked_for(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        for name, change in case.changes.items():
            inputs = change.inputs or None
            request = case.request(7, inputs=inputs, **{**change.beside, name: change.value})
            effective = loaded.generate(request, watch).effective
            assert survives_json(effective)
            asked = request.parameters.model_dump(mode="json", exclude_unset=True, exclude={"num_images"})
            assert {field: effective.get(field) for field in asked if is_plain(asked[field])} == {
                field: value for field, value in asked.items() if is_plain(value)
            }, name
            assert set(asked) <= set(effective), name

    def test_the_fingerprint_is_the_same_at_every_load_and_names_the_checkpoint(
        self, case: FamilyCase, loaded: Model[Any]
    ) -> None:
        again = case.load()
        assert again.fingerprint == loaded.fingerprint
        again.unload()
        assert survives_json(loaded.fingerprint)
        assert loaded.fingerprint
        assert case.digest is None or case.digest in loaded.fingerprint.values()

    def test_unloading_gives_the_memory_back_and_loading_again_paints_the_same(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        expected = made(loaded.generate(case.request(7), watch))
        others = {id(one) for one in modules()}
        model = case.load()
        assert made(model.generate(case.request(7), watch)) == expected
        weights = [weakref.ref(one) for one in modules() if id(one) not in others]
        # A family with a checkpoint has its weights in modules of torch, or nothing is looked at here.
        assert bool(weights) == (case.digest is not None)
        model.unload()
        gc.collect()
        assert [one for one in weights if one() is not None] == []
        again = case.load()
        assert made(again.generate(case.request(7), watch)) == expected
        again.unload()

    def test_a_model_that_gives_memory_back_paints_the_same(
        self, case: FamilyCase, loaded: Model[Any], watch: Watch
    ) -> None:
        if isinstance(loaded, FreesMemory):
            before = made(loaded.generate(case.request(7), watch))
            loaded.free_memory()
            assert made(loaded.generate(case.request(7), watch)) == before

    def test_unloading_twice_does_no_harm(self, case: FamilyCase) -> None:
        model = case.load()
        model.unload()
        model.unload()

    @pytest.mark.parametrize("profile", PROFILES, ids=str)
    def test_a_profile_reduces_to_what_can_be_made_and_never_to_more(
        self, case: FamilyCase, profile: Profile
    ) -> None:
        family = case.family
        for job_type in (*case.shipped, case.job_type):
            values = spec_parameters(job_type) | {"prompt": PROMPT}
            whole = validate_parameters(family.parameters, values)
            reduced = family.reduce(whole, profile)
            assert family.parameters.model_validate(reduced.model_dump()) == reduced
            assert (reduced.prompt, reduced.guidance) == (whole.prompt, whole.guidance)
            assert 1 <= reduced.steps <= whole.steps
            assert 1 <= reduced.resolution.width <= whole.resolution.width
            assert 1 <= reduced.resolution.height <= whole.resolution.height
            assert (reduced.length is None) == (whole.length is None)
            if reduced.length is not None and whole.length is not None:
                assert 1 < reduced.length.frames <= whole.length.frames

    def test_a_reduced_job_is_made(self, case: FamilyCase, loaded: Model[Any], watch: Watch) -> None:
        request = case.request(7)
        reduced = case.family.reduce(request.parameters, HALF)
        checked(loaded, replace(request, parameters=reduced), watch)


def is_plain(value: object) -> bool:
    """Whether a parameter's value can be repeated as it is; files, for example, get a digest."""
    return value is not None and not isinstance(value, list | dict)


def survives_json(value: Mapping[str, JsonValue]) -> bool:
    """Whether a mapping is the same after it was stored."""
    return bool(json.loads(json.dumps(dict(value), allow_nan=False)) == dict(value))


def modules() -> Iterator[Any]:
    """Every part of a model in torch that is in memory, whoever holds it."""
    torch = sys.modules.get("torch")
    if torch is not None:
        gc.collect()
        # By type, since some objects answer isinstance() with code of their own.
        yield from (one for one in gc.get_objects() if issubclass(type(one), torch.nn.Module))
