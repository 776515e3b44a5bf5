"""What is measured on the pictures and videos that a checkpoint paints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from rich.progress import Progress

from training.evaluate.cases import Case, shuffled
from training.evaluate.measuring import Measuring, Pixels
from training.evaluate.settings import Settings
from training.evaluate.tally import Tally

if TYPE_CHECKING:
    from training.evaluate.sdxl import PicturePainter

#: Strengths of img2img: what the first keeps, the second changes.
WEAK, STRONG = 0.3, 0.95

#: Names of results: of the checkpoint's pictures, of those among them whose prompts variants have as well,
#: and of the lower and the upper control.
PAINTED, PAINTED_FEW = "painted", "painted, prompts of variants"
OTHERS, THROUGH_VAE = "captions of others", "through the VAE"


def repainted(strength: float, whose: str) -> str:
    """The name of a result of img2img; ``whose`` claims: those of the ``init image`` or the ``caption``."""
    return f"strength {strength}: {whose}"


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

    def paint(self, cases: Sequence[Case], settings: Settings, few: int | None = None) -> list[Pixels]:
        """The cases' pictures, and both controls; so ``few`` of the first are what variants have as well."""
        expected = [
            {PAINTED: case, OTHERS: other} | ({PAINTED_FEW: case} if few is not None and index < few else {})
            for index, (case, other) in enumerate(zip(cases, shuffled(cases), strict=True))
        ]
        pictures = self._paint(PAINTED, cases, settings, expected)
        reconstructed = self._painter.reconstruct(cases, settings)
        for case, pixels in self._progress.track(reconstructed, len(cases), description=THROUGH_VAE):
            self._add(pixels, {THROUGH_VAE: case})
        return pictures

    def paint_variant(
        self, name: str, cases: Sequence[Case], settings: Settings, pictures: Sequence[Pixels]
    ) -> None:
        """The same cases otherwise; ``pictures`` begin with those to compare them with."""
        varied = self._paint(name, cases, settings, [{name: case} for case in cases])
        if varied[0].shape == pictures[0].shape:
            differences = [
                float((np.maximum(one, other) - np.minimum(one, other)).mean() / 255)
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
                self._add(
                    pixels, {repainted(strength, "init image"): init, repainted(strength, "caption"): case}
                )

    def _paint(
        self,
        name: str,
        cases: Sequence[Case],
        settings: Settings,
        expected: Sequence[Mapping[str, Case]],
    ) -> list[Pixels]:
        """``expected``: by result whose claims are measured on each picture."""
        pictures = []
        painted = self._painter.paint(cases, settings)
        tracked = self._progress.track(painted, len(cases), description=name)
        for (_, pixels), one in zip(tracked, expected, strict=True):
            self._add(pixels, one)
            pictures.append(pixels)
        return pictures

    def _add(self, pixels: Pixels, expected: Mapping[str, Case]) -> None:
        claims = ((self._results[name], case.caption.claims) for name, case in expected.items())
        self._measuring.add(pixels, *claims)
