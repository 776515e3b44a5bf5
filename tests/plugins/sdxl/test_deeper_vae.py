"""A checkpoint whose VAE goes one level deeper than SDXL's: 16×16 pixels become one latent of 16 channels."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file

from ourvidz.plugins.checkpoints.checking import inspect
from ourvidz.plugins.family import GenerationRequest, Model, ModelInvalid
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.parameters import SdxlParameters
from ourvidz.runtime.making.outputs import check_artifacts
from ourvidz.spec.settings import ModelEntry
from ourvidz.spec.units import parse_resolution
from tests.plugins.init_images.files import landscape
from tests.plugins.sdxl.conftest import Context, job_type, load_from, parameters, pixels
from tests.plugins.sdxl.original_layout import write_single_file

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

CHANNELS = 16


@pytest.fixture(scope="module")
def deeper(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small checkpoint with another VAE, and a UNet that fits it."""
    import torch

    folder = Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("deeper") / "small"))
    unet = UNet2DConditionModel.load_config(folder / "unet")
    torch.manual_seed(0)
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 5,
        up_block_types=("UpDecoderBlock2D",) * 5,
        block_out_channels=(8, 8, 16, 16, 16),
        layers_per_block=1,
        norm_num_groups=2,
        latent_channels=CHANNELS,
    )
    vae.save_pretrained(folder / "vae")
    sized = {**unet, "in_channels": CHANNELS, "out_channels": CHANNELS}
    UNet2DConditionModel.from_config(sized).save_pretrained(folder / "unet")
    return folder


@pytest.fixture(scope="module")
def model(deeper: Path) -> Model[SdxlParameters]:
    return load_from(deeper)


def request(photo: Path | None = None, **changes: object) -> GenerationRequest[SdxlParameters]:
    spec = job_type() if photo is None else job_type(requires="init_image_upload", strength=0.5)
    return GenerationRequest(
        job_type=spec,
        parameters=parameters(**changes),
        seeds=(7,),
        inputs={} if photo is None else {"init_image": photo},
    )


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    landscape(300, 200).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.mark.parametrize("size", ["64x64", "128x144"])
def test_it_paints_from_text_and_from_a_picture(
    model: Model[SdxlParameters], context: Context, photo: Path, size: str
) -> None:
    painted = model.generate(request(resolution=size), context)
    repainted = model.generate(request(photo, resolution=size, strength=0.7), context)
    for output in (painted, repainted):
        check_artifacts(output.artifacts, seeds=(7,), size=parse_resolution(size))
    assert pixels(painted) != pixels(repainted)


@pytest.mark.parametrize("size", ["128x136", "72x128"])
@pytest.mark.parametrize("repainting", [False, True])
def test_a_size_that_its_vae_cannot_make_is_refused_before_any_work(
    model: Model[SdxlParameters], context: Context, tmp_path: Path, size: str, repainting: bool
) -> None:
    asked = request(resolution=size)
    if repainting:
        asked = request(tmp_path / "is-not-read.png", resolution=size, strength=0.5)
    with pytest.raises(ParameterRefused) as refusal:
        model.generate(asked, context)
    assert str(refusal.value) == (
        f"resolution: found {size}, expected a width and a height that 16 divides, since this checkpoint's "
        "VAE turns 16x16 pixels into one latent; the nearest size is "
        + {"128x136": "128x128", "72x128": "64x128"}[size]
    )
    assert context.seen == []


def test_the_check_finds_no_problem(deeper: Path) -> None:
    entry = ModelEntry(family="sdxl", location=str(deeper))
    assert inspect(SdxlFamily(), entry, Path("/")).problems == ()


def test_a_single_file_of_it_paints_the_same_and_becomes_a_folder(
    deeper: Path, model: Model[SdxlParameters], context: Context, tmp_path: Path
) -> None:
    file = write_single_file(deeper, tmp_path / "deeper.safetensors")
    SdxlFamily().convert(
        file, tmp_path / "folder", precision=None, components=str(deeper), progress=lambda *_: None
    )
    expected = pixels(model.generate(request(), context))
    assert pixels(load_from(tmp_path / "folder").generate(request(), context)) == expected


def test_a_unet_of_other_latents_than_its_vae_is_not_taken_for_sdxl(deeper: Path, tmp_path: Path) -> None:
    file = write_single_file(deeper, tmp_path / "deeper.safetensors")
    tensors = load_file(file)
    name = "model.diffusion_model.input_blocks.0.0.weight"
    save_file(tensors | {name: tensors[name][:, :9].contiguous()}, file)
    with pytest.raises(ModelInvalid, match="looks like a UNet for inpainting"):
        load_from(file)
