"""The real pipeline on a small checkpoint: what it makes, what it reports, what it refuses.

That every parameter has its effect, and nothing a hidden one, is among what test_conformance.py inherits.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ourvidz.plugins.diffusion.prompts import PromptTooLong
from ourvidz.plugins.family import GenerationRequest, JobCancelled, Model, VideoArtifact, VideoLength
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.plugins.wan.parameters import WanParameters
from ourvidz.runtime.making.outputs import check_artifacts
from ourvidz.spec.units import Resolution
from tests.plugins.sdxl.conftest import Context
from tests.plugins.wan.conftest import Film, frames, job_type, load_from, parameters, pixels


def test_a_video_has_the_frames_size_and_rate_that_were_asked_for(film: Film) -> None:
    output = film(frames=9, fps=8, resolution="48x64")
    [video] = output.artifacts
    assert isinstance(video, VideoArtifact)
    assert (video.frames.shape, video.fps) == ((9, 64, 48, 3), 8)
    assert video.frames.dtype == np.dtype("uint8")
    check_artifacts(output.artifacts, seeds=(7,), size=Resolution(48, 64), length=VideoLength(9, 8))


def test_both_orientations_of_one_size_are_made(film: Film) -> None:
    assert frames(film(resolution="64x48")).shape == (5, 48, 64, 3)
    assert frames(film(resolution="48x64")).shape == (5, 64, 48, 3)


def test_a_duration_becomes_frames_by_the_rule(film: Film) -> None:
    output = film(duration=0.5, steps=1)
    assert len(frames(output)) == 9
    assert (output.effective["frames"], output.effective["duration"]) == (9, 0.5625)


def test_neighbouring_frames_differ_a_little_and_far_ones_more(film: Film) -> None:
    shown = frames(film(frames=33, steps=4)).astype(int)
    steps = np.abs(np.diff(shown, axis=0)).mean(axis=(1, 2, 3))
    assert (steps > 0).all()
    assert np.abs(shown[-1] - shown[0]).mean() > steps.mean()


def test_the_same_seed_gives_the_same_video_and_another_one_another(film: Film) -> None:
    assert pixels(film(seeds=(7,))) == pixels(film(seeds=(7,)))
    assert pixels(film(seeds=(7,))) != pixels(film(seeds=(8,)))


def test_each_picture_of_a_batch_is_the_picture_of_its_own_seed(paint: Film) -> None:
    batch = paint(seeds=(7, 8, 9))
    assert [(one.index, one.seed) for one in batch.artifacts] == [(0, 7), (1, 8), (2, 9)]
    assert [pixels(batch, index) for index in range(3)] == [pixels(paint(seeds=(s,))) for s in (7, 8, 9)]
    check_artifacts(batch.artifacts, seeds=(7, 8, 9), size=Resolution(64, 48), length=None)


def test_without_guidance_every_scale_up_to_one_is_the_same(film: Film) -> None:
    none = film(guidance=0.0)
    assert pixels(none) == pixels(film(guidance=1.0))
    assert none.effective["guidance"] == 1.0


def test_an_empty_negative_prompt_is_no_negative_prompt(film: Film) -> None:
    assert pixels(film(negative_prompt="")) == pixels(film(negative_prompt=None))


def test_the_checkpoints_own_flow_shift_is_used_unless_another_is_wanted(film: Film) -> None:
    own = film()
    assert own.effective["flow_shift"] == 3.0
    assert pixels(own) == pixels(film(flow_shift=3.0))
    assert film(flow_shift=8.0).effective["flow_shift"] == 8.0


@pytest.mark.parametrize("steps", [1, 2, 12])
def test_any_number_of_steps_gives_a_video(film: Film, steps: int) -> None:
    check_artifacts(
        film(steps=steps).artifacts, seeds=(7,), size=Resolution(64, 48), length=VideoLength(5, 16)
    )


def test_steps_are_counted_over_all_pictures(paint: Film, context: Context) -> None:
    paint(seeds=(1, 2), steps=3)
    denoised = [("denoise", step, 6) for step in range(1, 7)]
    assert context.seen == [*denoised, *[("decode", step, 2) for step in range(3)]]


def test_a_cancelled_job_stops_before_anything_is_decoded(film: Film, context: Context) -> None:
    expected = pixels(film())
    context.raises_at, context.error = 0, JobCancelled("the user said so")
    with pytest.raises(JobCancelled):
        film()
    assert context.seen[-1] == ("decode", 0, 1)
    context.error = None
    assert pixels(film()) == expected


def test_a_cancelled_job_stops_at_that_step_and_leaves_nothing(film: Film, context: Context) -> None:
    expected = pixels(film())
    context.seen.clear()
    context.raises_at, context.error = 2, JobCancelled("the user said so")
    with pytest.raises(JobCancelled):
        film(steps=20)
    assert len(context.seen) == 2
    context.error = None
    assert pixels(film()) == expected


@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_a_prompt_that_is_too_long_is_refused_with_its_count(film: Film, name: str, context: Context) -> None:
    assert film(**{name: "tree " * 511}, steps=1)
    context.seen.clear()
    with pytest.raises(PromptTooLong, match=f"{name}: 512 tokens, expected at most 511"):
        film(**{name: "tree " * 512})
    assert context.seen == []


def test_the_last_of_many_words_is_read_as_well(film: Film) -> None:
    many = "tree " * 400
    assert pixels(film(prompt=many + "lighthouse")) != pixels(film(prompt=many + "snow"))


def test_a_prompt_counts_as_it_is_read_once_it_is_cleaned(film: Film) -> None:
    # Two ampersands written for a web page, twice over, are two letters.
    assert pixels(film(prompt="boats &amp;amp; waves")) == pixels(film(prompt="boats & waves"))
    assert film(prompt="&amp;amp; " * 200, steps=1)


def test_effective_parameters_say_what_was_really_used(film: Film, paint: Film) -> None:
    video = film(negative_prompt="fog", deterministic=False)
    assert video.effective == {
        "prompt": "a lighthouse at dusk",
        "negative_prompt": "fog",
        "seeds": [7],
        "resolution": "64x48",
        "frames": 5,
        "fps": 16,
        "duration": 0.3125,
        "steps": 2,
        "guidance": 5.0,
        "scheduler": "unipc",
        "scheduler_class": "UniPCMultistepScheduler",
        "flow_shift": 3.0,
        # The CPU has no other algorithms.
        "deterministic": True,
        "precision": "fp32",
        "device": "cpu",
    }
    assert set(video.seconds) == {"text", "denoise", "decode"}
    picture = paint(seeds=(7, 8)).effective
    assert (picture["seeds"], picture["frames"], picture["fps"], picture["duration"]) == (
        [7, 8],
        1,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        ("video", {"frames": 1}, "frames: 1, expected 5 or more in a video"),
        ("video", {}, "frames: 1, expected 5 or more in a video"),
        ("image", {"frames": 5}, "frames: 5, expected 1 in a picture"),
    ],
)
def test_a_length_that_the_content_cannot_have_is_refused(
    model: Model[WanParameters], context: Context, content: Any, changes: dict[str, Any], message: str
) -> None:
    request = GenerationRequest(job_type=job_type(content), parameters=parameters(**changes), seeds=(7,))
    with pytest.raises(ParameterRefused, match=message):
        model.generate(request, context)


def test_an_input_is_refused_instead_of_ignored(model: Model[WanParameters], context: Context) -> None:
    request = GenerationRequest(
        job_type=job_type(),
        parameters=parameters(frames=5),
        seeds=(7,),
        inputs={"first_frame": Path("photo.png")},
    )
    with pytest.raises(ParameterRefused, match="inputs: found first_frame"):
        model.generate(request, context)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 83}, "frames: 83, expected 4k.1 with this checkpoint"),
        ({"frames": 5, "resolution": Resolution(72, 48)}, "a width of 72, expected one that 16 divides"),
        ({"frames": 5, "resolution": Resolution(64, 40)}, "a height of 40, expected one that 16 divides"),
        ({"frames": 4097}, "1025 latent places in a row, expected at most 1024"),
    ],
)
def test_what_the_pipeline_would_round_is_refused_even_if_nobody_checked_it_before(
    model: Model[WanParameters], context: Context, changes: dict[str, Any], message: str
) -> None:
    unchecked = parameters().model_copy(update=changes)
    request = GenerationRequest(job_type=job_type(), parameters=unchecked, seeds=(7,))
    with pytest.raises(ParameterRefused, match=message):
        model.generate(request, context)


def test_nothing_is_rounded_or_cut_by_the_library(film: Film, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="diffusers"):
        film(frames=13, prompt="tree " * 300, steps=1)
    assert caplog.records == []


def test_unloading_gives_the_memory_back(checkpoint: Path) -> None:
    import gc
    import weakref

    model: Any = load_from(checkpoint)
    part = weakref.ref(model._pipeline.transformer)
    model.unload()
    gc.collect()
    assert part() is None


def test_a_video_in_bf16_is_nearly_that_in_fp32(checkpoint: Path, film: Film, context: Context) -> None:
    half = load_from(checkpoint, "bf16")
    request = GenerationRequest(job_type=job_type(), parameters=parameters(frames=5), seeds=(7,))
    output = half.generate(request, context)
    assert output.effective["precision"] == "bf16"
    assert np.abs(frames(output).astype(int) - frames(film()).astype(int)).mean() < 16
    assert torch.get_default_dtype() == torch.float32
