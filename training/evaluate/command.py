"""Evaluates a checkpoint: by measurement on what it paints, never by eye."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch
from rich.progress import Progress

from training.evaluate.bars import KINDS, judge
from training.evaluate.bars import variants as required_variants
from training.evaluate.cases import draw_cases
from training.evaluate.libraries import quiet
from training.evaluate.measuring import measuring
from training.evaluate.report import digest, save_sheet, show, show_judgements, versions, write
from training.evaluate.settings import Settings, read_settings
from training.evaluate.tally import markdown

#: Pictures or videos of the sheet beside the report.
SHEET = 40

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group()
def evaluate() -> None:
    """Measure how well a checkpoint follows prompts."""


def _options(job_type: str) -> Callable[[Any], Any]:
    """What both kinds of checkpoint take."""
    options = (
        click.argument("checkpoint", type=_FOLDER),
        click.option("--prompts", type=click.IntRange(min=1), default=500, show_default=True),
        click.option("--job-type", default=job_type, show_default=True, help="Steps, guidance and size."),
        click.option("--size", help="Another size than the job type's, such as 512 or 1216x832."),
        click.option("--full", is_flag=True, help="With all variants that judging the report asks for."),
        click.option(
            "--variant",
            "variants",
            multiple=True,
            help="Also with guidance=1, steps=30, seed=1, or size=1280, which no profile reduces.",
        ),
        click.option("--variant-prompts", type=int, help="How many prompts variants have; the first of all."),
        click.option("--seed", type=int, default=2024, show_default=True),
        click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True),
        click.option("--out", type=_FILE, required=True, help="Report as JSON; a sheet goes beside it."),
    )
    return lambda command: functools.reduce(lambda found, option: option(found), reversed(options), command)


@evaluate.command()
@_options("sdxl_image_fast")
@click.option("--repaint", is_flag=True, help="Also paint over renderings, by sdxl_img2img.")
def sdxl(checkpoint: Path, device: str, **options: Any) -> None:
    """Evaluate an SDXL CHECKPOINT on prompts whose combinations it was not trained on.

    Beside what it paints stand an upper control, renderings of the same scenes through its VAE, and a
    lower one, its pictures with the captions of others.
    """
    quiet()
    from training.evaluate.sdxl import PicturePainter

    load = functools.partial(PicturePainter, checkpoint, device)
    _evaluate("sdxl", checkpoint, load, device, profile=None, **options)


@evaluate.command()
@_options("video_fast")
@click.option("--profile", default="demo", show_default=True, help="Of ourvidz.yaml, by which it is reduced.")
def wan(checkpoint: Path, device: str, **options: Any) -> None:
    """Evaluate a WAN CHECKPOINT on prompts whose combinations it was not trained on.

    Three of four scenes move. The controls are those of SDXL.
    """
    quiet()
    from training.evaluate.wan import VideoPainter

    load = functools.partial(VideoPainter, checkpoint, device)
    _evaluate("wan", checkpoint, load, device, repaint=False, **options)


def _evaluate(
    kind: str,
    checkpoint: Path,
    load: Callable[[], Any],
    device: str,
    *,
    prompts: int,
    job_type: str,
    profile: str | None,
    size: str | None,
    full: bool,
    variants: tuple[str, ...],
    variant_prompts: int | None,
    repaint: bool,
    seed: int,
    out: Path,
) -> None:
    from training.evaluate.evaluation import Evaluation

    settings, varied = _settings(job_type, profile, size, variants, kind if full else None)
    repaint = repaint or (full and KINDS[kind].repaints)
    began = time.monotonic()
    painter = load()
    cases = draw_cases(seed, prompts, moving=kind == "wan")
    with measuring() as pool, Progress(disable=not sys.stderr.isatty()) as progress:
        evaluation = Evaluation(painter, pool, progress)
        few = cases[:variant_prompts]
        painted = evaluation.paint(cases, settings, len(few) if len(few) < len(cases) else None)
        for variant, changed in varied.items():
            evaluation.paint_variant(variant, few, changed, painted)
        if repaint:
            repainted = read_settings("sdxl_img2img").varied(f"size={settings.width}x{settings.height}")
            evaluation.repaint(painter, few, repainted)
        pool.finish()
    results = evaluation.figures()
    seconds = round(time.monotonic() - began, 1)
    report = {
        "checkpoint": {"name": checkpoint.resolve().name, "digest": digest(checkpoint)},
        "job_type": job_type,
        "settings": settings.figures(),
        "variants": {name: one.figures() for name, one in varied.items()},
        "scheduler": painter.scheduler,
        "prompts": {"count": prompts, "seed": seed, "of variants": len(few)},
        "device": device,
        "versions": versions(),
        "seconds": seconds,
        "differences": evaluation.differences,
        "results": results,
    }
    write(report, out)
    save_sheet(
        painted[:SHEET],
        [case.caption.text for case in cases[:SHEET]],
        out.with_name(out.name.removesuffix(".json")),
    )
    show(results)
    click.echo(f"{out}: {prompts} prompts in {seconds:.0f} s")


def _settings(
    job_type: str, profile: str | None, size: str | None, variants: tuple[str, ...], full: str | None
) -> tuple[Settings, dict[str, Settings]]:
    try:
        settings = read_settings(job_type, profile)
        settings = settings.varied(f"size={size}") if size else settings
        if full is not None:
            variants = (*required_variants(full, settings), *variants)
        return settings, {variant: settings.varied(variant) for variant in variants}
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@evaluate.command()
@click.argument("report", type=_FILE)
@click.argument("results", nargs=-1)
def table(report: Path, results: tuple[str, ...]) -> None:
    """Print RESULTS of a REPORT, or all of them, as a table in Markdown."""
    found = json.loads(report.read_text(encoding="utf-8"))["results"]
    click.echo(markdown({name: found[name] for name in results or found}), nl=False)


@evaluate.command(name="judge")
@click.argument("report", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def judge_report(report: Path, as_json: bool) -> None:
    """Say which bars a REPORT clears; exit with 1 if it is not all of them.

    What is asked, and why, stands in training/evaluate/bars.py.
    """
    try:
        found = judge(json.loads(report.read_text(encoding="utf-8")))
    except (KeyError, ValueError) as error:
        raise click.UsageError(f"{report}: found no report of an evaluation: {error}") from None
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found], indent=2))
    else:
        show_judgements(found)
    if not all(one.passed for one in found):
        sys.exit(1)
