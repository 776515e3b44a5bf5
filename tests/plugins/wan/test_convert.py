"""WAN as its authors publish it: refused with the command that converts it, and converted without a loss."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from safetensors.torch import load_file, save_file

from ourvidz.plugins.checkpoints.digest import checkpoint_digest
from ourvidz.plugins.checkpoints.headers import read_header
from ourvidz.plugins.checkpoints.layout import CheckpointExists, read_checkpoint
from ourvidz.plugins.checkpoints.new_folder import DiskFull
from ourvidz.plugins.family import GenerationRequest, LoadContext, ModelInvalid
from ourvidz.plugins.wan.convert import _unpickle
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.plugins.wan.layout import LAYOUT
from ourvidz.plugins.wan.parameters import WanParameters
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import ModelEntry, Precision
from tests.plugins.sdxl.conftest import Context
from tests.plugins.wan.original_layout import original_transformer, original_vae, write_original

WEIGHTS = (
    "text_encoder/model.safetensors",
    "transformer/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
)

SPEC = {
    "id": "boats",
    "worker": "WAN",
    "queue": "wan_queue",
    "content_type": "image",
    "resolution": "64x64",
    "steps": 2,
    "guidance": 5.0,
    "expected_time": "5s",
    "storage_bucket": "boats",
    "quality_tier": "fast",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint in the diffusers layout, not to be changed."""
    folder = tmp_path_factory.mktemp("wan") / "small"
    WanFamily().write_small_checkpoint(folder, seed=0)
    return folder


@pytest.fixture(scope="module")
def published(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as its authors would publish it, not to be changed."""
    return write_original(small, tmp_path_factory.mktemp("wan") / "published")


@pytest.fixture
def source(published: Path, tmp_path: Path) -> Path:
    """A copy to be broken."""
    return Path(shutil.copytree(published, tmp_path / "source"))


def convert(source: Path, folder: Path, precision: Precision | None = "fp32") -> list[tuple[str, int, int]]:
    """Returns the progress that was told."""
    seen: list[tuple[str, int, int]] = []
    WanFamily().convert(
        source,
        folder,
        precision=precision,
        components=None,
        progress=lambda stage, done, total: seen.append((stage, done, total)),
    )
    return seen


def load(location: Path) -> object:
    entry = ModelEntry(family="wan", location=str(location))
    return WanFamily().load(LoadContext(model=entry, device="cpu", precision=None, root=Path("/")))


def painted(location: Path, folder: Path) -> bytes:
    entry = ModelEntry(family="wan", location=str(location))
    model = WanFamily().load(LoadContext(model=entry, device="cpu", precision=None, root=Path("/")))
    values = {"prompt": "boats at dusk", "resolution": "64x64", "steps": 2, "guidance": 5.0}
    request = GenerationRequest(
        job_type=JobType.model_validate(SPEC), parameters=WanParameters.model_validate(values), seeds=(7,)
    )
    artifact = model.generate(request, Context(folder)).artifacts[0]
    return artifact.image.tobytes() if hasattr(artifact, "image") else artifact.frames.tobytes()


def test_a_converted_checkpoint_has_every_tensor_to_the_bit_and_paints_the_same_picture(
    small: Path, published: Path, tmp_path: Path
) -> None:
    convert(published, tmp_path / "converted")
    for name in WEIGHTS:
        before, after = load_file(small / name), load_file(tmp_path / "converted" / name)
        assert before.keys() == after.keys()
        assert all(torch.equal(tensor, after[key]) for key, tensor in before.items())
    assert painted(tmp_path / "converted", tmp_path) == painted(small, tmp_path)


def test_the_test_writes_what_diffusers_own_reader_reads(small: Path, tmp_path: Path) -> None:
    for part, part_class, tensors in (
        ("transformer", WanTransformer3DModel, original_transformer(small)),
        ("vae", AutoencoderKLWan, original_vae(small)),
    ):
        save_file(tensors, tmp_path / "part.safetensors")
        read = part_class.from_single_file(
            str(tmp_path / "part.safetensors"), config=str(small), subfolder=part, local_files_only=True
        ).state_dict()
        expected = load_file(small / part / "diffusion_pytorch_model.safetensors")
        assert read.keys() == expected.keys()
        assert all(torch.equal(tensor, expected[name]) for name, tensor in read.items())


def test_bf16_is_the_rule_but_for_what_is_computed_in_fp32(published: Path, tmp_path: Path) -> None:
    convert(published, tmp_path / "converted", None)
    text_encoder, transformer, vae = (read_header(tmp_path / "converted" / name) for name in WEIGHTS)
    assert {tensor.dtype for tensor in text_encoder.values()} == {"BF16"}
    assert {tensor.dtype for tensor in vae.values()} == {"F32"}
    kept = {name for name, tensor in transformer.items() if tensor.dtype == "F32"}
    marks = (".time_embedder.", "scale_shift_table", ".norm2.")
    assert kept == {name for name in transformer if any(mark in f".{name}" for mark in marks)}
    assert {transformer[name].dtype for name in transformer.keys() - kept} == {"BF16"}
    load(tmp_path / "converted")


def test_a_transformer_in_several_files_is_read_from_all_of_them(
    source: Path, small: Path, tmp_path: Path
) -> None:
    whole = source / "diffusion_pytorch_model.safetensors"
    tensors = load_file(whole)
    whole.unlink()
    names = sorted(tensors)
    files = {
        name: f"diffusion_pytorch_model-{i % 2 + 1:05}-of-00002.safetensors" for i, name in enumerate(names)
    }
    for file in set(files.values()):
        save_file({name: tensors[name] for name in names if files[name] == file}, source / file)
    (source / f"{whole.name}.index.json").write_text(json.dumps({"weight_map": files}))
    convert(source, tmp_path / "converted")
    after = load_file(tmp_path / "converted" / WEIGHTS[1])
    assert all(torch.equal(tensor, after[name]) for name, tensor in load_file(small / WEIGHTS[1]).items())


def test_large_weights_become_several_files_that_load(
    published: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ourvidz.plugins.diffusion.conversion.LARGEST_FILE", 250_000)
    convert(published, tmp_path / "converted")
    files = sorted((tmp_path / "converted/transformer").glob("*.safetensors"))
    assert len(files) > 1
    assert all(file.stat().st_size < 260_000 for file in files)
    assert painted(tmp_path / "converted", tmp_path) == painted(small, tmp_path)


def test_sha256sum_agrees_with_the_digests_that_were_recorded(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "converted"
    convert(published, folder)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.count(": OK")) == (0, 10)
    noted = checkpoint_digest(read_checkpoint(folder, LAYOUT))
    (folder / ".ourvidz-digests.json").unlink()
    assert checkpoint_digest(read_checkpoint(folder, LAYOUT)) == noted


def test_progress_tells_every_byte(published: Path, tmp_path: Path) -> None:
    seen = convert(published, tmp_path / "converted")
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert stages == ["writing transformer", "writing text_encoder", "writing vae"]
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1][1] == seen[-1][2]


def test_a_worker_refuses_such_a_folder_with_the_command_that_converts_it(
    published: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(published, tmp_path / "as published"))
    command = f"ourvidz models convert wan '{source}' '{source}-diffusers'"
    with pytest.raises(ModelInvalid, match="never loaded") as refusal:
        load(source)
    assert f"Convert it once, with: {command};" in str(refusal.value)
    assert refusal.value.code == "model_invalid"


class Hostile:
    """Pickled, this makes whoever unpickles it create a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("file", ["models_t5_umt5-xxl-enc-bf16.pth", "Wan2.1_VAE.pth"])
@pytest.mark.parametrize("is_archive", [True, False])
def test_a_pickle_with_code_is_refused_and_never_runs(source: Path, file: str, is_archive: bool) -> None:
    trace = source.parent / "it-ran"
    tensors = {"norm.weight": torch.ones(2), "code": Hostile(trace)}
    torch.save(tensors, source / file, _use_new_zipfile_serialization=is_archive)
    with pytest.raises(ModelInvalid, match=f"{file} was not read, since it holds more than tensors"):
        convert(source, source.parent / "converted")
    assert not trace.exists()
    assert not (source.parent / "converted").exists()
    # So that the test does not pass for want of a working attack:
    torch.load(source / file, weights_only=False)
    assert trace.exists()


def test_a_bare_pickle_is_refused(source: Path) -> None:
    trace = source.parent / "it-ran"
    (source / "Wan2.1_VAE.pth").write_bytes(pickle.dumps(Hostile(trace), protocol=2))
    with pytest.raises(ModelInvalid, match="was not read"):
        convert(source, source.parent / "converted")
    assert not trace.exists()


def change_tensors(file: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    torch.save(change(torch.load(file, weights_only=True)), file)


def drop(name: str) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    return lambda tensors: {key: one for key, one in tensors.items() if key != name}


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("Wan2.1_VAE.pth", drop("conv2.bias"), "lacks 1 tensors of a AutoencoderKLWan.*post_quant_conv.bias"),
        (
            "Wan2.1_VAE.pth",
            lambda tensors: tensors | {"conv3.weight": torch.ones(1)},
            "has 1 tensors that are none of WAN 2.1's, such as conv3.weight",
        ),
        (
            "Wan2.1_VAE.pth",
            lambda tensors: tensors | {"conv2.bias": torch.ones(17)},
            r"post_quant_conv.bias has the shape \[17\], expected \[16\]",
        ),
        ("Wan2.1_VAE.pth", drop("encoder.conv1.weight"), "does not hold WAN's VAE"),
        (
            "models_t5_umt5-xxl-enc-bf16.pth",
            drop("blocks.1.ffn.gate.0.weight"),
            "lacks 1 tensors of a UMT5EncoderModel.*block.1.layer.1.DenseReluDense.wi_0.weight",
        ),
        (
            "models_t5_umt5-xxl-enc-bf16.pth",
            drop("token_embedding.weight"),
            "does not hold WAN's text encoder",
        ),
        ("models_t5_umt5-xxl-enc-bf16.pth", lambda tensors: list(tensors.values()), "found something else"),
    ],
)
def test_a_file_whose_tensors_are_others_is_named_with_them(
    source: Path,
    file: str,
    change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
    message: str,
) -> None:
    change_tensors(source / file, change)
    with pytest.raises(ModelInvalid, match=f"{file}:? .*{message}|{file}: .*{message}"):
        convert(source, source.parent / "converted")
    assert {path.name for path in source.parent.iterdir()} == {"source"}


@pytest.mark.parametrize(
    "file",
    [
        "diffusion_pytorch_model.safetensors",
        "models_t5_umt5-xxl-enc-bf16.pth",
        "Wan2.1_VAE.pth",
        "google/umt5-xxl/tokenizer.json",
    ],
)
def test_a_missing_file_is_named(source: Path, file: str) -> None:
    (source / file).unlink()
    with pytest.raises(ModelInvalid, match=f"{source / file} is missing"):
        convert(source, source.parent / "converted")


@pytest.mark.parametrize("file", ["diffusion_pytorch_model.safetensors", "Wan2.1_VAE.pth"])
def test_a_file_that_was_cut_off_is_named(source: Path, file: str) -> None:
    (source / file).write_bytes((source / file).read_bytes()[:-5000])
    with pytest.raises(ModelInvalid, match=f"{file} (has .* bytes, expected|was not read)"):
        convert(source, source.parent / "converted")


def rewrite(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return f"{file.name} was not read, since it holds more than tensors or is damaged"


@pytest.mark.parametrize("file", ["models_t5_umt5-xxl-enc-bf16.pth", "Wan2.1_VAE.pth"])
def test_a_file_of_no_bytes_is_named(source: Path, file: str) -> None:
    with pytest.raises(ModelInvalid, match=rewrite(source / file, b"")):
        convert(source, source.parent / "converted")


def test_a_pickle_that_was_bent_is_named_wherever_it_was(source: Path) -> None:
    file = source / "Wan2.1_VAE.pth"
    torch.save({"conv1.weight": torch.ones(2)}, file, _use_new_zipfile_serialization=False)
    whole = file.read_bytes()
    bent = {whole[:end] for end in range(0, len(whole), 7)}
    # A tuple, nothing and a number where a storage, a size or a name should be.
    bent |= {
        whole[:at] + value + whole[at + 1 :] for at in range(0, len(whole), 3) for value in (b")", b"N", b"K")
    }
    told = 0
    for content in bent:
        try:
            file.write_bytes(content)
            _unpickle(file)
        except ModelInvalid as error:
            told += str(file) in str(error)
    assert told > len(bent) / 2


def test_a_model_that_starts_from_pictures_is_refused(source: Path) -> None:
    settings = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(settings | {"model_type": "i2v"}))
    with pytest.raises(ModelInvalid, match=r"config.json: found model_type 'i2v', expected 't2v'"):
        convert(source, source.parent / "converted")


def test_a_number_that_the_precision_does_not_hold_is_named(source: Path) -> None:
    change_tensors(
        source / "models_t5_umt5-xxl-enc-bf16.pth",
        lambda tensors: tensors | {"norm.weight": torch.full_like(tensors["norm.weight"], 1e6)},
    )
    with pytest.raises(ModelInvalid, match=r"norm.weight has elements that are no numbers in torch.float16"):
        convert(source, source.parent / "converted", "fp16")


def test_nothing_is_overwritten(published: Path, tmp_path: Path) -> None:
    (tmp_path / "converted").mkdir()
    (tmp_path / "converted" / "notes.txt").write_text("buy milk")
    with pytest.raises(CheckpointExists, match="nothing is overwritten"):
        convert(published, tmp_path / "converted")
    assert {path.name for path in tmp_path.iterdir()} == {"converted"}


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_is_refused_before_anything_is_written(
    published: Path, tmp_path: Path, is_there: bool
) -> None:
    if is_there:
        (tmp_path / "elsewhere").mkdir()
    (tmp_path / "converted").symlink_to(tmp_path / "elsewhere")
    before = {path.name for path in tmp_path.iterdir()}
    seen: list[str] = []
    with pytest.raises(CheckpointExists, match="nothing is overwritten"):
        WanFamily().convert(
            published,
            tmp_path / "converted",
            precision=None,
            components=None,
            progress=lambda stage, *_: seen.append(stage),
        )
    assert (seen, {path.name for path in tmp_path.iterdir()}) == ([], before)


def test_of_the_tokenizers_folder_its_own_files_alone_are_copied(source: Path, tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "tokenization_mine.py", "notes.txt", "model.safetensors"):
        (source / "google/umt5-xxl" / name).write_bytes(b"1")
    (source / "google/umt5-xxl/spiece.model").write_bytes(b"2")
    convert(source, tmp_path / "converted")
    assert {path.name for path in (tmp_path / "converted/tokenizer").iterdir()} == {
        *("tokenizer.json", "tokenizer_config.json", "spiece.model")
    }


def test_a_disk_without_room_is_told_before_anything_large_is_written(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(
        "ourvidz.plugins.checkpoints.new_folder.shutil.disk_usage", lambda _: usage(10**9, 10**9, 1000)
    )
    with pytest.raises(DiskFull, match=r"0.0 GB are needed and 0.0 GB are free") as refusal:
        convert(published, tmp_path / "converted")
    assert refusal.value.code == "disk_full"
    assert not any(tmp_path.iterdir())


def test_a_folder_that_is_something_else_is_refused_with_what_is_expected(
    small: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ModelInvalid, match=r"is not WAN 2.1 in the layout of its authors: expected .*Wan2.1_VAE"
    ):
        convert(small, tmp_path / "converted")
