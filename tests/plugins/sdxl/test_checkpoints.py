"""What is said of a checkpoint that is not there, not whole or not SDXL, and what identifies one that is."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ourvidz.plugins.checkpoints.checking import check
from ourvidz.plugins.checkpoints.digest import NOTES, checkpoint_digest
from ourvidz.plugins.checkpoints.layout import read_checkpoint
from ourvidz.plugins.family import (
    DeviceMissing,
    DigestMismatch,
    GenerationRequest,
    LoadContext,
    ModelInvalid,
    ModelMissing,
    OutputInvalid,
)
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.layout import LAYOUT
from ourvidz.spec.settings import ModelEntry
from tests.plugins.sdxl.conftest import Context, job_type, load_from, parameters

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

UNET = Path("unet/diffusion_pytorch_model.safetensors")


def digest(folder: Path) -> str:
    return checkpoint_digest(read_checkpoint(folder, LAYOUT))


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_missing_checkpoint_says_where_it_was_looked_for_and_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as refusal:
        load_from("./models/landscapes", root=tmp_path)
    message = str(refusal.value)
    assert str(tmp_path / "models/landscapes") in message
    assert "ourvidz models make-small sdxl DIR" in message
    assert "ourvidz.yaml" in message


def test_a_relative_folder_that_may_be_a_hub_id_is_looked_for_as_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for location in ("checkpoints/landscapes", "checkpoints/landscapes--small"):
        cache = f"the hub's local cache {tmp_path / 'cache'}"
        looked = f"the folder {tmp_path / location}, {cache} and the hub itself "
        with pytest.raises(ModelMissing, match=f"no checkpoint '{location}': looked for {looked}"):
            load_from(location, root=tmp_path)


def test_a_hub_id_in_the_cache_is_loaded_without_a_network(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    repository = tmp_path / "cache" / "models--somebody--landscapes"
    shutil.copytree(checkpoint, repository / "snapshots" / "1234")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1234")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_from("somebody/landscapes", root=tmp_path).fingerprint["checkpoint"] == digest(checkpoint)


def test_a_relative_folder_starts_from_the_root(checkpoint: Path) -> None:
    model = load_from(checkpoint.name, root=checkpoint.parent)
    assert model.fingerprint["checkpoint"] == digest(checkpoint)


@pytest.mark.parametrize(
    "file",
    [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "tokenizer_2/tokenizer_config.json",
        "vae/config.json",
        "text_encoder/model.safetensors",
        str(UNET),
    ],
)
def test_an_incomplete_checkpoint_names_the_file(copy: Path, file: str) -> None:
    (copy / file).unlink()
    with pytest.raises(ModelInvalid, match=f"{copy / file} is missing"):
        load_from(copy)


def test_all_that_is_wrong_with_a_checkpoint_is_told_at_once(copy: Path) -> None:
    (copy / "vae/config.json").unlink()
    (copy / UNET).write_bytes(b"")
    with pytest.raises(ModelInvalid) as refusal:
        load_from(copy)
    assert [line.split(" is ")[0] for line in str(refusal.value).splitlines()] == [
        str(copy / UNET),
        str(copy / "vae/config.json"),
    ]


@pytest.mark.parametrize("file", ["vocab.json", "merges.txt"])
def test_a_tokenizer_without_words_is_refused_instead_of_made_up(copy: Path, file: str) -> None:
    (copy / "tokenizer" / file).unlink()
    with pytest.raises(ModelInvalid, match=f"tokenizer/{file} is missing"):
        load_from(copy)


@pytest.mark.parametrize("file", ["model_index.json", "vae/config.json"])
def test_a_file_that_cannot_be_read_is_named(copy: Path, file: str) -> None:
    (copy / file).unlink()
    (copy / file).symlink_to(copy / file)
    with pytest.raises(
        ModelInvalid, match=f"{copy / file} cannot be read: Too many levels of symbolic links"
    ):
        load_from(copy)


def test_a_folder_in_place_of_a_file_is_named(copy: Path) -> None:
    (copy / "model_index.json").unlink()
    (copy / "model_index.json").mkdir()
    with pytest.raises(ModelInvalid, match=r"model_index.json cannot be read: Is a directory"):
        load_from(copy)


def test_a_location_that_no_file_system_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="cannot be read: File name too long"):
        load_from("x" * 300, root=tmp_path)


def split(folder: Path, weight_map: object) -> None:
    """Let the UNet's weights be those that an index names."""
    (folder / UNET).rename(folder / "unet" / "part-1.safetensors")
    index = folder / f"{UNET}.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))


def test_weights_in_several_files_are_those_of_the_index(copy: Path) -> None:
    split(copy, {"conv_in.weight": "part-1.safetensors", "conv_out.weight": "part-1.safetensors"})
    assert "unet/part-1.safetensors" in read_checkpoint(copy, LAYOUT).files
    split_twice = {"conv_in.weight": "part-1.safetensors", "conv_out.weight": "part-2.safetensors"}
    (copy / f"{UNET}.index.json").write_text(json.dumps({"weight_map": split_twice}))
    with pytest.raises(ModelInvalid, match=r"part-2.safetensors is missing"):
        load_from(copy)


@pytest.mark.parametrize(
    "name", ["/etc/part.safetensors", "../vae/part.safetensors", "..", "", "part.bin", 5, ["part"]]
)
def test_an_index_names_plain_files_beside_it_alone(copy: Path, name: object) -> None:
    split(copy, {"conv_in.weight": name})
    with pytest.raises(ModelInvalid, match=r"index.json: found .*, expected a safetensors file beside it"):
        load_from(copy)


@pytest.mark.parametrize(
    ("part", "stem"),
    [
        ("unet", "diffusion_pytorch_model"),
        ("vae", "diffusion_pytorch_model"),
        ("text_encoder", "model"),
        ("text_encoder_2", "model"),
    ],
)
def test_weights_in_one_file_and_an_index_beside_it_are_refused(copy: Path, part: str, stem: str) -> None:
    whole, index = copy / part / f"{stem}.safetensors", copy / part / f"{stem}.safetensors.index.json"
    shards = {"metadata": {}, "weight_map": {"conv_in.weight": "../../elsewhere.safetensors"}}
    index.write_text(json.dumps(shards))
    refused(copy, re.escape(f"{whole} and {index}: expected one of them"))
    whole.rename(whole.with_suffix(".fp16.safetensors"))
    index.rename(copy / part / f"{stem}.safetensors.index.fp16.json")
    refused(copy, rf"{part}/{stem}\.fp16\.safetensors and .*{stem}\.safetensors\.index\.fp16\.json: expected")


def test_an_adapter_that_names_other_weights_is_refused(copy: Path) -> None:
    adapter = copy / "text_encoder" / "adapter_config.json"
    adapter.write_text(json.dumps({"base_model_name_or_path": "/elsewhere", "peft_type": "LORA"}))
    refused(copy, f"{adapter}: found an adapter")


def test_an_index_under_the_name_that_older_versions_gave_it_is_refused_beside_weights(copy: Path) -> None:
    whole = copy / "unet" / "diffusion_pytorch_model.fp16.safetensors"
    (copy / UNET).rename(whole)
    index = copy / "unet" / "diffusion_pytorch_model.safetensors.fp16.index.json"
    index.write_text(json.dumps({"weight_map": {"conv_in.weight": "pickled.bin"}}))
    refused(copy, re.escape(f"{whole} and {index}: expected one of them"))


def test_weights_that_are_there_in_two_precisions_are_loaded_in_the_better_one(copy: Path) -> None:
    for path in list(copy.glob("*/*.safetensors")):
        path.with_suffix(".fp16.safetensors").write_bytes(path.read_bytes())
        index = {"weight_map": {"a": path.with_suffix(".fp16.safetensors").name}}
        (path.parent / f"{path.name}.index.fp16.json").write_text(json.dumps(index))
    load_from(copy)
    assert not any("fp16.safetensors" in name for name in read_checkpoint(copy, LAYOUT).files)


@pytest.mark.parametrize("weight_map", [None, {}, [], "part.safetensors"])
def test_an_index_without_files_is_refused(copy: Path, weight_map: object) -> None:
    split(copy, weight_map)
    with pytest.raises(ModelInvalid, match=r"index.json: found no weight_map"):
        load_from(copy)


def test_a_checkpoint_of_another_kind_is_refused(copy: Path) -> None:
    edit(copy / "model_index.json", _class_name="StableDiffusionPipeline")
    with pytest.raises(
        ModelInvalid, match=r"model_index.json: found StableDiffusionPipeline, expected StableD"
    ):
        load_from(copy)


def test_a_part_of_another_class_is_refused(copy: Path) -> None:
    edit(copy / "model_index.json", text_encoder_2=["transformers", "CLIPTextModel"])
    with pytest.raises(
        ModelInvalid,
        match=r"text_encoder_2 is transformers\.CLIPTextModel, expected transformers\.CLIPTextModelWith",
    ):
        load_from(copy)


def test_code_that_comes_with_a_checkpoint_is_never_run(copy: Path) -> None:
    edit(copy / "model_index.json", unet=["my_unet", "UNet2DConditionModel"])
    (copy / "unet" / "my_unet.py").write_text("raise SystemExit('run')")
    with pytest.raises(ModelInvalid, match="code that comes with a checkpoint is never run"):
        load_from(copy)


class Hostile:
    """Unpickled, this creates a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.trace,))


def refused(folder: Path, message: str) -> None:
    """Loading and ``models check`` both refuse it."""
    with pytest.raises(ModelInvalid, match=message):
        load_from(folder)
    entry = ModelEntry(family="sdxl", location=str(folder))
    seen = check(SdxlFamily(), entry, Path("/"), lambda *_: None)
    assert re.search(message, "\n".join(seen.problems))


def test_a_pipeline_with_its_own_code_in_place_of_a_scheduler_is_refused_unread(copy: Path) -> None:
    trace = copy / "it-ran"
    edit(copy / "model_index.json", scheduler=["diffusers", "DiffusionPipeline"])
    index = {"_class_name": ["mine", "Mine"], "unet": ["mine", "Mine"]}
    (copy / "scheduler" / "model_index.json").write_text(json.dumps(index))
    for path in (copy / "scheduler" / "mine.py", copy / "scheduler" / "unet" / "mine.py"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"from pathlib import Path\nPath({str(trace)!r}).touch()\nclass Mine: pass\n")
    refused(copy, r"scheduler is diffusers\.DiffusionPipeline, expected diffusers\.\*Scheduler")
    assert not trace.exists()


def test_a_model_of_pickled_weights_in_place_of_a_tokenizer_is_refused_unread(copy: Path) -> None:
    trace = copy / "it-ran"
    edit(copy / "model_index.json", tokenizer=["transformers", "CLIPTextModel"])
    shutil.copy(copy / "text_encoder/config.json", copy / "tokenizer/config.json")
    (copy / "tokenizer/pytorch_model.bin").write_bytes(pickle.dumps(Hostile(trace), protocol=2))
    refused(copy, r"tokenizer is transformers\.CLIPTextModel, expected transformers\.CLIPTokenizer or")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        ("scheduler", ["transformers", "EulerDiscreteScheduler"]),
        ("tokenizer_2", ["diffusers", "CLIPTokenizer"]),
        ("unet", ["transformers", "UNet2DConditionModel"]),
        ("vae", ["diffusers", 5]),
    ],
)
def test_a_class_is_that_of_the_library_which_the_index_names(
    copy: Path, part: str, entry: list[object]
) -> None:
    edit(copy / "model_index.json", **{part: entry})
    refused(copy, rf"{part} is {entry[0]}\.{entry[1]}, expected")


def test_a_class_that_is_only_called_a_scheduler_is_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import diffusers

    monkeypatch.setattr(diffusers, "LikeAScheduler", diffusers.UNet2DConditionModel, raising=False)
    edit(copy / "model_index.json", scheduler=["diffusers", "LikeAScheduler"])
    with pytest.raises(ModelInvalid, match="UNet2DConditionModel is neither a scheduler nor a tokenizer"):
        load_from(copy)


@pytest.mark.parametrize("name", ["NoSuchScheduler", "schedulers.Scheduler"])
def test_a_class_that_the_installed_library_lacks_is_named(copy: Path, name: str) -> None:
    edit(copy / "model_index.json", scheduler=["diffusers", name])
    with pytest.raises(ModelInvalid, match=rf"diffusers [0-9.]+ has no {name}; update it"):
        load_from(copy)


def test_pickled_weights_are_never_loaded(copy: Path) -> None:
    (copy / UNET).rename(copy / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelInvalid, match=r"diffusion_pytorch_model\.bin is pickled"):
        load_from(copy)


def test_weights_that_were_cut_off_are_noticed_by_their_length(copy: Path) -> None:
    whole = (copy / UNET).read_bytes()
    (copy / UNET).write_bytes(whole[:-100])
    with pytest.raises(ModelInvalid, match=f"{UNET} has {len(whole) - 100} bytes, expected {len(whole)}"):
        load_from(copy)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\xff" * 64, b"\x02" + b"\0" * 7 + b"[]"])
def test_weights_that_are_none_are_named(copy: Path, content: bytes) -> None:
    (copy / UNET).write_bytes(content)
    with pytest.raises(ModelInvalid, match=f"{UNET} is not a safetensors file"):
        load_from(copy)


@pytest.mark.parametrize(
    ("file", "tensor"),
    [
        (UNET, "conv_in.weight"),
        (Path("vae/diffusion_pytorch_model.safetensors"), "decoder.conv_in.weight"),
        (Path("text_encoder_2/model.safetensors"), "text_model.final_layer_norm.weight"),
    ],
    ids=str,
)
def test_weights_that_lack_a_tensor_are_refused_instead_of_made_up(
    copy: Path, file: Path, tensor: str
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / file)
    del tensors[tensor]
    save_file(tensors, copy / file, metadata={"format": "pt"})
    with pytest.raises(ModelInvalid) as refusal:
        load_from(copy)
    # diffusers 0.31 notices by itself, in its own words.
    assert str(copy / file.parent) in str(refusal.value)
    assert tensor in str(refusal.value)


def test_weights_of_another_shape_are_refused(copy: Path) -> None:
    edit(copy / "unet" / "config.json", cross_attention_dim=32)
    with pytest.raises(ModelInvalid, match="unet cannot be loaded as a UNet2DConditionModel"):
        load_from(copy)


def test_weights_that_are_there_in_fp16_alone_are_loaded(copy: Path) -> None:
    for path in copy.glob("*/*.safetensors"):
        path.rename(path.with_suffix(".fp16.safetensors"))
    assert load_from(copy).fingerprint["precision"] == "fp32"


def test_a_model_that_paints_no_numbers_gives_no_picture(copy: Path, context: Context) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / UNET)
    tensors["conv_out.bias"].fill_(float("nan"))
    save_file(tensors, copy / UNET, metadata={"format": "pt"})
    request = GenerationRequest(job_type=job_type(), parameters=parameters(), seeds=(7,))
    with pytest.raises(OutputInvalid, match="latents are not numbers"):
        load_from(copy).generate(request, context)


def test_a_gpu_that_is_not_there_is_named(checkpoint: Path) -> None:
    entry = ModelEntry(family="sdxl", location=str(checkpoint))
    context = LoadContext(model=entry, device="cuda:99", precision=None, root=Path("/"))
    with pytest.raises(DeviceMissing, match="cuda:99"):
        SdxlFamily().load(context)


def test_the_fingerprint_names_everything_that_pixels_depend_on(checkpoint: Path) -> None:
    fingerprint = load_from(checkpoint).fingerprint
    assert set(fingerprint) == {"family", "checkpoint", "libraries", "device", "precision", "options"}
    assert json.loads(json.dumps(fingerprint)) == fingerprint


def test_one_changed_weight_is_another_checkpoint(copy: Path) -> None:
    before = digest(copy)
    content = bytearray((copy / UNET).read_bytes())
    content[-1] ^= 1
    (copy / UNET).write_bytes(content)
    assert digest(copy) != before


def test_files_are_hashed_again_only_when_they_changed(copy: Path) -> None:
    before = digest(copy)
    notes = json.loads((copy / NOTES).read_text())
    notes[str(UNET)]["sha256"] = "0" * 64
    (copy / NOTES).write_text(json.dumps(notes))
    assert digest(copy) != before, "the note was not used"
    (copy / UNET).touch()
    assert digest(copy) == before


def flip_a_bit(path: Path) -> None:
    """And let the file look as if nothing had been."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_changed_file_is_hashed_again_though_its_time_of_change_was_set_back(copy: Path) -> None:
    before = digest(copy)
    flip_a_bit(copy / UNET)
    assert digest(copy) != before


def test_a_check_reads_every_byte_whatever_the_notes_say(copy: Path) -> None:
    entry = ModelEntry(family="sdxl", location=str(copy))
    before = check(SdxlFamily(), entry, Path("/"), lambda *_: None)
    flip_a_bit(copy / UNET)
    # As on a disk that goes bad, which changes no time at all.
    stat, notes = (copy / UNET).stat(), json.loads((copy / NOTES).read_text())
    notes[str(UNET)] |= {"inode_changed": stat.st_ctime_ns, "inode": stat.st_ino}
    (copy / NOTES).write_text(json.dumps(notes))
    assert digest(copy) == before.digest, "loading would not have trusted these notes"
    entry = ModelEntry(family="sdxl", location=str(copy), digest=before.digest)
    seen = check(SdxlFamily(), entry, Path("/"), lambda *_: None)
    assert f"expected {before.digest}" in "".join(seen.problems)
    assert seen.digest != before.digest
    assert digest(copy) == seen.digest, "what was found out was not noted"


def test_a_load_reads_every_file_once_for_its_digests_where_no_note_can_be_written(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ourvidz.plugins.checkpoints import digest as digests

    (copy / NOTES).unlink(missing_ok=True)
    (copy / NOTES).mkdir()
    hashed, sha256 = list[Path](), digests._sha256

    def counted(path: Path, advance: Callable[[int], None]) -> str:
        hashed.append(path)
        return sha256(path, advance)

    monkeypatch.setattr(digests, "_sha256", counted)
    load_from(copy)
    assert sorted(hashed) == [copy / name for name in sorted(read_checkpoint(copy, LAYOUT).files)]


def test_what_is_not_loaded_does_not_count(copy: Path) -> None:
    before = digest(copy)
    (copy / "preview.png").write_bytes(b"a picture")
    assert digest(copy) == before


def test_nothing_is_loaded_that_a_sha256sums_beside_it_contradicts(copy: Path) -> None:
    assert subprocess.run("sha256sum */* > SHA256SUMS", shell=True, cwd=copy).returncode == 0
    load_from(copy)
    weights = copy / "unet/diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(DigestMismatch, match=r"diffusion_pytorch_model.safetensors: found SHA-256"):
        load_from(copy)
