"""LoRA files of every trainer change the picture as they should, and leave nothing behind."""

from __future__ import annotations

import gc
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import Conv2d, Linear

from ourvidz.errors import OurvidzError
from ourvidz.plugins.diffusion import loras
from ourvidz.plugins.diffusion.lora_files import read_lora
from ourvidz.plugins.diffusion.loras import Loras, Matrices
from ourvidz.plugins.family import GenerationRequest, Model, Output
from ourvidz.plugins.sdxl.parameters import SdxlParameters
from ourvidz.plugins.shared_parts import SharedParts
from ourvidz.spec.job_type import Lora
from tests.plugins.sdxl.conftest import Context, job_type, load_from, parameters, pixels
from tests.plugins.sdxl.lora_files import ALPHA, LAYERS, PARTS, RANK, matrices, write_kohya, write_peft

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

Wear = Callable[..., Output]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with LoRA files."""
    root = tmp_path_factory.mktemp("shelf")
    write_kohya(root / "kohya.safetensors")
    write_kohya(root / "snow.safetensors", seed=5, alpha=0.5)
    write_peft(root / "peft.safetensors")
    for part in PARTS:
        write_kohya(root / f"{part}.safetensors", parts=(part,))
    return root


@pytest.fixture(scope="module")
def dressed(checkpoint: Path, shelf: Path) -> Model[SdxlParameters]:
    return load_from(checkpoint, root=shelf)


@pytest.fixture
def wear(dressed: Model[SdxlParameters], context: Context) -> Wear:
    """Paints with LoRAs, each a file or a file and its scale."""

    def wear(*worn: str | tuple[str, float], seed: int = 7, **changes: object) -> Output:
        named = ((one, 1.0) if isinstance(one, str) else one for one in worn)
        files = tuple(Lora(file=f"{file}.safetensors", scale=scale) for file, scale in named)
        request = GenerationRequest(
            job_type=job_type(),
            parameters=parameters(loras=files, resolution="64x64", steps=2, **changes),
            seeds=(seed,),
        )
        return dressed.generate(request, context)

    return wear


@pytest.mark.parametrize("file", ["kohya", "peft", *PARTS])
def test_a_lora_changes_the_picture_by_its_scale(wear: Wear, file: str) -> None:
    pictures = {scale: pixels(wear((file, scale))) for scale in (-1.0, 0.0, 0.5, 1.0)}
    assert pictures[0.0] == pixels(wear())
    assert len(set(pictures.values())) == 4


def test_the_same_matrices_give_the_same_picture_in_every_format(wear: Wear, shelf: Path) -> None:
    write_kohya(shelf / "as-trained.safetensors", alpha=RANK)
    assert pixels(wear("as-trained")) == pixels(wear("peft"))
    metadata = {f"{part}.lora_alpha": ALPHA for part in PARTS}
    write_peft(shelf / "noted.safetensors", metadata={"lora_adapter_metadata": json.dumps(metadata)})
    assert pixels(wear("noted")) == pixels(wear("kohya"))


@pytest.mark.parametrize(
    "name", ["to_k", "attn2.to_k", "^down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"]
)
def test_an_alpha_noted_for_a_layer_counts_for_that_one(shelf: Path, name: str) -> None:
    notes = {"unet.lora_alpha": 6, "unet.alpha_pattern": {"o_k": 3, "^to_k": 4, name: 5, "0.attn2.to_k": 7}}
    file = write_peft(shelf / "pattern.safetensors", metadata={"lora_adapter_metadata": json.dumps(notes)})
    factors = {pair.layer.partition(".")[0]: pair.factor for pair in read_lora(file).pairs}
    assert factors == {"unet": 5 / RANK, "text_encoder": 1.0, "text_encoder_2": 1.0}


def test_older_diffusers_names_are_read(wear: Wear, shelf: Path) -> None:
    tensors: dict[str, torch.Tensor] = {}
    for layer in LAYERS:
        down, up = matrices(layer)
        name = layer.replace("attn2.to_k", "attn2.processor.to_k_lora")
        name = name if name != layer else f"{layer}.lora_linear_layer"
        tensors |= {f"{name}.down.weight": down, f"{name}.up.weight": up}
    save_file(tensors, shelf / "older.safetensors")
    assert pixels(wear("older")) == pixels(wear("peft"))


@pytest.mark.parametrize("part", ["unet", "text_encoder_2"])
def test_it_paints_what_diffusers_own_loader_paints(
    checkpoint: Path, shelf: Path, wear: Wear, part: str
) -> None:
    from diffusers import StableDiffusionXLPipeline

    from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries

    with quiet_libraries():
        reference = StableDiffusionXLPipeline.from_pretrained(checkpoint, local_files_only=True)
    reference.set_progress_bar_config(disable=True)
    file = write_peft(shelf / f"only-{part}.safetensors", parts=(part,))
    reference.load_lora_weights(shelf, weight_name=file.name, adapter_name="one")
    reference.set_adapters(["one"], [0.7])
    picture = reference(
        "a lighthouse at dusk",
        width=64,
        height=64,
        num_inference_steps=2,
        guidance_scale=6.0,
        generator=torch.Generator().manual_seed(7),
    ).images[0]
    assert _distance(pixels(wear((file.stem, 0.7))), picture.tobytes()) <= 1
    assert _distance(pixels(wear()), picture.tobytes()) > 10


def _distance(one: bytes, other: bytes) -> int:
    """Largest difference of two levels."""
    return max(abs(mine - theirs) for mine, theirs in zip(one, other, strict=True))


def test_neither_order_nor_other_jobs_matter(wear: Wear) -> None:
    both = ("kohya", ("snow", -0.5))
    plain, first, second, together = wear(), wear("kohya"), wear(("snow", -0.5)), wear(*both)
    assert len({pixels(one) for one in (plain, first, second, together)}) == 4
    for worn, before in (((), plain), (both, together), (("kohya",), first), ((("snow", -0.5),), second)):
        assert pixels(wear(*worn)) == pixels(before)
    assert pixels(wear()) == pixels(plain)


def test_a_model_that_wore_a_lora_paints_as_one_that_never_did(
    wear: Wear, model: Model[SdxlParameters], context: Context
) -> None:
    wear("kohya", "peft")
    request = GenerationRequest(
        job_type=job_type(), parameters=parameters(resolution="64x64", steps=2), seeds=(7,)
    )
    assert pixels(wear()) == pixels(model.generate(request, context))


def test_models_that_share_layers_do_not_share_their_loras(
    checkpoint: Path, shelf: Path, context: Context
) -> None:
    shared = SharedParts()
    one, other = (load_from(checkpoint, root=shelf, shared=shared) for _ in range(2))
    plain = GenerationRequest(job_type=job_type(), parameters=parameters(), seeds=(7,))
    worn = parameters(loras=(Lora(file="kohya.safetensors"),))
    dressed = GenerationRequest(job_type=job_type(), parameters=worn, seeds=(7,))
    before = pixels(other.generate(plain, context))
    painted = pixels(one.generate(dressed, context))
    assert pixels(other.generate(plain, context)) == before != painted
    assert pixels(other.generate(dressed, context)) == painted


def test_the_result_says_which_files_were_worn(wear: Wear, shelf: Path) -> None:
    import hashlib

    digest = hashlib.sha256((shelf / "snow.safetensors").read_bytes()).hexdigest()
    assert wear(("snow", -0.5)).effective["loras"] == [
        {"file": "snow.safetensors", "scale": -0.5, "sha256": digest}
    ]
    assert wear().effective["loras"] == []


def test_a_file_that_changed_is_read_again(wear: Wear, shelf: Path) -> None:
    file = write_kohya(shelf / "changing.safetensors", seed=1)
    first = wear("changing")
    write_kohya(file, seed=2)
    os.utime(file, ns=(0, 0))
    second = wear("changing")
    assert pixels(first) != pixels(second)
    assert first.effective["loras"] != second.effective["loras"]


def linear_and_convolution() -> tuple[Linear, Conv2d]:
    torch.manual_seed(0)
    return Linear(6, 4, dtype=torch.float64), Conv2d(3, 5, 3, stride=2, padding=1, dtype=torch.float64)


def test_layers_compute_with_w_plus_scale_times_alpha_over_rank_times_up_times_down(tmp_path: Path) -> None:
    plain, folded = linear_and_convolution()
    names: dict[str, Linear | Conv2d] = {"unet.plain": plain, "unet.folded": folded}
    wanted = []
    deltas = [torch.zeros_like(plain.weight), torch.zeros_like(folded.weight)]
    for index, (scale, alpha, rank) in enumerate([(0.7, 3.0, 2), (-1.5, 1.0, 3)]):
        tensors = {
            "unet.plain.lora_down.weight": torch.randn(rank, 6, dtype=torch.float64),
            "unet.plain.lora_up.weight": torch.randn(4, rank, dtype=torch.float64),
            "unet.folded.lora_down.weight": torch.randn(rank, 3, 3, 3, dtype=torch.float64),
            "unet.folded.lora_up.weight": torch.randn(5, rank, 1, 1, dtype=torch.float64),
        }
        up_down = [
            tensors["unet.plain.lora_up.weight"] @ tensors["unet.plain.lora_down.weight"],
            torch.einsum(
                "orxy,rihw->oihw",
                tensors["unet.folded.lora_up.weight"],
                tensors["unet.folded.lora_down.weight"],
            ),
        ]
        deltas = [one + scale * alpha / rank * other for one, other in zip(deltas, up_down, strict=True)]
        alphas = {f"unet.{name}.alpha": torch.tensor(alpha) for name in ("plain", "folded")}
        save_file(tensors | alphas, tmp_path / f"{index}.safetensors")
        wanted.append(Lora(file=f"{index}.safetensors", scale=scale))
    inputs = torch.randn(2, 6, dtype=torch.float64), torch.randn(2, 3, 8, 8, dtype=torch.float64)
    unworn = plain(inputs[0]), folded(inputs[1])
    mine = Loras(names, root=tmp_path, device=torch.device("cpu"), dtype=torch.float64, shared=SharedParts())
    with mine.applied(wanted):
        worn = plain(inputs[0]), folded(inputs[1])
    changed = (
        torch.nn.functional.linear(inputs[0], plain.weight + deltas[0], plain.bias),
        torch.nn.functional.conv2d(inputs[1], folded.weight + deltas[1], folded.bias, 2, 1),
    )
    for got, wished, before, layer, given in zip(worn, changed, unworn, (plain, folded), inputs, strict=True):
        assert torch.allclose(got, wished, rtol=1e-12, atol=1e-12)
        assert not torch.allclose(got, before)
        assert torch.equal(layer(given), before)


def test_files_that_were_not_used_for_longest_are_forgotten_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = Linear(6, 4)
    files = []
    for seed in range(3):
        torch.manual_seed(seed)
        tensors = {"unet.x.lora_A.weight": torch.randn(2, 6), "unet.x.lora_B.weight": torch.randn(4, 2)}
        save_file(tensors, tmp_path / f"{seed}.safetensors")
        files.append(Lora(file=f"{seed}.safetensors"))
    size = 4 * (2 * 6 + 4 * 2)
    monkeypatch.setattr(loras, "KEPT", 2 * size)
    shared = SharedParts()
    mine = Loras(
        {"unet.x": layer}, root=tmp_path, device=torch.device("cpu"), dtype=torch.float32, shared=shared
    )

    def held() -> int:
        gc.collect()
        return sum(type(one) is Matrices and one.size == size for one in gc.get_objects())

    for one in (files[0], files[1], files[0], files[2]):
        with mine.applied([one]):
            pass
    assert held() == 2
    kept = [one for one in gc.get_objects() if type(one) is Matrices and one.size == size]
    with mine.applied([files[0], files[2]]):
        # Both are there still: what was forgotten is the one that was used before them.
        assert [one for one in gc.get_objects() if type(one) is Matrices and one.size == size] == kept
    del kept
    with mine.applied(files):
        # A job's own are all held, however many they are.
        assert held() == 3


def _cut(path: Path) -> None:
    write_kohya(path)
    path.write_bytes(path.read_bytes()[:-1])


def _pickled(path: Path) -> None:
    torch.save({"lora_unet_x.lora_down.weight": torch.zeros(1, 1)}, path)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _without_matrices(path: Path) -> None:
    save_file({}, path)


def _changed(path: Path, changes: dict[str, torch.Tensor | None]) -> None:
    from safetensors.torch import load_file

    write_kohya(path)
    tensors = load_file(path) | changes
    save_file({name: one for name, one in tensors.items() if one is not None}, path)


_UNET = LAYERS["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"]


def _half(path: Path) -> None:
    _changed(path, {f"{_UNET}.lora_up.weight": None})


def _stray_alpha(path: Path) -> None:
    _changed(path, {"lora_unet_out_2.alpha": torch.tensor(1.0)})


def _not_a_number(path: Path) -> None:
    _changed(path, {f"{_UNET}.lora_up.weight": torch.full((16, RANK), torch.nan)})


def _ranks_apart(path: Path) -> None:
    _changed(path, {f"{_UNET}.lora_up.weight": torch.zeros(16, RANK + 1)})


def _dora(path: Path) -> None:
    _changed(path, {f"{_UNET}.dora_scale": torch.ones(16, 1)})


def _noted_dora(path: Path) -> None:
    write_peft(path, metadata={"lora_adapter_metadata": json.dumps({"unet.use_dora": True})})


def _noted(note: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        write_peft(path, metadata={"lora_adapter_metadata": json.dumps(note)})

    return write


def _pattern(pattern: str, alpha: object = 1) -> Callable[[Path], None]:
    return _noted({"unet.alpha_pattern": {pattern: alpha}})


def _deep_note(path: Path) -> None:
    write_peft(path, metadata={"lora_adapter_metadata": "[" * 100_000})


def _another_layer(path: Path) -> None:
    _changed(
        path,
        {
            "lora_unet_input_blocks_99_1_proj_in.lora_down.weight": torch.zeros(RANK, 4),
            "lora_unet_input_blocks_99_1_proj_in.lora_up.weight": torch.zeros(4, RANK),
        },
    )


def _another_width(path: Path) -> None:
    _changed(path, {f"{_UNET}.lora_down.weight": torch.zeros(RANK, 768)})


def _sd_1_5(path: Path) -> None:
    name = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    tensors = {f"{name}.lora_down.weight": torch.zeros(RANK, 768)}
    tensors[f"{name}.lora_up.weight"] = torch.zeros(3072, RANK)
    save_file(tensors, path, {"ss_base_model_version": "sd_v1"})


def _wan(path: Path) -> None:
    name = "diffusion_model.blocks.0.self_attn.q"
    tensors = {f"{name}.lora_A.weight": torch.zeros(RANK, 1536)}
    save_file(tensors | {f"{name}.lora_B.weight": torch.zeros(1536, RANK)}, path)


def _same_layer_twice(path: Path) -> None:
    layer = next(iter(LAYERS))
    down, up = matrices(layer)
    _changed(path, {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up})


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_cut, r"has \d+ bytes, expected \d+"),
        (_pickled, "is not a safetensors file"),
        (_empty, "is not a safetensors file"),
        (_without_matrices, "has no LoRA matrices"),
        (_half, "only one of its two matrices"),
        (_stray_alpha, "lora_unet_out_2.alpha without matrices"),
        (_not_a_number, "no finite numbers"),
        (_ranks_apart, "16×3 and 2×64, cannot be multiplied"),
        (_dora, "dora_scale, which is no part of a plain LoRA"),
        (_noted_dora, "is a DoRA"),
        (_deep_note, "is no JSON object"),
        (_noted([[1, 2]]), "is no JSON object"),
        (_noted({"unet.lora_alpha": "much"}), "expected a finite number as alpha of unet"),
        (_noted({"unet.lora_alpha": "nan"}), "expected a finite number as alpha of unet"),
        (_noted({"unet.lora_alpha": math.inf}), "expected a finite number as alpha of unet"),
        (_noted({"unet.lora_alpha": 10**400}), "expected a finite number as alpha of unet"),
        (
            _noted({"unet.alpha_pattern": ["to_k"]}),
            "alpha_pattern of its lora_adapter_metadata is no JSON object",
        ),
        (_pattern("to_k", math.nan), "expected a finite number as alpha of unet"),
        # As a regular expression this takes for ever.
        (_pattern("([a-z0-9_.]+)+X"), r"found the name '\(\[a-z0-9_.\]\+\)\+X'"),
        (_pattern("attn2|attn1"), "expected a layer's name or its end"),
        (_pattern(""), "expected a layer's name or its end"),
        (_another_layer, "for another model: 1 of its 4 layers are not in this one"),
        (_another_width, "as a layer of 16 × 768, expected 16 × 64"),
        (_sd_1_5, "1 of its 1 layers .* trained for sd_v1"),
        (_wan, "for another model: 1 of its 1 layers"),
        (_same_layer_twice, "for one layer under several names"),
    ],
)
def test_a_file_that_does_not_fit_as_a_whole_is_refused(
    wear: Wear, shelf: Path, write: Callable[[Path], None], words: str
) -> None:
    plain = pixels(wear())
    write(shelf / "wrong.safetensors")
    with pytest.raises(OurvidzError, match=words) as refusal:
        wear("kohya", "wrong")
    assert refusal.value.code == "lora_invalid"
    assert str(shelf / "wrong.safetensors") in str(refusal.value)
    assert pixels(wear()) == plain


def test_a_missing_file_is_told_by_its_path(wear: Wear) -> None:
    with pytest.raises(OurvidzError, match=r"there is no LoRA file .*nowhere\.safetensors") as refusal:
        wear("nowhere")
    assert refusal.value.code == "lora_missing"


def test_a_lora_of_a_model_that_was_unloaded_takes_no_memory(
    checkpoint: Path, shelf: Path, context: Context
) -> None:
    def held() -> int:
        gc.collect()
        return sum(type(one) is Matrices for one in gc.get_objects())

    before = held()
    loaded = load_from(checkpoint, root=shelf)
    worn = parameters(loras=(Lora(file="kohya.safetensors"),))
    loaded.generate(GenerationRequest(job_type=job_type(), parameters=worn, seeds=(7,)), context)
    assert held() == before + 1
    loaded.unload()
    assert held() == before
