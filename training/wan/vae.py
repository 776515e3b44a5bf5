"""Trains the VAE on windows of clips."""

from __future__ import annotations

from pathlib import Path

import click
import torch
from diffusers import AutoencoderKLWan
from torch.nn import functional

from training.optimizers import Optimizer
from training.runs import Average, Run, learning_rate
from training.wan import parts
from training.wan.clips import SIZES, TINY, Pool
from training.wan.contact_sheet import save_clips
from training.wan.passes import decode, encode
from training.world.described import draw_described
from training.world.painting import Size

#: Frames, height and width of the windows. The first frame passes alone, as a picture does.
WINDOW = (17, 128, 128)

#: Of every this many steps one sees whole pictures, of which a GPU holds fewer: the borders, and the
#: attention over all of a picture.
WHOLE_EVERY, WHOLE_FRAMES, WHOLE_SHARE = 6, 5, 4

#: Weight of the latents' divergence from a normal distribution. Some thousand times that of published
#: models: smooth latents are worth more to a small transformer than the last bit of sharpness.
DIVERGENCE = 3e-4

#: Weights of the differences between neighbouring pixels, which keep edges sharp, and between frames.
EDGES, CHANGES = 1.0, 1.0

#: Clips of each size by which the latents and the pictures are measured.
MEASURED = 32


@click.command("wan-vae")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option("--minutes", type=float, default=6.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--batch", type=int, default=32, show_default=True, help="Windows at a time.")
@click.option("--clips", type=int, default=1500, show_default=True, help="Different clips of each size.")
@click.option(
    "--learning-rate", "height", type=float, default=1.5e-3, show_default=True, help="At its height."
)
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
@click.option("--tiny", is_flag=True, hidden=True, help="Tiny pictures, to try the code out.")
def train_vae(
    out: Path, minutes: float, seed: int, batch: int, clips: int, height: float, device: str, tiny: bool
) -> None:
    """Train the VAE of the small WAN checkpoint; write it into OUT/vae."""
    settings = {"seed": seed, "batch": batch, "clips": clips, "height": height, "tiny": tiny}
    run = Run(out, minutes=minutes, settings=settings)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = True
    sizes = TINY if tiny else SIZES
    described = [draw_described(("vae", seed, size), clips, moving=True) for size in sizes]
    vae = parts.vae().to(device)
    average = Average(vae, decay=0.999)
    optimizer = Optimizer(vae, lr=height, weight_decay=0.0)
    run.resume(vae, average, optimizer)
    pools = [Pool(mine, size, device) for mine, size in zip(described, sizes, strict=True)]
    lots = torch.Generator().manual_seed(seed + run.step)
    frames, *sides = (5, 32, 32) if tiny else WINDOW
    window: Size = (sides[0], sides[1])
    # Whole pictures pass too seldom to be worth the time of compiling.
    compiled = torch.compile(losses) if device == "cuda" else losses
    for share in run.steps(vae, average, optimizer):
        pool = pools[run.step // WHOLE_EVERY % len(pools)]
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            if run.step % WHOLE_EVERY == WHOLE_EVERY - 1:
                found = losses(vae, pool.windows(max(1, batch // WHOLE_SHARE), WHOLE_FRAMES, pool.size, lots))
            else:
                found = compiled(vae, pools[run.step % len(pools)].windows(batch, frames, window, lots))
        total = (
            found["level"]
            + EDGES * found["edges"]
            + CHANGES * found["changes"]
            + DIVERGENCE * found["divergence"]
        )
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step(learning_rate(share, height))
        average.update(vae, run.step)
        run.note(total=total, **found)
    _finish(average.module, pools, out)


def losses(vae: AutoencoderKLWan, frames: torch.Tensor) -> dict[str, torch.Tensor]:
    """Mean absolute differences of levels, edges and changes, and the divergence of a latent.

    ``frames`` are B×3×F×H×W, -1 to 1.
    """
    mean, logvar = encode(vae, frames)
    painted = decode(vae, mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)).float()
    edges = torch.zeros((), device=frames.device)
    for size in (1, 2, 4):
        # In space alone: an edge that moves is no less an edge.
        a, b = (functional.avg_pool3d(one, (1, size, size)) for one in (painted, frames))
        for side in (3, 4):
            edges = edges + (a.diff(dim=side) - b.diff(dim=side)).abs().mean()
    return {
        "level": (painted - frames).abs().mean(),
        "edges": edges,
        "changes": (painted.diff(dim=2) - frames.diff(dim=2)).abs().mean(),
        "divergence": 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean(),
    }


@torch.no_grad()
def _finish(vae: AutoencoderKLWan, pools: list[Pool], out: Path) -> None:
    """Measure the latents, for the pipeline to take them to mean 0 and deviation 1; write the VAE."""
    vae = vae.float().eval()
    seen = [clip for pool in pools for clip in torch.split(pool.some(MEASURED), 1)]
    found = [encode(vae, clip) for clip in seen]
    latents = [mean for mean, _ in found]
    channels = torch.cat([mean.flatten(2) for mean in latents], dim=2)[0]
    # Of samples, so that a channel that the VAE leaves unused does not become a loud one of noise.
    inside = torch.cat([logvar.exp().flatten(2) for _, logvar in found], dim=2)[0].mean(dim=1)
    vae.register_to_config(
        latents_mean=[round(one, 4) for one in channels.mean(dim=1).tolist()],
        latents_std=[round(one, 4) for one in (channels.var(dim=1) + inside).sqrt().tolist()],
    )
    vae.half().save_pretrained(out / "vae")
    # As it will be read: through half precision.
    vae.float()
    painted = [vae.decode(one, return_dict=False)[0] for one in latents]
    errors = torch.stack([(a - b).square().mean() / 4 for a, b in zip(seen, painted, strict=True)])
    click.echo(f"whole clips: PSNR {(-10 * errors.log10()).mean().item():.2f} dB")
    used = (channels.std(dim=1) / torch.tensor(vae.config.latents_std, device=channels.device)).tolist()
    click.echo(f"use of the latents' channels, 0 to 1: {', '.join(f'{one:.2f}' for one in used)}")
    for name, index in (("portrait", 0), ("landscape", MEASURED)):
        rows = [row for clip in range(index, index + 4) for row in (seen[clip], painted[clip])]
        save_clips(rows, out / f"{name}.png")
