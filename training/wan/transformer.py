"""Trains the transformer from captions, on the latents of whole clips."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import nn
from torch.nn import functional

from training.optimizers import Optimizer
from training.runs import COOL_DOWN, Average, Run, learning_rate
from training.wan import parts
from training.wan.captioned import captioned
from training.wan.checkpoint import write_checkpoint
from training.wan.clips import FRAMES
from training.wan.samples import save_samples
from training.wan.text import read_text_encoder
from training.wan.words import nothing_tokens, reader, write_words
from training.world.described import draw_described
from training.world.painting import Size


@dataclass(frozen=True)
class Kind:
    """Clips or pictures of one size."""

    size: Size
    frames: int
    share: float
    """Of the steps."""
    count: int
    """How many different ones are kept."""

    @property
    def main(self) -> bool:
        """Whether there are so many that compiling what paints them pays."""
        return self.count * self.frames > 10_000

    @property
    def tokens(self) -> int:
        """How many the transformer sees of each."""
        return ((self.frames - 1) // 4 + 1) * (self.size[0] // 16) * (self.size[1] // 16)


#: What a run learns from. What is in a picture is learnt from pictures, at a ninth of a clip's tokens and
#: less than a twentieth of its time; what moves is then learnt from clips.
STAGES: dict[str, tuple[Kind, ...]] = {
    "pictures": (
        Kind((416, 240), 1, 0.46, 40_000),
        Kind((240, 416), 1, 0.46, 40_000),
        Kind((480, 832), 1, 0.04, 2_000),
        Kind((832, 480), 1, 0.04, 2_000),
    ),
    "clips": (
        Kind((416, 240), FRAMES, 0.42, 10_000),
        Kind((240, 416), FRAMES, 0.42, 10_000),
        Kind((416, 240), 1, 0.08, 20_000),
        Kind((240, 416), 1, 0.08, 20_000),
    ),
    "tiny": (Kind((64, 32), 1, 0.5, 64), Kind((32, 64), FRAMES, 0.5, 16)),
}

#: Share of the captions that are left out, so that the model also learns what guidance leads away from.
UNCAPTIONED = 0.1

#: Time shift of the noise levels in training. The scheduler's own is 3; a little more, since in pictures so
#: smooth much can be seen through noise, and who is where is settled early.
SHIFT = 4.0

#: How much of a query and of a padding's key is, at first, a direction in which they oppose each other.
OPPOSED = (1.0, 0.02)


def new_transformer() -> Any:
    """Untrained."""
    transformer = parts.transformer()
    embedder = transformer.condition_embedder
    # As WAN was begun (https://github.com/Wan-Video/Wan2.1, wan/modules/model.py).
    for layer in (embedder.time_embedder, embedder.text_embedder):
        for linear in (layer.linear_1, layer.linear_2):
            nn.init.normal_(linear.weight, std=0.02 if layer is embedder.time_embedder else 0.1)
            nn.init.zeros_(linear.bias)
    nn.init.zeros_(transformer.proj_out.weight)
    nn.init.zeros_(transformer.proj_out.bias)
    for block in transformer.blocks:
        _turn_from_padding(block.attn2)
    return transformer


@torch.no_grad()
def _turn_from_padding(attention: Any) -> None:
    """Let the queries turn away from what pads a text.

    A text is padded with zeros to 512 tokens, and all of them are attended to. A caption of twenty words
    would begin with a twenty-fifth of the attention, and be learnt late. The key of a zero is the keys' bias.
    """
    way = torch.randint(0, 2, attention.to_q.bias.shape) * 2.0 - 1
    attention.to_q.bias.copy_(way * OPPOSED[0])
    attention.to_k.bias.copy_(way * -OPPOSED[1])


@click.command("wan-transformer")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option(
    "--vae", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the trained VAE."
)
@click.option(
    "--text", type=click.Path(path_type=Path, exists=True), required=True, help="Run of the text encoder."
)
@click.option("--begin", type=click.Path(path_type=Path, exists=True), help="Checkpoint to start from.")
@click.option("--stage", type=click.Choice(list(STAGES)), default="clips", show_default=True)
@click.option("--minutes", type=float, default=7.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another one sees other scenes.")
@click.option("--batch", type=int, default=64, show_default=True, help="Clips at a time, or as many tokens.")
@click.option("--learning-rate", "height", type=float, default=2e-3, show_default=True, help="At its height.")
@click.option(
    "--cool-down",
    type=click.FloatRange(0, 1),
    default=COOL_DOWN,
    show_default=True,
    help="Share of the run at whose end the learning rate is 0; little where another run goes on.",
)
@click.option("--unit", type=float, default=1.0, show_default=True, help="Guidance that 1 shall stand for.")
@click.option("--share", type=float, default=1.0, show_default=True, help="Of the clips that are kept.")
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
def train_transformer(
    out: Path, vae: Path, text: Path, begin: Path | None, stage: str, minutes: float, seed: int, batch: int,
    height: float, cool_down: float, unit: float, share: float, device: str,
) -> None:  # fmt: skip
    """Train the transformer of the small WAN checkpoint; write all of the checkpoint into OUT/checkpoint."""
    settings: dict[str, Any] = {
        "vae": str(vae),
        "text": str(text),
        "begin": str(begin) if begin else None,
        "stage": stage,
        "seed": seed,
        "batch": batch,
        "height": height,
        "cool_down": cool_down,
        "unit": unit,
        "share": share,
    }
    run = Run(out, minutes=minutes, settings=settings)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = True
    write_words(out / "tokenizer")
    began = time.monotonic()
    kinds = STAGES[stage]
    read = reader(out / "tokenizer")
    described = [
        draw_described(
            (stage, seed, index), max(8, int(kind.count * share)), moving=kind.frames > 1, read=read
        )
        for index, kind in enumerate(kinds)
    ]
    click.echo(f"drew and described scenes in {time.monotonic() - began:.0f} s")
    transformer = read_transformer(begin) if begin else new_transformer()
    transformer.to(device).train()
    average = Average(transformer, decay=0.999)
    optimizer = Optimizer(transformer, lr=height, weight_decay=0.01)
    run.resume(transformer, average, optimizer)
    encoder = read_text_encoder(text).to(device).eval().requires_grad_(False)
    began = time.monotonic()
    autoencoder = AutoencoderKLWan.from_pretrained(vae).float().to(device).eval()
    kept = [
        captioned(autoencoder, mine, kind.size, kind.frames, device, compiled=device == "cuda" and kind.main)
        for mine, kind in zip(described, kinds, strict=True)
    ]
    nothings = torch.from_numpy(nothing_tokens(out / "tokenizer", seed)).to(device)
    click.echo(f"painted and encoded in {time.monotonic() - began:.0f} s")
    if device == "cuda":
        # One block for all of them, and for each number of tokens.
        transformer.compile_repeated_blocks(dynamic=False)
    lots = random.Random(seed + run.step)
    draws = torch.Generator(device).manual_seed(seed + run.step)
    full = max(kind.tokens for kind in STAGES["clips"]) if stage != "tiny" else kinds[1].tokens
    for part in run.steps(transformer, average, optimizer):
        kind = lots.choices(range(len(kinds)), [one.share for one in kinds])[0]
        latents, tokens = kept[kind].batch(max(1, batch * full // kinds[kind].tokens), draws)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            loss = flow_loss(transformer, encoder, latents, tokens, nothings, unit=unit, draws=draws)
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = torch.nn.utils.clip_grad_norm_(transformer.parameters(), 1.0)
        optimizer.step(learning_rate(part, height, cool_down))
        average.update(transformer, run.step)
        run.note(loss=loss, gradient=gradient)
    mean = average.module.eval()
    write_checkpoint(out / "checkpoint", out / "tokenizer", autoencoder, mean, encoder)
    save_samples(out, device, tiny=stage == "tiny")


def read_transformer(folder: Path) -> Any:
    """Of a checkpoint, in float32."""
    return WanTransformer3DModel.from_pretrained(folder / "transformer").float()


def flow_loss(
    transformer: Any,
    encoder: Any,
    latents: torch.Tensor,
    tokens: torch.Tensor,
    nothings: torch.Tensor,
    *,
    unit: float,
    draws: torch.Generator,
) -> torch.Tensor:
    """Mean squared error of the flow from video to noise, at noise levels by lot.

    With a guidance ``unit`` below 1 what is learnt of a caption is only that share of its difference to what
    is learnt of no caption: the guidance g of the pipeline is then one of g x unit. The job types ask for
    6 to 8, which suits a model that hardly knows what a caption means; this one knows its few words well,
    and follows them best at 2 to 3. In a first trial (pictures of 8 tokens, 300 steps) guidance 6.5 widened
    the latents' spread around their mean 1.61 times and left a mean squared error of 0.086 to what was
    described; with a unit of 0.35 it was 1.19 times and 0.041, as guidance 2 was before.
    """
    count, device = len(latents), latents.device
    lot = torch.rand(count, 2, generator=draws, device=device)
    sigma = SHIFT * lot[:, 0] / (1 + (SHIFT - 1) * lot[:, 0])
    # Whole, as the scheduler's are.
    timesteps = (1000 * sigma).floor()
    sigma = sigma.view(-1, 1, 1, 1, 1)
    noise = torch.randn(latents.shape, generator=draws, device=device)
    noised = (1 - sigma) * latents + sigma * noise
    flow = noise - latents
    bare = lot[:, 1] < UNCAPTIONED
    index = torch.randint(0, len(nothings), (count,), generator=draws, device=device)
    with torch.no_grad():
        words = parts.embeddings(encoder, torch.where(bare[:, None], nothings[index].long(), tokens))
        if unit != 1:
            empty = parts.embeddings(encoder, nothings[:1].long()).expand(count, -1, -1)
            unguided = transformer(noised, timesteps, empty, return_dict=False)[0].float()
            flow = torch.where(bare.view(-1, 1, 1, 1, 1), flow, torch.lerp(unguided, flow, unit))
    found = transformer(noised, timesteps, words, return_dict=False)[0]
    return functional.mse_loss(found.float(), flow)
