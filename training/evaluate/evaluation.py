"""What is measured on the pictures and videos that a checkpoint paints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from rich.progress import Progress

from training.evaluate.cases import Case, shuffled
from training.evaluate.measuring import Measuring, Pixels
from training.evaluate.sdxl import PicturePainter
from training.evaluate.settings import Settings
from training.evaluate.tally import Tally

#: Strengths of img2img: what the first keeps, the second changes.
WEAK, STRONG = 0.3, 0.95


class Painter(Protocol):
    def paint(self, cases: Sequence[Case], settings: Settings) -> Iterator[tuple[Case, Pixels]]: ...

    def reconstruct(self, cases: Sequence[Case], settings: Settings) -> Iterator[tuple[Case, Pixels]]: ...


class Evaluation:
    """Paints, and has everything measured."""

    def __init__(self, painter: Painter, measuring: Measuring, progress: Progress) -> None:
        self._painter = painter
        self._measuring = measuring
        self._progress = progress
        self._results: defaultdict[str, Tally] = defaultdict(Tally)
        self.differences: dict[str, dict[str, float]] = {}
        """Of variants of the same size: mean and least of what pictures differ by, 0 to 1."""

    def figures(self) -> dict[str, dict[str, dict[str, float]]]:
        """By result; whole when the measuring has finished."""
        return {name: tally.figures() for name, tally in self._results.items()}

    def paint(self, cases: Sequence[Case], settings: Settings) -> list[Pixels]:
        """The cases' pictures, and both controls."""
        pictures = self._paint("painted", cases, settings)
        for case, pixels in zip(shuffled(cases), pictures, strict=True):
            self._add("captions of others", case, pixels)
        reconstructed = self._painter.reconstruct(cases, settings)
        for case, pixels in self._progress.track(reconstructed, len(cases), description="through the VAE"):
            self._add("through the VAE", case, pixels)
        return pictures

    def paint_variant(
        self, name: str, cases: Sequence[Case], settings: Settings, pictures: Sequence[Pixels]
    ) -> None:
        """The same cases otherwise; ``pictures`` begin with those to compare them with."""
        varied = self._paint(name, cases, settings)
        if varied[0].shape == pictures[0].shape:
            differences = [
                float(np.abs(one.astype(np.int16) - other).mean() / 255)
                for one, other in zip(varied, pictures, strict=False)
            ]
            self.differences[name] = {
                "mean": round(sum(differences) / len(differences), 4),
                "least": round(min(differences), 4),
            }

    def repaint(self, painter: PicturePainter, cases: Sequence[Case], settings: Settings) -> None:
        """Renderings of other scenes of the same kind, painted over by the cases' captions."""
        for strength in (WEAK, STRONG):
            painted = painter.repaint(shuffled(cases), cases, settings, strength)
            name = f"strength {strength}"
            for init, case, pixels in self._progress.track(painted, len(cases), description=name):
                self._add(f"{name}: init image", init, pixels)
                self._add(f"{name}: caption", case, pixels)

    def _paint(self, name: str, cases: Sequence[Case], settings: Settings) -> list[Pixels]:
        pictures = []
        painted = self._painter.paint(cases, settings)
        for case, pixels in self._progress.track(painted, len(cases), description=name):
            self._add(name, case, pixels)
            pictures.append(pixels)
        return pictures

    def _add(self, name: str, case: Case, pixels: Pixels) -> None:
        self._measuring.add(self._results[name], pixels, case.caption.claims)
