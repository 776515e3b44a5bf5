"""Trains transformer and text encoder together, from captions, on the latents of whole clips."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from diffusers import AutoencoderKLWan
from torch import nn
from torch.nn import functional

from training.runs import Average, Run, learning_rate
from training.wan import parts
from training.wan.captioned import captioned
from training.wan.checkpoint import read_checkpoint, write_checkpoint
from training.wan.clips import FRAMES, Size
from training.wan.portions import draw
from training.wan.samples import save_samples
from training.wan.words import count_words, nothing_tokens, write_words


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
    def tokens(self) -> int:
        """How many the transformer sees of each."""
        return ((self.frames - 1) // 4 + 1) * (self.size[0] // 16) * (self.size[1] // 16)


#: What a run learns from. What is in a picture is learnt from pictures, at a ninth of a clip's tokens and
#: less than a twentieth of its time; what moves is then learnt from clips.
STAGES: dict[str, tuple[Kind, ...]] = {
    "pictures": (
        Kind((416, 240), 1, 0.45, 24_000),
        Kind((240, 416), 1, 0.45, 24_000),
        Kind((480, 832), 1, 0.05, 3_000),
        Kind((832, 480), 1, 0.05, 3_000),
    ),
    "clips": (
        Kind((416, 240), FRAMES, 0.4, 4_000),
        Kind((240, 416), FRAMES, 0.4, 4_000),
        Kind((416, 240), 1, 0.1, 8_000),
        Kind((240, 416), 1, 0.1, 8_000),
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


class Denoiser(nn.Module):
    """What is trained together: the transformer and the text encoder."""

    def __init__(self, transformer: Any, text_encoder: Any) -> None:
        super().__init__()
        self.transformer: Any = transformer
        self.text_encoder: Any = text_encoder

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """Embeddings, B × TEXT_TOKENS × width, of B × any tokens, as WanPipeline makes them."""
        return parts.embeddings(self.text_encoder, tokens)


def new_denoiser(words: int) -> Denoiser:
    """Untrained; ``words`` is the size of the vocabulary."""
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
    return Denoiser(transformer, parts.text_encoder(words))


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
@click.option("--begin", type=click.Path(path_type=Path, exists=True), help="Checkpoint to start from.")
@click.option("--stage", type=click.Choice(list(STAGES)), default="clips", show_default=True)
@click.option("--minutes", type=float, default=7.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another one sees other scenes.")
@click.option("--batch", type=int, default=32, show_default=True, help="Clips at a time, or as many tokens.")
@click.option("--learning-rate", "height", type=float, default=1e-3, show_default=True, help="At its height.")
@click.option("--unit", type=float, default=1.0, show_default=True, help="Guidance that 1 shall stand for.")
@click.option("--share", type=float, default=1.0, show_default=True, help="Of the clips that are kept.")
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
def train_transformer(
    out: Path, vae: Path, begin: Path | None, stage: str, minutes: float, seed: int, batch: int,
    height: float, unit: float, share: float, device: str,
) -> None:  # fmt: skip
    """Train transformer and text encoder of the small WAN checkpoint; write all of it into OUT/checkpoint."""
    settings: dict[str, Any] = {"stage": stage, "seed": seed, "batch": batch, "height": height, "unit": unit}
    run = Run(out, minutes=minutes, settings={**settings, "share": share, "begin": str(begin or "")})
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = True
    write_words(out / "tokenizer")
    began = time.monotonic()
    kinds = STAGES[stage]
    portions = [
        draw(
            (stage, seed, index),
            max(8, int(kind.count * share)),
            moving=kind.frames > 1,
            tokenizer=out / "tokenizer",
        )
        for index, kind in enumerate(kinds)
    ]
    click.echo(f"drew and described scenes in {time.monotonic() - began:.0f} s")
    model = Denoiser(*read_checkpoint(begin)) if begin else new_denoiser(count_words(out / "tokenizer"))
    model.to(device).train()
    average = Average(model, decay=0.999)
    optimizer = torch.optim.AdamW(model.parameters(), lr=height, betas=(0.9, 0.99), weight_decay=0.01)
    run.resume(model, average, optimizer)
    began = time.monotonic()
    autoencoder = AutoencoderKLWan.from_pretrained(vae).float().to(device).eval()
    kept = [
        captioned(autoencoder, mine, kind.size, kind.frames, device)
        for mine, kind in zip(portions, kinds, strict=True)
    ]
    nothings = nothing_tokens(out / "tokenizer", seed).to(device)
    click.echo(f"painted and encoded in {time.monotonic() - began:.0f} s")
    if device == "cuda":
        # One block for all of them, and for each number of tokens.
        model.transformer.compile_repeated_blocks(dynamic=False)
    lots = random.Random(seed + run.step)
    draws = torch.Generator(device).manual_seed(seed + run.step)
    full = max(kind.tokens for kind in STAGES["clips"]) if stage != "tiny" else kinds[1].tokens
    for part in run.steps(model, average, optimizer):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(part, height)
        kind = lots.choices(range(len(kinds)), [one.share for one in kinds])[0]
        latents, tokens = kept[kind].batch(batch * full // kinds[kind].tokens, draws)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            loss = flow_loss(model, latents, tokens, nothings, unit=unit, draws=draws)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model, run.step)
        run.note(loss=loss, gradient=gradient)
    mean = average.module
    mean.eval()
    write_checkpoint(out / "checkpoint", out / "tokenizer", autoencoder, mean.transformer, mean.text_encoder)
    save_samples(out, device, tiny=stage == "tiny")


def flow_loss(
    model: Denoiser,
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
    words = model.read(torch.where(bare[:, None], nothings[index].long(), tokens))
    if unit != 1:
        with torch.no_grad():
            empty = model.read(nothings[:1].long()).expand(count, -1, -1)
            unguided = model.transformer(noised, timesteps, empty, return_dict=False)[0].float()
        flow = torch.where(bare.view(-1, 1, 1, 1, 1), flow, torch.lerp(unguided, flow, unit))
    found = model.transformer(noised, timesteps, words, return_dict=False)[0]
    return functional.mse_loss(found.float(), flow)
