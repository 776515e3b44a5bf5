"""How a WAN checkpoint comes into memory, and what is said of one that is not whole or not WAN 2.1."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ourvidz.plugins.checkpoints.digest import checkpoint_digest
from ourvidz.plugins.checkpoints.layout import read_checkpoint
from ourvidz.plugins.diffusion.devices import device_name
from ourvidz.plugins.diffusion.fingerprint import library_versions
from ourvidz.plugins.family import GenerationRequest, ModelInvalid, ModelMissing, OutputInvalid
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.plugins.wan.layout import LAYOUT
from ourvidz.plugins.wan.loading import default_precision
from ourvidz.spec.settings import ModelEntry
from tests.plugins.sdxl.conftest import Context
from tests.plugins.wan.conftest import job_type, load_from, parameters

TEXT_ENCODER = Path("text_encoder/model.safetensors")
TRANSFORMER = Path("transformer/diffusion_pytorch_model.safetensors")


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def inspect_at(folder: Path) -> None:
    WanFamily().inspect(ModelEntry(family="wan", location=str(folder)), Path())


def pipeline(folder: Path, precision: Any = None) -> Any:
    model: Any = load_from(folder, precision)
    return model._pipeline


def in_fp32(module: torch.nn.Module) -> set[str]:
    return {name for name, one in module.named_parameters() if one.dtype == torch.float32}


def test_the_default_is_bf16_on_a_gpu_and_fp32_elsewhere() -> None:
    assert default_precision(torch.device("cuda")) == "bf16"
    assert default_precision(torch.device("cpu")) == "fp32"


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_norms_time_embedding_scales_and_shifts_stay_in_fp32(checkpoint: Path, precision: Any) -> None:
    transformer = pipeline(checkpoint, precision).transformer
    kept = in_fp32(transformer)
    assert kept == {
        name
        for name, _ in transformer.named_parameters()
        if "scale_shift_table" in name or "time_embedder" in name or ".norm2." in name
    }
    assert {name.rsplit(".", 1)[-1] for name in kept} == {"scale_shift_table", "weight", "bias"}
    assert all(buffer.dtype.itemsize >= 4 for buffer in transformer.rope.buffers())


@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
def test_the_vae_is_in_fp32_always(checkpoint: Path, precision: Any) -> None:
    loaded = pipeline(checkpoint, precision)
    assert in_fp32(loaded.vae) == {name for name, _ in loaded.vae.named_parameters()}
    options = load_from(checkpoint, precision).fingerprint["options"]
    assert isinstance(options, dict)
    assert options["vae_precision"] == "fp32"


def test_the_text_encoders_wide_layers_stay_in_fp32_where_fp16_would_overflow(checkpoint: Path) -> None:
    wide = {name for name in in_fp32(pipeline(checkpoint, "fp16").text_encoder) if ".wo." in name}
    assert wide == in_fp32(pipeline(checkpoint, "fp16").text_encoder)
    assert wide
    assert in_fp32(pipeline(checkpoint, "bf16").text_encoder) == set()


@pytest.mark.parametrize(
    "names",
    [["shared.weight"], ["encoder.embed_tokens.weight"], ["shared.weight", "encoder.embed_tokens.weight"]],
)
@pytest.mark.parametrize("tied", [True, False])
def test_the_text_encoders_words_are_found_under_either_of_their_names(
    copy: Path, names: list[str], tied: bool
) -> None:
    # UMT5 was published with a setting that says "not tied" of the decoder that is left out here.
    edit(copy / "text_encoder" / "config.json", tie_word_embeddings=tied)
    tensors = load_file(copy / TEXT_ENCODER)
    words = tensors.pop("shared.weight")
    save_file(
        tensors | {name: words.clone() for name in names}, copy / TEXT_ENCODER, metadata={"format": "pt"}
    )
    encoder = pipeline(copy).text_encoder
    assert torch.equal(encoder.shared.weight, words)
    assert torch.equal(encoder.encoder.embed_tokens.weight, words)


def test_a_text_encoder_without_its_words_is_refused(copy: Path) -> None:
    tensors = load_file(copy / TEXT_ENCODER)
    del tensors["shared.weight"]
    save_file(tensors, copy / TEXT_ENCODER, metadata={"format": "pt"})
    with pytest.raises(ModelInvalid, match="text_encoder: its weights lack"):
        load_from(copy)


def test_the_tokenizer_reads_whole_words_and_ends_with_its_mark(checkpoint: Path) -> None:
    tokenizer = pipeline(checkpoint).tokenizer
    read = tokenizer.convert_ids_to_tokens(tokenizer("a lighthouse at dusk, 2 boats").input_ids)
    assert read == ["▁a", "▁lighthouse", "▁at", "▁dusk", ",", "▁", "2", "▁boat", "s", "</s>"]
    assert tokenizer.num_special_tokens_to_add() == 1
    assert tokenizer("", padding="max_length", max_length=3).input_ids == [1, 0, 0]


@pytest.mark.parametrize(
    "file",
    [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "text_encoder/config.json",
        "vae/config.json",
        str(TEXT_ENCODER),
        str(TRANSFORMER),
        "vae/diffusion_pytorch_model.safetensors",
    ],
)
def test_an_incomplete_checkpoint_names_the_file(copy: Path, file: str) -> None:
    (copy / file).unlink()
    with pytest.raises(ModelInvalid, match=rf"{copy / file}\b.* missing|{copy / file} is missing"):
        load_from(copy)


@pytest.mark.parametrize("file", [TEXT_ENCODER, TRANSFORMER], ids=str)
def test_weights_in_one_file_and_an_index_beside_it_are_refused(copy: Path, file: Path) -> None:
    index = copy / f"{file}.index.json"
    index.write_text(json.dumps({"weight_map": {"proj_out.weight": "/etc/elsewhere.bin"}}))
    for look in (load_from, inspect_at):
        with pytest.raises(ModelInvalid, match=f"{copy / file} and {index}: expected one of them"):
            look(copy)


def test_a_missing_checkpoint_says_how_to_get_a_small_one(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="ourvidz models make-small wan DIR"):
        load_from(tmp_path / "nothing" / "here" / "at all")


def test_weights_that_were_cut_off_are_noticed_by_their_length(copy: Path) -> None:
    whole = (copy / TRANSFORMER).read_bytes()
    (copy / TRANSFORMER).write_bytes(whole[:-100])
    with pytest.raises(ModelInvalid, match=f"{TRANSFORMER} has {len(whole) - 100} bytes"):
        load_from(copy)


def test_weights_that_lack_a_tensor_are_refused_instead_of_made_up(copy: Path) -> None:
    tensors = load_file(copy / TRANSFORMER)
    del tensors["proj_out.weight"]
    save_file(tensors, copy / TRANSFORMER, metadata={"format": "pt"})
    with pytest.raises(ModelInvalid, match=r"lack 1 tensors of a WanTransformer3DModel, such as proj_out"):
        load_from(copy)


def test_weights_of_another_shape_are_refused(copy: Path) -> None:
    edit(copy / "transformer" / "config.json", ffn_dim=64)
    with pytest.raises(ModelInvalid, match="transformer cannot be loaded as a WanTransformer3DModel"):
        load_from(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"_class_name": "WanImageToVideoPipeline"}, "found WanImageToVideoPipeline, expected WanPipeline"),
        (
            {"vae": ["diffusers", "AutoencoderKL"]},
            r"vae is diffusers\.AutoencoderKL, expected diffusers\.AutoencoderKLWan",
        ),
        (
            {"transformer": ["mine", "WanTransformer3DModel"]},
            "code that comes with a checkpoint is never run",
        ),
        (
            {"scheduler": ["diffusers", "DiffusionPipeline"]},
            r"scheduler is diffusers\.DiffusionPipeline, expected diffusers\.\*Scheduler",
        ),
        (
            {"tokenizer": ["transformers", "UMT5EncoderModel"]},
            r"tokenizer is transformers\.UMT5EncoderModel, expected transformers\.T5Tokenizer or",
        ),
        ({"transformer_2": ["diffusers", "WanTransformer3DModel"]}, "WAN 2.2 checkpoint, expected WAN 2.1"),
        ({"boundary_ratio": 0.875}, "WAN 2.2 checkpoint, expected WAN 2.1"),
        ({"expand_timesteps": True}, "WAN 2.2 checkpoint, expected WAN 2.1"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(copy: Path, changes: dict[str, Any], message: str) -> None:
    edit(copy / "model_index.json", **changes)
    for look in (load_from, inspect_at):
        with pytest.raises(ModelInvalid, match=message):
            look(copy)


@pytest.mark.parametrize("settings", [{}, {"flow_shift": None}, {"flow_shift": "3"}, {"flow_shift": 0}])
def test_a_scheduler_without_a_time_shift_is_refused(copy: Path, settings: dict[str, Any]) -> None:
    path = copy / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({"_class_name": "DDIMScheduler"} | settings))
    for look in (load_from, inspect_at):
        with pytest.raises(ModelInvalid, match=f"^{path}: the settings of DDIMScheduler have no flow_shift"):
            look(copy)


def test_everything_that_is_not_wan_2_1_is_told_at_once(copy: Path) -> None:
    edit(copy / "model_index.json", boundary_ratio=0.875)
    (copy / "scheduler" / "scheduler_config.json").write_text("{}")
    with pytest.raises(ModelInvalid, match=r"a WAN 2\.2 checkpoint.*\n.*have no flow_shift"):
        inspect_at(copy)


def test_what_newer_libraries_write_about_the_second_transformer_does_no_harm(copy: Path) -> None:
    edit(copy / "model_index.json", transformer_2=[None, None], boundary_ratio=None, expand_timesteps=False)
    load_from(copy)


@pytest.mark.parametrize(
    ("scheduler", "settings", "expected"),
    [
        ("UniPCMultistepScheduler", {"flow_shift": 5.0, "prediction_type": "epsilon"}, 5.0),
        ("FlowMatchEulerDiscreteScheduler", {"shift": 7.0}, 7.0),
    ],
)
def test_unipc_with_flow_prediction_is_used_whatever_the_checkpoint_says(
    copy: Path, context: Context, scheduler: str, settings: dict[str, Any], expected: float
) -> None:
    edit(copy / "model_index.json", scheduler=["diffusers", scheduler])
    path = copy / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({"_class_name": scheduler} | settings))
    model: Any = load_from(copy)
    request = GenerationRequest(job_type=job_type(), parameters=parameters(frames=5), seeds=(7,))
    effective = model.generate(request, context).effective
    assert (effective["scheduler_class"], effective["flow_shift"]) == ("UniPCMultistepScheduler", expected)
    used = model._pipeline.scheduler.config
    assert (used.prediction_type, used.use_flow_sigmas) == ("flow_prediction", True)


def test_a_model_that_makes_no_numbers_gives_no_video(copy: Path, context: Context) -> None:
    tensors = load_file(copy / TRANSFORMER)
    tensors["proj_out.bias"].fill_(float("nan"))
    save_file(tensors, copy / TRANSFORMER, metadata={"format": "pt"})
    request = GenerationRequest(job_type=job_type(), parameters=parameters(frames=5), seeds=(7,))
    with pytest.raises(OutputInvalid, match="latents are not numbers"):
        load_from(copy).generate(request, context)


def test_the_fingerprint_names_everything_that_pixels_depend_on(checkpoint: Path) -> None:
    fingerprint = load_from(checkpoint, "bf16").fingerprint
    assert fingerprint == {
        "family": "wan",
        "checkpoint": checkpoint_digest(read_checkpoint(checkpoint, LAYOUT)),
        "libraries": {
            name: version(name) for name in ("torch", "diffusers", "transformers", "tokenizers", "ftfy")
        },
        "device": device_name(torch.device("cpu")),
        "precision": "bf16",
        "options": {"batch_size": 1, "vae_precision": "fp32", "threads": torch.get_num_threads()},
    }
    assert json.loads(json.dumps(fingerprint)) == fingerprint


def test_cudnn_is_named_where_it_computes() -> None:
    assert "cudnn" not in library_versions((), torch.device("cpu"))
    expected = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    assert library_versions((), torch.device("cuda"))["cudnn"] == expected
