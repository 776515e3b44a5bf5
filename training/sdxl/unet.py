"""Trains UNet and text encoders together, from captions, on the latents of whole pictures."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import click
import torch
from diffusers import AutoencoderKL
from torch import nn
from torch.nn import functional

from training.runs import Average, Run, learning_rate
from training.sdxl import parts
from training.sdxl.captioned import Batch, Size, captioned, portions
from training.sdxl.checkpoint import read_checkpoint, write_checkpoint

#: Sizes of pictures in pixels (height, width), with the share of the steps that each has, and how many
#: pictures of each are kept. Most of what is to be learnt is learnt where it costs a quarter or less.
SIZES: dict[str, dict[Size, tuple[float, int]]] = {
    "small": {(512, 512): (1.0, 40_000)},
    "all": {
        (1024, 1024): (0.8, 12_000),
        (512, 512): (0.08, 6_000),
        (1280, 1280): (0.06, 1_000),
        (1216, 832): (0.03, 700),
        (832, 1216): (0.03, 700),
    },
}

#: Pixels of the pictures in which the size of a batch is told.
FULL = 1024 * 1024

#: Share of the captions that are left out, so that the model also learns what guidance leads away from.
UNCAPTIONED = 0.1

#: Of the steps of training, the share at pure noise, where every picture begins, and the share in the
#: noisy part, where its shapes are settled, with that part's first timestep; the rest is anywhere.
PURE, NOISY, NOISY_FROM = 0.1, 0.5, 600


class Denoiser(nn.Module):
    """What is trained together: the UNet and both text encoders."""

    def __init__(self, unet: Any, first: Any, second: Any) -> None:
        super().__init__()
        self.unet: Any = unet
        self.first: Any = first
        self.second: Any = second

    def read(self, tokens: torch.Tensor, kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings of B×2×77 tokens, as SDXL's pipeline makes them; zeros where a caption is not kept."""
        first = self.first(tokens[:, 0], output_hidden_states=True)
        second = self.second(tokens[:, 1], output_hidden_states=True)
        words = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
        return words * kept[:, None, None], second.text_embeds * kept[:, None]


@click.command("sdxl-unet")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option(
    "--vae", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the trained VAE."
)
@click.option("--begin", type=click.Path(path_type=Path, exists=True), help="Checkpoint to start from.")
@click.option("--sizes", type=click.Choice(list(SIZES)), default="all", show_default=True)
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=9.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--batch", type=int, default=128, show_default=True, help="Pictures of 1024 by 1024 pixels at a time."
)
@click.option("--learning-rate", "height", type=float, default=1e-3, show_default=True, help="At its height.")
@click.option("--share", type=float, default=1.0, show_default=True, help="Of the pictures that are kept.")
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
def train_unet(
    out: Path,
    vae: Path,
    begin: Path | None,
    sizes: str,
    minutes: float,
    seed: int,
    batch: int,
    height: float,
    share: float,
    device: str,
) -> None:
    """Train UNet and text encoders of the small SDXL checkpoint; write all of it into OUT/checkpoint."""
    settings: dict[str, Any] = {
        "vae": str(vae),
        "sizes": sizes,
        "seed": seed,
        "batch": batch,
        "height": height,
        "share": share,
    }
    settings["begin"] = str(begin) if begin else None
    run = Run(out, minutes=minutes, settings=settings)
    torch.manual_seed(seed)
    parts.write_tokenizers(out)
    counts = {size: max(int(count * share), 8) for size, (_, count) in SIZES[sizes].items()}
    described = portions(counts, out, seed)
    model = Denoiser(*read_checkpoint(begin)) if begin else Denoiser(parts.unet(), *parts.text_encoders(out))
    model.to(device)
    model.unet.to(memory_format=torch.channels_last)
    average = Average(model, decay=0.999)
    optimizer = torch.optim.AdamW(model.parameters(), lr=height, betas=(0.9, 0.99), weight_decay=0.01)
    run.resume(model, average, optimizer)
    autoencoder = AutoencoderKL.from_pretrained(vae).to(device)
    kept = {size: captioned(autoencoder, found, device) for size, found in described.items()}
    signal = parts.scheduler().alphas_cumprod.to(device)
    # The size that takes most of the time is compiled; of the others compiling would take more.
    compiled = torch.compile(model.unet, dynamic=False) if device == "cuda" else model.unet
    lots = random.Random(seed + run.step)
    draws = torch.Generator(device).manual_seed(seed + run.step)
    shares = [one for one, _ in SIZES[sizes].values()]
    for part in run.steps(model, average, optimizer):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(part, height)
        size = lots.choices(list(kept), shares)[0]
        number = max(1, batch * FULL // (size[0] * size[1]))
        unet = compiled if SIZES[sizes][size][0] > 0.5 else model.unet
        with torch.autocast(device, torch.bfloat16):
            loss = _loss(model, unet, kept[size].batch(number, draws), signal, draws)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model, run.step)
        run.note(loss=loss)
    mean = average.module
    write_checkpoint(out / "checkpoint", out, autoencoder, mean.unet, mean.first, mean.second)


def _loss(
    model: Denoiser, unet: Any, batch: Batch, signal: torch.Tensor, draws: torch.Generator
) -> torch.Tensor:
    """Mean squared error of the velocity, at timesteps by lot."""
    latents, tokens, size = batch.latents, batch.tokens, batch.size
    count, device = len(latents), latents.device
    lot = torch.rand(count, 3, generator=draws, device=device)
    anywhere = (lot[:, 0] * 1000).long()
    noisy = NOISY_FROM + (lot[:, 0] * (1000 - NOISY_FROM)).long()
    timesteps = torch.where(lot[:, 1] < NOISY, noisy, anywhere)
    timesteps = torch.where(lot[:, 1] > 1 - PURE, 999, timesteps)
    keep = (lot[:, 2] >= UNCAPTIONED).float()
    noise = torch.randn(latents.shape, generator=draws, device=device)
    a = signal[timesteps].sqrt()[:, None, None, None]
    b = (1 - signal[timesteps]).sqrt()[:, None, None, None]
    noised = (a * latents + b * noise).to(memory_format=torch.channels_last)
    words, pooled = model.read(tokens, keep)
    height, width = size
    sizes = torch.tensor([height, width, 0, 0, height, width], device=device).repeat(count, 1)
    found = unet(
        noised,
        timesteps,
        words,
        added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes},
        return_dict=False,
    )[0]
    return functional.mse_loss(found.float(), a * noise - b * latents)
