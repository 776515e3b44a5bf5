"""Real pipelines on a small checkpoint: every parameter has its effect, and nothing has a hidden one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ourvidz.plugins.family import JobCancelled, Output
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.plugins.sdxl.schedulers import SAMPLERS
from ourvidz.runtime.making.outputs import check_artifacts
from ourvidz.spec.units import Resolution
from tests.plugins.sdxl.conftest import Context, load_from, painter, parameters, picture, pixels

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

Paint = Callable[..., Output]


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a quiet forest in winter"},
        {"negative_prompt": "blurry"},
        {"scheduler": "euler_ancestral"},
        {"steps": 4},
        {"guidance": 7.5},
        {"guidance": 1.0},
    ],
    ids=str,
)
def test_every_parameter_changes_the_picture(paint: Paint, change: dict[str, object]) -> None:
    assert pixels(paint(**change)) != pixels(paint())


def test_without_guidance_every_scale_up_to_one_is_the_same(paint: Paint) -> None:
    none = paint(guidance=0.0)
    assert pixels(none) == pixels(paint(guidance=1.0))
    assert none.effective["guidance"] == 1.0


def test_an_empty_negative_prompt_is_no_negative_prompt(paint: Paint) -> None:
    assert pixels(paint(negative_prompt="")) == pixels(paint(negative_prompt=None))


def test_a_negative_prompt_without_guidance_is_refused() -> None:
    with pytest.raises(ValueError, match="no effect without guidance"):
        parameters(guidance=1.0, negative_prompt="blurry")


def test_the_picture_has_the_size_that_was_asked_for(paint: Paint) -> None:
    output = paint(resolution="192x64")
    assert picture(output).size == (192, 64)
    check_artifacts(output.artifacts, seeds=(7,), size=Resolution(192, 64))


def test_nothing_of_one_job_is_left_for_the_next(paint: Paint) -> None:
    first = paint()
    paint(prompt="red balloons", scheduler="dpmpp_2m_sde_karras", steps=5, guidance=1.0, resolution="64x96")
    assert pixels(paint()) == pixels(first)


@pytest.mark.parametrize("scheduler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 6])
def test_every_sampler_paints(paint: Paint, scheduler: str, steps: int) -> None:
    output = paint(scheduler=scheduler, steps=steps, resolution="64x64")
    check_artifacts(output.artifacts, seeds=(7,), size=Resolution(64, 64))
    assert output.effective["scheduler"] == scheduler
    assert output.effective["scheduler_class"] == SAMPLERS[scheduler].class_name


@pytest.mark.parametrize("scheduler", [name for name in SAMPLERS if "karras" in name])
def test_karras_noise_levels_take_the_place_of_a_checkpoints_own(
    paint: Paint, copy: Path, context: Context, scheduler: str
) -> None:
    config = copy / "scheduler" / "scheduler_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"use_exponential_sigmas": True}))
    own = painter(load_from(copy), context)
    assert pixels(own(scheduler=scheduler)) == pixels(paint(scheduler=scheduler))
    assert pixels(own()) != pixels(paint())


def test_a_number_of_steps_that_the_sampler_cannot_do_is_refused(paint: Paint) -> None:
    with pytest.raises(ParameterRefused, match="steps: 60 with LCMScheduler"):
        paint(scheduler="lcm", steps=60)


def test_steps_are_counted_over_all_images(paint: Paint, context: Context) -> None:
    paint(seeds=(1, 2), steps=3)
    denoised = [("denoise", step, 6) for step in range(1, 7)]
    assert context.seen == [*denoised, *[("decode", step, 2) for step in range(3)]]


def test_a_cancelled_job_stops_before_anything_is_decoded(paint: Paint, context: Context) -> None:
    expected = pixels(paint())
    context.raises_at, context.error = 0, JobCancelled("the user said so")
    with pytest.raises(JobCancelled):
        paint()
    assert context.seen[-1] == ("decode", 0, 1)
    context.error = None
    assert pixels(paint()) == expected


def test_a_cancelled_job_stops_at_that_step(paint: Paint, context: Context) -> None:
    expected = pixels(paint())
    context.seen.clear()
    context.raises_at, context.error = 2, JobCancelled("the user said so")
    with pytest.raises(JobCancelled):
        paint(steps=20)
    assert len(context.seen) == 2
    context.error = None
    assert pixels(paint()) == expected


def test_effective_parameters_say_what_was_really_used(paint: Paint) -> None:
    output = paint(seeds=(7, 8), negative_prompt="fog", deterministic=False)
    assert output.effective == {
        "prompt": "a lighthouse at dusk",
        "negative_prompt": "fog",
        "prompt_pieces": 1,
        "loras": [],
        "seeds": [7, 8],
        "resolution": "128x128",
        "steps": 3,
        "guidance": 6.0,
        "scheduler": None,
        "scheduler_class": "EulerDiscreteScheduler",
        # The CPU has no other algorithms.
        "deterministic": True,
        "precision": "fp32",
        "device": "cpu",
    }
    assert set(output.seconds) == {"text", "denoise", "decode"}


def test_choosing_algorithms_leaves_torch_as_it_was(paint: Paint, context: Context) -> None:
    import torch

    def state() -> tuple[object, ...]:
        cudnn = torch.backends.cudnn
        debugging: Any = torch.utils.deterministic
        fills_memory = debugging.fill_uninitialized_memory
        return torch.get_deterministic_debug_mode(), cudnn.deterministic, cudnn.benchmark, fills_memory

    before = state()
    paint(deterministic=True)
    paint(deterministic=False)
    assert state() == before
    context.raises_at, context.error = 1, JobCancelled("the user said so")
    with pytest.raises(JobCancelled):
        paint(deterministic=True)
    assert state() == before
