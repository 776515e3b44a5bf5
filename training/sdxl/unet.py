"""Trains the UNet from captions, on the latents of whole pictures."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import click
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch.nn import functional

from training.optimizers import Optimizer
from training.runs import COOL_DOWN, Average, Run, learning_rate
from training.sdxl import parts
from training.sdxl.captioned import captioned
from training.sdxl.checkpoint import write_checkpoint
from training.sdxl.text import TextEncoders, read_text_encoders, reader
from training.together import PROCESSES, RANK, average_gradients, join, leave
from training.world.described import draw_described
from training.world.painting import Size
from training.world.writing import nothing

#: Sizes of pictures in pixels (height, width), with the share of the steps that each has, and how many
#: pictures of each are kept.
SIZES: dict[str, dict[Size, tuple[float, int]]] = {
    "main": {(1024, 1024): (1.0, 40_000)},
    "all": {
        (1024, 1024): (0.86, 40_000),
        (512, 512): (0.08, 8_000),
        (1280, 1280): (0.03, 1_000),
        (1216, 832): (0.015, 700),
        (832, 1216): (0.015, 700),
    },
}

#: Pixels of the pictures in which the size of a batch is told.
FULL = 1024 * 1024

#: Share of the captions that are left out, so that the model also learns what guidance leads away from,
#: and of those that are replaced by words that say nothing, as negative prompts may be.
UNCAPTIONED, NOTHING = 0.08, 0.03

#: Different texts that say nothing.
NOTHINGS = 512

#: Of the steps of training, the share at pure noise, where some samplers begin, and the share in the
#: noisy part, where it is settled what is where, with that part's first timestep; the rest is anywhere.
PURE, NOISY, NOISY_FROM = 0.03, 0.55, 700


@click.command("sdxl-unet")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option(
    "--vae", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the trained VAE."
)
@click.option(
    "--text", type=click.Path(path_type=Path, exists=True), required=True, help="Run of the text encoders."
)
@click.option("--begin", type=click.Path(path_type=Path, exists=True), help="Checkpoint to start from.")
@click.option("--sizes", type=click.Choice(list(SIZES)), default="all", show_default=True)
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=9.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--batch",
    type=int,
    default=256,
    show_default=True,
    help="Pictures of 1024 by 1024 pixels at a time, on all GPUs together.",
)
@click.option("--learning-rate", "height", type=float, default=2e-3, show_default=True, help="At its height.")
@click.option(
    "--cool-down",
    type=click.FloatRange(0, 1),
    default=COOL_DOWN,
    show_default=True,
    help="Share of the run at whose end the learning rate is 0; little where another run goes on.",
)
@click.option("--unit", type=float, default=1.0, show_default=True, help="Guidance that 1 shall stand for.")
@click.option(
    "--unit-from",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of the run after which the unit counts; before, it is 1.",
)
@click.option(
    "--share", type=float, default=1.0, show_default=True, help="Of the pictures that are kept, on each GPU."
)
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
def train_unet(
    out: Path,
    vae: Path,
    text: Path,
    begin: Path | None,
    sizes: str,
    minutes: float,
    seed: int,
    batch: int,
    height: float,
    cool_down: float,
    unit: float,
    unit_from: float,
    share: float,
    device: str,
) -> None:
    """Train the UNet of the small SDXL checkpoint; write all of the checkpoint into OUT/checkpoint."""
    settings: dict[str, Any] = {
        "vae": str(vae),
        "text": str(text),
        "begin": str(begin) if begin else None,
        "sizes": sizes,
        "seed": seed,
        "batch": batch,
        "height": height,
        "cool_down": cool_down,
        "unit": unit,
        "unit_from": unit_from,
        "share": share,
        "processes": PROCESSES,
    }
    run = Run(out, minutes=minutes, settings=settings)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = True
    if not RANK:
        parts.write_tokenizers(out)
    read, began = reader(text), time.monotonic()
    described = {
        size: draw_described((seed, size, RANK), max(int(count * share), 8), moving=False, read=read)
        for size, (_, count) in SIZES[sizes].items()
    }
    click.echo(f"drew and described scenes in {time.monotonic() - began:.0f} s")
    join(device)
    unet: Any = UNet2DConditionModel.from_pretrained(begin / "unet").float() if begin else parts.unet()
    unet.to(device, memory_format=torch.channels_last)
    average = Average(unet, decay=0.999)
    optimizer = Optimizer(unet, lr=height, weight_decay=0.01)
    run.resume(unet, average, optimizer)
    encoders = read_text_encoders(text).to(device).eval().requires_grad_(False)
    autoencoder = AutoencoderKL.from_pretrained(vae).float().to(device)
    began = time.monotonic()
    # The size that takes most of the time is compiled; of the others compiling would take more.
    main = {size: device == "cuda" and one > 0.5 for size, (one, _) in SIZES[sizes].items()}
    kept = {
        size: captioned(autoencoder, found, size, device, compiled=main[size])
        for size, found in described.items()
    }
    lots = random.Random(seed + run.step)
    nothings = torch.from_numpy(read([nothing(lots) for _ in range(NOTHINGS)])).to(device)
    signal = parts.scheduler().alphas_cumprod.to(device)
    click.echo(f"painted and encoded in {time.monotonic() - began:.0f} s")
    denoise = {size: torch.compile(unet, dynamic=False) if one else unet for size, one in main.items()}
    draws = torch.Generator(device).manual_seed(seed + run.step + 1_000_003 * RANK)
    shares = [one for one, _ in SIZES[sizes].values()]
    for part in run.steps(unet, average, optimizer):
        size = lots.choices(list(kept), shares)[0]
        number = max(1, batch // PROCESSES * FULL // (size[0] * size[1]))
        now = unit if part >= unit_from else 1.0
        with torch.autocast(device, torch.bfloat16):
            latents, tokens = kept[size].batch(number, draws)
            words, pooled, bare = _read(encoders, tokens, nothings, draws)
            loss = _loss(denoise[size], latents, words, pooled, bare, size, signal, draws, unit=now)
        loss.backward()  # type: ignore[no-untyped-call]
        average_gradients(unet)
        gradient = torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step(learning_rate(part, height, cool_down))
        average.update(unet, run.step)
        run.note(loss=loss, gradient=gradient)
    if not RANK:
        write_checkpoint(out / "checkpoint", out, autoencoder, average.module, encoders)
    leave()


@torch.no_grad()
def _read(
    encoders: TextEncoders, tokens: torch.Tensor, nothings: torch.Tensor, draws: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Embeddings of captions; some are left out, as SDXL's pipeline does it, and some say nothing.

    Also which of them are so.
    """
    lot = torch.rand(len(tokens), generator=draws, device=tokens.device)
    index = torch.randint(0, len(nothings), (len(tokens),), generator=draws, device=tokens.device)
    left_out, says_nothing = lot < UNCAPTIONED, lot > 1 - NOTHING
    words, pooled = encoders(torch.where(says_nothing[:, None, None], nothings[index].long(), tokens))
    kept = (~left_out).to(words.dtype)
    return words * kept[:, None, None], pooled * kept[:, None], left_out | says_nothing


def _loss(
    unet: Any,
    latents: torch.Tensor,
    words: torch.Tensor,
    pooled: torch.Tensor,
    bare: torch.Tensor,
    size: Size,
    signal: torch.Tensor,
    draws: torch.Generator,
    *,
    unit: float,
) -> torch.Tensor:
    """Mean squared error of the velocity, at timesteps by lot.

    With a guidance ``unit`` below 1 what is learnt of a caption is only that share of its difference to what
    is learnt of no caption: the guidance g of the pipeline is then one of g x unit. The job types ask for 6
    to 7.5, which suits a model that hardly knows what a caption means; this one knows its few words well.
    ``bare`` are the pictures without a caption.
    """
    count, device = len(latents), latents.device
    lot = torch.rand(count, 2, generator=draws, device=device)
    anywhere = (lot[:, 0] * 1000).long()
    noisy = NOISY_FROM + (lot[:, 0] * (1000 - NOISY_FROM)).long()
    timesteps = torch.where(lot[:, 1] < NOISY, noisy, anywhere)
    timesteps = torch.where(lot[:, 1] > 1 - PURE, 999, timesteps)
    noise = torch.randn(latents.shape, generator=draws, device=device)
    a = signal[timesteps].sqrt()[:, None, None, None]
    b = (1 - signal[timesteps]).sqrt()[:, None, None, None]
    noised = (a * latents + b * noise).to(memory_format=torch.channels_last)
    height, width = size
    sizes = torch.tensor([height, width, 0, 0, height, width], device=device).repeat(count, 1)
    velocity = a * noise - b * latents
    if unit != 1:
        with torch.no_grad():
            unguided = _ask(unet, noised, timesteps, words * 0, pooled * 0, sizes).float()
        velocity = torch.where(bare[:, None, None, None], velocity, torch.lerp(unguided, velocity, unit))
    found = _ask(unet, noised, timesteps, words, pooled, sizes)
    return functional.mse_loss(found.float(), velocity)


def _ask(
    unet: Any,
    noised: torch.Tensor,
    timesteps: torch.Tensor,
    words: torch.Tensor,
    pooled: torch.Tensor,
    sizes: torch.Tensor,
) -> torch.Tensor:
    conditions = {"text_embeds": pooled, "time_ids": sizes}
    found: torch.Tensor = unet(noised, timesteps, words, added_cond_kwargs=conditions, return_dict=False)[0]
    return found
