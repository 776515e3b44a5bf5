"""Image to image on a small checkpoint: what text to image promises holds, and the picture is known again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL.Image import Image
from PIL.Image import new as new_image

from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.family import (
    GenerationRequest,
    JobCancelled,
    LoadContext,
    Model,
    Output,
    OutputInvalid,
)
from ourvidz.plugins.init_images.header import InputInvalid
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.init_latents import InitLatents
from ourvidz.plugins.sdxl.parameters import SdxlParameters
from ourvidz.plugins.sdxl.pipeline import SdxlModel
from ourvidz.plugins.sdxl.schedulers import SAMPLERS
from ourvidz.runtime.making.outputs import check_artifacts
from ourvidz.spec.job_type import InitImage
from ourvidz.spec.settings import ModelEntry
from ourvidz.spec.units import Resolution
from tests.plugins.init_images.files import landscape
from tests.plugins.sdxl.conftest import Context, job_type, parameters, picture, pixels

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

Repaint = Callable[..., Output]
SPEC = job_type(requires="init_image_upload", strength=0.5)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    landscape(300, 200).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def repaint(model: Model[SdxlParameters], context: Context, photo: Path) -> Repaint:
    """Repaints the photo with the session's model: ``repaint(seeds=(7,), strength=0.3)``."""

    def repaint(
        *, seeds: tuple[int, ...] = (7,), file: Path = photo, fit: str = "crop", **changes: object
    ) -> Output:
        wanted = parameters(**{"num_images": len(seeds), "steps": 4, "strength": 0.5} | changes)
        spec = SPEC.model_copy(update={"init_image": InitImage.model_validate({"fit": fit})})
        request = GenerationRequest(
            job_type=spec, parameters=wanted, seeds=seeds, inputs={"init_image": file}
        )
        return model.generate(request, context)

    return repaint


def likeness(one: Image, other: Image) -> float:
    """Correlation of two pictures' brightness, 1 for equal ones."""
    first, second = (np.asarray(each.convert("L"), dtype=np.float64).ravel() for each in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def test_the_less_is_repainted_the_more_of_the_picture_is_left(repaint: Repaint, tmp_path: Path) -> None:
    walls = new_image("RGB", (128, 128), (240, 230, 200))
    for left in (0, 64):
        walls.paste((40, 60, 110), (left, 0, left + 32, 128))
    walls.save(tmp_path / "walls.png")
    little, much, all_of_it = (
        likeness(picture(repaint(file=tmp_path / "walls.png", steps=10, strength=strength)), walls)
        for strength in (0.1, 0.6, 1.0)
    )
    assert little > much > all_of_it
    assert little > 0.7
    assert all_of_it < 0.4


def test_the_same_seed_gives_the_same_pixels_and_another_one_others(repaint: Repaint) -> None:
    assert pixels(repaint()) == pixels(repaint())
    assert pixels(repaint()) != pixels(repaint(seeds=(8,)))


def test_each_image_of_a_batch_is_the_image_of_its_own_seed(repaint: Repaint) -> None:
    batch = repaint(seeds=(7, 8, 9))
    assert [pixels(batch, index) for index in range(3)] == [pixels(repaint(seeds=(s,))) for s in (7, 8, 9)]


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a quiet forest in winter"},
        {"negative_prompt": "blurry"},
        {"scheduler": "euler_ancestral"},
        {"steps": 8},
        {"strength": 0.75},
        {"guidance": 7.5},
        {"guidance": 1.0},
        {"fit": "pad"},
        {"fit": "stretch"},
        {"resolution": "128x192"},
    ],
    ids=str,
)
def test_everything_that_is_asked_for_shows(repaint: Repaint, change: dict[str, object]) -> None:
    assert pixels(repaint(**change)) != pixels(repaint())


@pytest.mark.parametrize(("strength", "negative"), [(0.5, None), (1.0, "blurry")])
def test_it_paints_what_diffusers_own_pipeline_paints(
    checkpoint: Path, repaint: Repaint, tmp_path: Path, strength: float, negative: str | None
) -> None:
    import torch
    from diffusers import StableDiffusionXLImg2ImgPipeline

    landscape(128, 128).save(tmp_path / "square.png")
    with quiet_libraries():
        reference = StableDiffusionXLImg2ImgPipeline.from_pretrained(
            checkpoint, local_files_only=True, add_watermarker=False
        )
    reference.set_progress_bar_config(disable=True)
    expected = reference(
        "a lighthouse at dusk",
        negative_prompt=negative,
        image=landscape(128, 128),
        strength=strength,
        num_inference_steps=4,
        guidance_scale=6.0,
        generator=torch.Generator().manual_seed(7),
    ).images[0]
    for seed, is_near in ((7, True), (8, False)):
        output = repaint(
            file=tmp_path / "square.png", seeds=(seed,), strength=strength, negative_prompt=negative
        )
        levels = (np.asarray(one, dtype=np.int16) for one in (picture(output), expected))
        difference = np.abs(np.subtract(*levels)).max()
        assert (difference <= 1) == is_near, f"{difference} levels apart"


def test_another_picture_gives_another_picture(repaint: Repaint, tmp_path: Path) -> None:
    landscape(300, 200).rotate(180).save(tmp_path / "other.png")
    assert pixels(repaint(file=tmp_path / "other.png")) != pixels(repaint())


@pytest.mark.parametrize("scheduler", SAMPLERS)
@pytest.mark.parametrize(("steps", "strength"), [(1, 1.0), (6, 0.5), (10, 0.19)])
def test_every_sampler_runs_the_steps_that_strength_leaves(
    repaint: Repaint, context: Context, scheduler: str, steps: int, strength: float
) -> None:
    output = repaint(scheduler=scheduler, steps=steps, strength=strength, resolution="64x64")
    check_artifacts(output.artifacts, seeds=(7,), size=Resolution(64, 64))
    run = int(steps * strength)
    assert (output.effective["steps"], output.effective["steps_run"]) == (steps, run)
    # A sampler of second order looks twice in each step but the last.
    looks = 2 * run - 1 if scheduler == "heun" else run
    denoised = [one for one in context.seen if one[0] == "denoise"]
    assert denoised == [("denoise", look, looks) for look in range(1, looks + 1)]


def test_steps_are_counted_over_all_images(repaint: Repaint, context: Context) -> None:
    repaint(seeds=(1, 2), steps=6, strength=0.5)
    denoised = [("denoise", step, 6) for step in range(1, 7)]
    assert context.seen == [*denoised, *[("decode", step, 2) for step in range(3)]]


def test_a_cancelled_job_stops_at_that_step(repaint: Repaint, context: Context) -> None:
    expected = pixels(repaint())
    context.seen.clear()
    context.raises_at, context.error = 2, JobCancelled("the user said so")
    with pytest.raises(JobCancelled):
        repaint(steps=20)
    assert len(context.seen) == 2
    context.error = None
    assert pixels(repaint()) == expected


def test_text_to_image_and_image_to_image_leave_nothing_for_each_other(
    repaint: Repaint, paint: Repaint
) -> None:
    painted, repainted = pixels(paint()), pixels(repaint())
    assert pixels(paint()) == painted
    assert pixels(repaint()) == repainted


def test_both_are_made_of_the_very_same_parts(model: Model[SdxlParameters]) -> None:
    assert isinstance(model, SdxlModel)
    first, second = model._pipeline.components, model._repainting.components
    weights = ("unet", "vae", "text_encoder", "text_encoder_2")
    assert all(first[name] is second[name] for name in weights)


def test_the_result_says_what_was_repainted_and_how_much_of_it(repaint: Repaint, photo: Path) -> None:
    output = repaint(steps=20, strength=0.19, fit="pad")
    assert output.effective["strength"] == 0.19
    assert (output.effective["steps"], output.effective["steps_run"]) == (20, 3)
    assert output.effective["init_image"] == {
        "sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
        "type": "image/png",
        "size": "300x200",
        "fit": "pad",
    }
    assert set(output.seconds) == {"init_image", "text", "denoise", "decode"}


def test_what_the_encoder_draws_follows_the_seed(model: Model[SdxlParameters]) -> None:
    import torch

    assert isinstance(model, SdxlModel)
    with torch.inference_mode():
        init = InitLatents(model._pipeline.vae, landscape(64, 64))
        one, again, other = (init.sample(torch.Generator().manual_seed(seed)) for seed in (7, 7, 8))
    assert one.shape == (1, 4, 8, 8)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_vae_that_must_not_be_rounded_encodes_in_fp32_and_is_left_as_it_was(
    checkpoint: Path, context: Context, photo: Path
) -> None:
    import torch

    entry = ModelEntry(family="sdxl", location=str(checkpoint))
    model = SdxlFamily().load(LoadContext(model=entry, device="cpu", precision="bf16", root=Path("/")))
    assert isinstance(model, SdxlModel)
    vae = model._pipeline.vae
    before = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    with torch.inference_mode():
        init = InitLatents(vae, landscape(64, 64))
        assert init.sample(torch.Generator().manual_seed(7)).dtype == torch.float32
    request = GenerationRequest(
        job_type=SPEC,
        parameters=parameters(strength=0.5, steps=2),
        seeds=(7,),
        inputs={"init_image": photo},
    )
    check_artifacts(model.generate(request, context).artifacts, seeds=(7,), size=Resolution(128, 128))
    after = vae.state_dict()
    assert all(after[name].dtype == torch.bfloat16 for name in before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_an_encoder_that_makes_no_numbers_gives_no_picture(
    model: Model[SdxlParameters], repaint: Repaint
) -> None:
    import torch

    assert isinstance(model, SdxlModel)
    bias = model._pipeline.vae.encoder.conv_in.bias
    before = bias.detach().clone()
    with torch.no_grad():
        bias.fill_(float("nan"))
    try:
        with pytest.raises(OutputInvalid, match="latents of the init image are not numbers"):
            repaint()
    finally:
        with torch.no_grad():
            bias.copy_(before)


def test_a_file_that_is_no_picture_is_refused_before_anything_is_made(
    repaint: Repaint, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "page.png").write_text("<html>404</html>")
    with pytest.raises(InputInvalid, match=r"inputs.init_image: found an HTML page"):
        repaint(file=tmp_path / "page.png")
    assert context.seen == []


@pytest.mark.parametrize(("strength", "has_image"), [(None, True), (0.5, False)])
def test_a_strength_and_an_init_image_need_each_other(
    model: Model[SdxlParameters], context: Context, photo: Path, strength: float | None, has_image: bool
) -> None:
    request = GenerationRequest(
        job_type=SPEC,
        parameters=parameters(strength=strength),
        seeds=(7,),
        inputs={"init_image": photo} if has_image else {},
    )
    with pytest.raises(ParameterRefused, match="expected both or neither"):
        model.generate(request, context)


def test_premium_size_is_repainted(repaint: Repaint) -> None:
    output = repaint(resolution="1280x1280", steps=1, strength=1.0, guidance=1.0)
    check_artifacts(output.artifacts, seeds=(7,), size=Resolution(1280, 1280))
