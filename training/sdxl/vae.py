"""Trains the VAE on windows of pictures at their full size."""

from __future__ import annotations

from pathlib import Path

import click
import torch
from diffusers import AutoencoderKL
from torch.nn import functional

from training.optimizers import Optimizer
from training.runs import Average, Run, learning_rate
from training.sdxl import parts
from training.sdxl.pictures import Pictures

#: Half of what is seen are windows of pictures of ``LARGE`` pixels, half whole pictures of ``SIDE``: what
#: normalisation takes away depends on how much of a picture there is.
SIDE, LARGE = 512, 1024

#: Weight of the latents' divergence from a normal distribution. Some thousand times that of published
#: models: smooth latents are worth more to a small UNet than the last bit of sharpness.
DIVERGENCE = 3e-4

#: Pictures by which the latents are brought to their spread, and the errors are measured.
CHECKED = 64

#: Weight of the differences between neighbouring pixels, which keeps edges sharp.
EDGES = 1.0


@click.command("sdxl-vae")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=5.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--batch", type=click.IntRange(min=2), default=16, show_default=True)
@click.option(
    "--scenes",
    type=click.IntRange(min=1),
    default=3_000,
    show_default=True,
    help="Different pictures to see.",
)
@click.option(
    "--learning-rate", "height", type=float, default=1.5e-3, show_default=True, help="At its height."
)
@click.option("--begin", type=click.Path(path_type=Path, exists=True), help="Folder of a VAE to start from.")
@click.option("--decoder-only", is_flag=True, help="Leave the encoder, and so the latents, as they are.")
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
def train_vae(
    out: Path,
    minutes: float,
    seed: int,
    batch: int,
    scenes: int,
    height: float,
    begin: Path | None,
    decoder_only: bool,
    device: str,
) -> None:
    """Train the VAE of the small SDXL checkpoint; write it into OUT/vae."""
    settings = {"seed": seed, "batch": batch, "scenes": scenes, "height": height, "begin": str(begin)}
    run = Run(out, minutes=minutes, settings=settings | {"decoder_only": decoder_only})
    torch.manual_seed(seed)
    vae = AutoencoderKL.from_pretrained(begin).float() if begin else parts.vae()
    vae.to(device, memory_format=torch.channels_last).train()
    for part in (vae.encoder, vae.quant_conv):
        part.requires_grad_(not decoder_only)
    average = Average(vae, decay=0.999)
    optimizer = Optimizer(vae, lr=height, weight_decay=0.0)
    run.resume(vae, average, optimizer)
    large = Pictures(seed, scenes, LARGE, device)
    small = Pictures(seed + 1, scenes, SIDE, device)
    lots = torch.Generator().manual_seed(seed + run.step)
    losses_of = torch.compile(_losses) if device == "cuda" else _losses
    for share in run.steps(vae, average, optimizer):
        half = batch // 2
        seen = torch.cat([large.windows(half, SIDE, lots), small.windows(batch - half, SIDE, lots)])
        with torch.autocast(device, torch.bfloat16):
            losses = losses_of(vae, seen * 2 - 1)
        total = losses["level"] + EDGES * losses["edges"] + DIVERGENCE * losses["divergence"]
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step(learning_rate(share, height))
        average.update(vae, run.step)
        run.note(total=total, **losses)
    # Others than it has learnt from.
    checked = Pictures(seed + 2, CHECKED, LARGE, device)
    _finish(average.module, checked, out, keep_latents=decoder_only)


def _losses(vae: AutoencoderKL, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """Mean absolute differences of levels and of edges, and the divergence of a latent."""
    latents = vae.encode(pictures).latent_dist
    mean, logvar = latents.mean.float(), latents.logvar.float()
    sample = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
    painted = vae.decode(sample).sample.float()
    edges = torch.zeros((), device=pictures.device)
    for size in (1, 2, 4):
        a, b = (functional.avg_pool2d(one, size) if size > 1 else one for one in (painted, pictures))
        edges = (
            edges
            + (a.diff(dim=2) - b.diff(dim=2)).abs().mean()
            + (a.diff(dim=3) - b.diff(dim=3)).abs().mean()
        )
    divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return {"level": (painted - pictures).abs().mean(), "edges": edges, "divergence": divergence}


@torch.no_grad()
def _finish(vae: AutoencoderKL, pictures: Pictures, out: Path, *, keep_latents: bool) -> None:
    """Bring the latents to their spread, measure, and write the VAE."""
    vae = vae.float().eval()
    seen = [pictures.whole(4 * index, 4) for index in range(CHECKED // 4)]
    latents = torch.cat([vae.encode(one * 2 - 1).latent_dist.mode() for one in seen])
    if not keep_latents:
        _normalise(vae, latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3)))
    vae.half().save_pretrained(out / "vae")
    vae.float()
    errors, spreads = [], []
    for one in seen:
        latents = vae.encode(one * 2 - 1).latent_dist.mode()
        painted = (vae.decode(latents).sample / 2 + 0.5).clamp(0, 1)
        errors.append((painted - one).square().mean(dim=(1, 2, 3)))
        spreads.append((latents * parts.SCALING_FACTOR).std())
    _save_pairs(one, painted, out / "pictures.png")
    decibels = (-10 * torch.cat(errors).log10()).mean().item()
    spread = torch.stack(spreads).mean().item()
    click.echo(f"whole pictures: PSNR {decibels:.2f} dB, spread of their latents {spread:.3f}")


def _normalise(vae: AutoencoderKL, mean: torch.Tensor, spread: torch.Tensor) -> None:
    """Shift and scale each latent channel inside the VAE, which goes on to paint the same pictures."""
    scale = parts.LATENT_SPREAD / parts.SCALING_FACTOR / spread
    before, after = vae.quant_conv, vae.post_quant_conv
    # Of what it puts out, the first half are means, the second logarithms of variances.
    before.weight[: len(mean)] *= scale[:, None, None, None]
    before.bias[: len(mean)] = (before.bias[: len(mean)] - mean) * scale
    before.bias[len(mean) :] += 2 * scale.log()
    after.bias += (after.weight[:, :, 0, 0] * mean).sum(dim=1)
    after.weight /= scale[None, :, None, None]


def _save_pairs(seen: torch.Tensor, painted: torch.Tensor, file: Path) -> None:
    """Originals above, what the VAE makes of them below."""
    from PIL import Image

    rows = torch.cat([torch.cat(list(one), dim=2) for one in (seen, painted)], dim=1)
    levels = rows.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    image = Image.fromarray(levels)
    image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS).save(file)
