"""The results of an evaluation as JSON, and as a table to look at."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from training.evaluate.bars import Judgement
from training.evaluate.measuring import Pixels
from training.evaluate.tally import ALL
from training.world.preview import contact_sheet

#: Columns of a sheet, and the shorter side of a picture there in pixels.
COLUMNS, THUMBNAIL = 8, 256

#: Frames of a video there.
MOMENTS = 4

LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "scipy")


def versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def digest(checkpoint: Path) -> str:
    """SHA-256 of the names and contents of a checkpoint's weights."""
    found = hashlib.sha256()
    for file in sorted(checkpoint.rglob("*.safetensors")):
        found.update(f"{file.relative_to(checkpoint).as_posix()}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def write(report: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def save_sheet(painted: Sequence[Pixels], captions: Sequence[str], stem: Path) -> None:
    """Write pictures or videos of one size into ``stem``.png, and their captions into ``stem``.txt."""
    columns = COLUMNS // MOMENTS if painted[0].ndim == 4 else COLUMNS
    small = []
    for pixels in painted:
        image = Image.fromarray(_strip(pixels) if pixels.ndim == 4 else pixels)
        scale = min(1.0, THUMBNAIL / min(image.size))
        side = (round(image.width * scale), round(image.height * scale))
        levels = np.asarray(image.resize(side, Image.Resampling.BOX), np.float32) / 255
        small.append(torch.from_numpy(levels).permute(2, 0, 1))
    contact_sheet(small, columns).save(stem.with_name(f"{stem.name}.png"))
    lines = (f"{index // columns + 1}.{index % columns + 1}  {text}\n" for index, text in enumerate(captions))
    stem.with_name(f"{stem.name}.txt").write_text("".join(lines), encoding="utf-8")


def _strip(frames: Pixels) -> Pixels:
    """Some frames of a video side by side, from the first to the last."""
    moments = [round(moment * (len(frames) - 1) / (MOMENTS - 1)) for moment in range(MOMENTS)]
    return np.concatenate([frames[moment] for moment in moments], axis=1)


def show(results: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print each class's count of claims in the first result, and how many percent hold in all of them."""
    first = next(iter(results.values()))
    table = Table("attribute", "claims", *results)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, counted in first.items():
        cells = [
            f"{100 * figures[name]['share']:.1f}" if name in figures else "" for figures in results.values()
        ]
        table.add_row(name, str(counted["count"]), *cells, style="bold" if name == ALL else None)
    # A pipe has no width of its own.
    width = None if sys.stdout.isatty() else 40 + sum(3 + len(name) for name in results)
    Console(width=width).print(table)


def show_judgements(judgements: Sequence[Judgement]) -> None:
    """Print each bar with what was found and what is asked."""
    table = Table("", "bar", "found", "asked")
    for one in judgements:
        table.add_row("ok" if one.passed else "FAILED", one.bar, one.found, one.asked)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    passed = sum(one.passed for one in judgements)
    Console().print(f"{passed} of {len(judgements)} bars cleared")
