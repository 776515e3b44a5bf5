"""SDXL checkpoints in a single file: the same picture as from a folder, and what is said of other files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file

from ourvidz.plugins.checkpoints.finding import ComponentsMissing
from ourvidz.plugins.family import (
    DigestMismatch,
    GenerationRequest,
    LoadContext,
    Model,
    ModelInvalid,
    ModelMissing,
)
from ourvidz.plugins.sdxl import published
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.original import sort_tensors
from ourvidz.plugins.sdxl.parameters import SdxlParameters
from ourvidz.plugins.sdxl.single_file_weights import SingleFileWeights
from ourvidz.plugins.shared_parts import SharedParts
from ourvidz.spec.settings import ModelEntry, Precision
from tests.plugins.sdxl.conftest import Context, job_type, parameters, pixels
from tests.plugins.sdxl.original_layout import original_names, unet_modules, vae_modules, write_single_file

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


def entry(location: Path | str, components: Path | str | None, **changes: object) -> ModelEntry:
    values = {"family": "sdxl", "location": str(location), "components": components and str(components)}
    return ModelEntry.model_validate(values | changes)


def load(
    model: ModelEntry,
    *,
    root: Path = Path("/"),
    precision: Precision | None = None,
    shared: SharedParts | None = None,
) -> Model[SdxlParameters]:
    context = LoadContext(
        model=model, device="cpu", precision=precision, root=root, shared=shared or SharedParts()
    )
    return SdxlFamily().load(context)


def painted(model: Model[SdxlParameters], folder: Path) -> bytes:
    request = GenerationRequest(job_type=job_type(), parameters=parameters(), seeds=(7,))
    return pixels(model.generate(request, Context(folder)))


def write(tensors: dict[str, torch.Tensor], path: Path) -> Path:
    save_file(tensors, path)
    return path


@pytest.fixture(scope="module")
def single(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small checkpoint as a single file, not to be changed."""
    return write_single_file(checkpoint, tmp_path_factory.mktemp("single") / "posters.safetensors")


@pytest.fixture
def components(checkpoint: Path, tmp_path: Path) -> Path:
    """The small checkpoint without its weights."""
    return Path(
        shutil.copytree(checkpoint, tmp_path / "parts", ignore=shutil.ignore_patterns("*.safetensors"))
    )


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


def test_a_single_file_paints_the_folders_picture_to_the_bit(
    single: Path, components: Path, model: Model[SdxlParameters], tmp_path: Path
) -> None:
    from_file = load(entry(single.name, components), root=single.parent)
    assert painted(from_file, tmp_path) == painted(model, tmp_path)


def test_a_file_in_half_precision_paints_what_a_folder_of_its_numbers_paints(
    checkpoint: Path, components: Path, tmp_path: Path
) -> None:
    file = write_single_file(checkpoint, tmp_path / "half.safetensors", torch.float16)
    folder = Path(shutil.copytree(checkpoint, tmp_path / "half"))
    for path in folder.glob("*/*.safetensors"):
        halves = {name: tensor.half() for name, tensor in load_file(path).items()}
        save_file(halves, path, metadata={"format": "pt"})
    from_file, from_folder = load(entry(file, components)), load(entry(folder, None))
    assert painted(from_file, tmp_path) == painted(from_folder, tmp_path)


def test_the_vae_of_a_file_stays_in_fp32_under_fp16_like_that_of_a_folder(
    single: Path, components: Path
) -> None:
    fingerprint = load(entry(single, components), precision="fp16").fingerprint
    assert fingerprint["precision"] == "fp16"
    assert isinstance(fingerprint["options"], dict)
    assert fingerprint["options"]["vae_precision"] == "fp32"


def test_a_second_model_of_the_same_file_loads_no_weights_again(
    single: Path, components: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = SharedParts()
    first = load(entry(single, components), shared=shared)

    def refuse(*_: object) -> object:
        raise AssertionError("loaded again")

    monkeypatch.setattr(SingleFileWeights, "load", refuse)
    second = load(entry(single, components), shared=shared)
    assert second.fingerprint == first.fingerprint


def test_the_file_has_what_diffusers_own_reader_reads(checkpoint: Path, single: Path) -> None:
    """Of the parts that it can tell by their names; this checks the tests' own writer."""
    for part, part_class in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL)):
        read = part_class.from_single_file(
            str(single), config=str(checkpoint), subfolder=part, local_files_only=True
        ).state_dict()
        expected = load_file(checkpoint / part / "diffusion_pytorch_model.safetensors")
        assert read.keys() == expected.keys()
        assert all(torch.equal(tensor, expected[name]) for name, tensor in read.items())


def test_what_training_left_behind_does_not_matter(
    single: Path, components: Path, model: Model[SdxlParameters], tmp_path: Path
) -> None:
    left = {
        "model_ema.diffusion_modelinput_blocks00weight": torch.ones(3),
        "first_stage_model.loss.logvar": torch.ones(1),
        "alphas_cumprod": torch.ones(1000),
        "denoiser.sigmas": torch.ones(1000),
    }
    file = write(load_file(single) | left, tmp_path / "left.safetensors")
    assert painted(load(entry(file, components)), tmp_path) == painted(model, tmp_path)


def without(prefix: str) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    return lambda tensors: {name: one for name, one in tensors.items() if not name.startswith(prefix)}


FOURTH_LAYER = "conditioner.embedders.0.transformer.text_model.encoder.layers.3.mlp.fc1.bias"
FIRST = "model.diffusion_model.input_blocks.0.0.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("first_stage_model."), r"has no vae \(tensors first_stage_model\.…\)"),
        (without("conditioner.embedders.1."), r"has no text_encoder_2 \(tensors conditioner"),
        (
            without("first_stage_model.encoder.conv_in."),
            r"lacks 2 tensors of a AutoencoderKL.*encoder.conv_in",
        ),
        (
            without("conditioner.embedders.1.model.text_projection"),
            r"lacks 1 tensors of a CLIPTextModelWithProjection.*text_projection.weight",
        ),
        (without("model.diffusion_model.out.2.bias"), r"lacks 1 tensors of a UNet2D.*conv_out.bias"),
        (
            lambda tensors: tensors | {"model.diffusion_model.adapter.weight": torch.ones(2)},
            r"has 1 tensors that are none of SDXL's, such as model.diffusion_model.adapter.weight",
        ),
        (
            lambda tensors: tensors | {FOURTH_LAYER: torch.ones(2)},
            r"has 1 tensors that a CLIPTextModel with .* does not have.*layers.3.mlp.fc1.bias",
        ),
        (
            lambda tensors: tensors | {"model.diffusion_model.out.2.bias": torch.ones(5)},
            r"conv_out.bias has the shape \[5\], expected \[4\]",
        ),
        (lambda tensors: tensors | {FIRST: torch.ones(16, 9, 3, 3)}, "looks like a UNet for inpainting"),
        (lambda tensors: tensors | {FIRST: torch.ones(16, 8, 3, 3)}, "looks like a UNet for editing"),
        (lambda tensors: tensors | {"v_pred": torch.ones(0)}, "trained with prediction_type: v_prediction"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_names_the_tensors(
    single: Path,
    components: Path,
    tmp_path: Path,
    change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
    message: str,
) -> None:
    file = write(change(load_file(single)), tmp_path / "broken.safetensors")
    with pytest.raises(ModelInvalid, match=f"{file}.*{message}|{file}: {message}"):
        load(entry(file, components))


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (
            ["cond_stage_model.transformer.text_model.final_layer_norm.weight", FIRST],
            "Stable Diffusion 1",
        ),
        (["cond_stage_model.model.ln_final.weight", FIRST], "Stable Diffusion 2"),
        (["conditioner.embedders.0.model.ln_final.weight", FIRST], "SDXL's refiner"),
        (["lora_unet_down_blocks_1_attentions_0_proj_in.lora_down.weight"], "a LoRA"),
        (["unet.down_blocks.1.attentions.0.proj_in.lora_A.weight"], "a LoRA"),
        (["blocks.0.self_attn.q.weight", "patch_embedding.weight"], "a transformer of WAN in its original"),
        (["condition_embedder.time_embedder.linear_1.weight"], "a transformer of WAN, one part of a folder"),
        (["down_blocks.0.resnets.0.conv1.weight"], "a UNet, one part of a folder"),
        (["model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight"], "Stable Diffusion 3"),
        (["double_blocks.0.img_attn.qkv.weight"], "FLUX"),
        (["encoder.conv_in.weight"], "a VAE without anything else"),
        (["a", "b"], "nothing that is known here; it has 2 tensors, such as a, b"),
    ],
)
def test_a_file_of_another_architecture_is_told_by_what_it_looks_like(
    components: Path, tmp_path: Path, names: list[str], kind: str
) -> None:
    file = write({name: torch.ones(4, 4, 3, 3) for name in names}, tmp_path / "other.safetensors")
    with pytest.raises(ModelInvalid, match=rf"{file} looks like {kind}.*; expected an SDXL checkpoint"):
        load(entry(file, components))


def test_a_file_that_was_cut_off_is_noticed_before_anything_is_loaded(
    single: Path, components: Path, tmp_path: Path
) -> None:
    file = tmp_path / "cut.safetensors"
    file.write_bytes(single.read_bytes()[:-1000])
    with pytest.raises(ModelInvalid, match=f"{file} has .* bytes, expected"):
        load(entry(file, components))


@pytest.mark.parametrize("ending", [".ckpt", ".pth", ".pt", ".bin"])
def test_a_file_that_may_be_pickled_is_refused_unread(components: Path, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"posters{ending}"
    file.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ModelInvalid, match="may be pickled"):
        load(entry(file, components))


def test_a_file_that_is_not_there_is_never_taken_for_something_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=f"looked for the file {tmp_path}/checkpoints/posters.safetensors"):
        load(entry("checkpoints/posters.safetensors", None), root=tmp_path)


def test_components_of_the_family_come_from_the_cache(
    single: Path, components: Path, nowhere: Path, model: Model[SdxlParameters], tmp_path: Path
) -> None:
    repository = nowhere / "models--stabilityai--stable-diffusion-xl-base-1.0"
    shutil.copytree(components, repository / "snapshots" / "1234")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1234")
    assert painted(load(entry(single, None)), tmp_path) == painted(model, tmp_path)


def test_missing_components_say_where_they_were_looked_for_and_what_to_write(
    single: Path, nowhere: Path
) -> None:
    with pytest.raises(ComponentsMissing) as refusal:
        load(entry(single, None))
    message = str(refusal.value)
    assert (
        f"looked for stabilityai/stable-diffusion-xl-base-1.0 in the hub's local cache {nowhere}" in message
    )
    assert "ourvidz.yaml (models: … components:)" in message


@pytest.mark.usefixtures("nowhere")
def test_missing_components_that_are_named_are_looked_for_as_a_folder_and_on_the_hub(
    single: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ComponentsMissing, match=f"the folder {tmp_path}/somebody/parts and somebody/parts in "
    ):
        load(entry(single, "somebody/parts"), root=tmp_path)
    with pytest.raises(ComponentsMissing, match=rf"looked for the folder {tmp_path}/parts\. "):
        load(entry(single, "parts"), root=tmp_path)


def test_incomplete_components_name_the_file(single: Path, components: Path) -> None:
    (components / "tokenizer_2/merges.txt").unlink()
    with pytest.raises(ModelInvalid, match=r"tokenizer_2/merges.txt is missing"):
        load(entry(single, components))


def edit(path: Path, **changes: object) -> None:
    """Change settings; None leaves one out."""
    changed = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in changed.items() if value is not None}))


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("unet", "layers_per_block", None),
        ("unet", "layers_per_block", "1"),
        ("unet", "layers_per_block", -1),
        ("unet", "layers_per_block", 0),
        ("unet", "layers_per_block", True),
        ("unet", "layers_per_block", [1, 1]),
        ("vae", "up_block_types", None),
        ("vae", "up_block_types", 4),
        ("vae", "up_block_types", []),
        ("vae", "up_block_types", "UpDecoderBlock2D"),
    ],
)
def test_settings_that_lack_what_names_follow_from_are_named_with_the_key(
    single: Path, components: Path, part: str, key: str, value: object
) -> None:
    edit(components / part / "config.json", **{key: value})
    with pytest.raises(ModelInvalid, match=f"{components}/{part}/config.json: {key} is .*, expected"):
        SdxlFamily().inspect(entry(single, components), Path("/"))


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("unet", {"block_out_channels": 5}),
        ("unet", {"attention_head_dim": 0}),
        ("unet", {"down_block_types": ["NoSuchBlock"] * 3}),
        ("vae", {"block_out_channels": "wide"}),
        ("vae", {"norm_num_groups": 0}),
        ("text_encoder", {"num_attention_heads": 0}),
        ("text_encoder_2", {"hidden_size": "wide"}),
    ],
)
def test_settings_of_which_no_part_can_be_made_are_named_when_loading_and_converting(
    single: Path, components: Path, tmp_path: Path, part: str, changes: dict[str, object]
) -> None:
    edit(components / part / "config.json", **changes)
    with pytest.raises(ModelInvalid, match=f"{components / part}"):
        load(entry(single, components))
    with pytest.raises(ModelInvalid, match=f"{part}/config.json|{single}"):
        SdxlFamily().convert(
            single,
            tmp_path / "converted",
            precision=None,
            components=str(components),
            progress=lambda *_: None,
        )


@pytest.mark.parametrize(
    "name",
    [
        "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight",
        "conditioner.embedders.1.model.text_projection",
        "first_stage_model.encoder.mid.attn_1.q.weight",
        "model.diffusion_model.time_embed.0.weight",
    ],
)
@pytest.mark.parametrize("shape", [(), (7,)])
def test_a_tensor_of_too_few_dimensions_is_named_when_loading_and_converting(
    single: Path, components: Path, tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    file = write(load_file(single) | {name: torch.ones(shape)}, tmp_path / "bent.safetensors")
    with pytest.raises(ModelInvalid, match=f"{file}.* has the shape"):
        load(entry(file, components))
    with pytest.raises(ModelInvalid, match=f"{file}.* has the shape"):
        SdxlFamily().convert(
            file, tmp_path / "out", precision=None, components=str(components), progress=lambda *_: None
        )


def test_components_beside_a_folder_are_refused_instead_of_ignored(
    checkpoint: Path, components: Path
) -> None:
    with pytest.raises(ModelInvalid, match="leave components out"):
        load(entry(checkpoint, components))


def test_the_digest_is_that_of_weights_and_components_whatever_the_file_is_called(
    single: Path, components: Path, tmp_path: Path
) -> None:
    def digest(file: Path) -> object:
        return load(entry(file, components)).fingerprint["checkpoint"]

    before = digest(single)
    assert digest(Path(shutil.copy(single, tmp_path / "renamed.safetensors"))) == before
    config = components / "scheduler/scheduler_config.json"
    config.write_text(config.read_text().replace("0.012", "0.013"))
    assert digest(single) != before


def test_another_digest_than_the_settings_name_is_refused(single: Path, components: Path) -> None:
    found = load(entry(single, components)).fingerprint["checkpoint"]
    load(entry(single, components, digest=found))
    wrong = "sha256:" + "0" * 64
    with pytest.raises(DigestMismatch, match=f"found {found}, expected {wrong}") as refusal:
        load(entry(single, components, digest=wrong))
    assert refusal.value.code == "digest_mismatch"


def test_every_tensor_of_the_published_model_has_its_place() -> None:
    """By names; 1680 and 248 are the tensors that the published file has of UNet and VAE."""
    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**published.UNET), AutoencoderKL(**published.VAE)
    unet_names = original_names(unet.state_dict(), unet_modules(published.UNET["layers_per_block"]))
    vae_names = original_names(vae.state_dict(), vae_modules())
    names = [f"model.diffusion_model.{name}" for name in unet_names.values()]
    names += [f"first_stage_model.{name}" for name in vae_names.values()]
    found = sort_tensors(
        names, layers=published.UNET["layers_per_block"], levels=len(published.VAE["up_block_types"])
    )
    assert not found.unknown
    assert found.parts["unet"].keys() == unet.state_dict().keys()
    assert found.parts["vae"].keys() == vae.state_dict().keys()
    assert (len(found.parts["unet"]), len(found.parts["vae"])) == (1680, 248)
