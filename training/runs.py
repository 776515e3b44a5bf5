"""A training run: its folder, its clock, its log and curves, and the state from which it goes on.

A run is given minutes, not steps, so that it fits a machine that is there for a limited time; the
learning rate follows the share of the time that is used. Data, initial weights and noise are seeded.
What a GPU adds up in another order, and how many steps fit, differ from run to run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from training.together import RANK, agreed

#: Seconds between two lines of the log, and between two saved states.
LOG_EVERY, SAVE_EVERY = 10.0, 60.0

#: Shares of a run in which the learning rate rises to its height and falls to nothing.
WARM_UP, COOL_DOWN = 0.03, 0.35


class Run:
    """One training run in a folder: ``settings.json``, ``log.jsonl``, ``curves.png`` and ``state.pt``."""

    def __init__(self, folder: Path, *, minutes: float, settings: Mapping[str, Any]) -> None:
        """Begin the run, or go on with the one that was interrupted in ``folder``.

        Raises click.UsageError if that one had other settings.
        """
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {"minutes": minutes, **settings}
        file = folder / "settings.json"
        if file.is_file():
            found = json.loads(file.read_text())
            names = sorted({*found, *wanted})
            others = [
                f"{name} {found.get(name)}, not {wanted.get(name)}"
                for name in names
                if found.get(name) != wanted.get(name)
            ]
            if others:
                raise click.UsageError(
                    f"{file}: found a run with other settings: {'; '.join(others)}. Name another folder"
                )
        if not RANK:
            file.write_text(json.dumps(wanted, indent=2) + "\n")
        self.folder = folder
        self.step = 0
        self._seconds = 60 * minutes
        self._before = 0.0
        self._logged = 0.0
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0

    @property
    def state_file(self) -> Path:
        return self.folder / "state.pt"

    def resume(self, *modules: Any) -> None:
        """Load what :meth:`save` wrote for the same objects, if it is there."""
        if not self.state_file.is_file():
            return
        state = torch.load(self.state_file, map_location="cpu", weights_only=True)
        for module, values in zip(modules, state["modules"], strict=True):
            module.load_state_dict(values)
        self.step, self._before = state["step"], state["seconds"]

    def save(self, *modules: Any) -> None:
        """Write the state; of several processes, which are alike, the first does."""
        if RANK:
            return
        draft = self.state_file.with_suffix(".draft")
        torch.save(
            {
                "modules": [module.state_dict() for module in modules],
                "step": self.step,
                "seconds": self._elapsed(),
            },
            draft,
        )
        draft.replace(self.state_file)

    def steps(self, *modules: Any) -> Iterator[float]:
        """Yield the share of the time that is used, once a step, until it is over; save on the way."""
        self._began = time.monotonic()
        self._logged = saved = self._elapsed()
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, disable=bool(RANK) or not sys.stderr.isatty()) as progress:
            self._task = (progress, progress.add_task("training", total=self._seconds))
            while (elapsed := agreed(self._elapsed())) < self._seconds:
                yield elapsed / self._seconds
                self.step += 1
                if elapsed - saved > SAVE_EVERY:
                    saved = elapsed
                    self.save(*modules)
        self.save(*modules)
        self._write_line(self._elapsed())
        if not RANK:
            self.draw_curves()

    def note(self, **values: torch.Tensor) -> None:
        """Take figures of this step; their means are logged every few seconds."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, torch.zeros((), device=value.device)) + value.detach()
        self._count += 1
        elapsed = self._elapsed()
        if elapsed - self._logged > LOG_EVERY:
            self._write_line(elapsed)

    def _write_line(self, elapsed: float) -> None:
        if RANK or not self._count:
            return
        means = {name: round(float(total) / self._count, 6) for name, total in self._sums.items()}
        line = {"step": self.step, "seconds": round(elapsed, 1), **means}
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        words = ", ".join(f"{name} {value:g}" for name, value in line.items())
        progress, task = self._task
        progress.update(task, completed=elapsed, description=words)
        if not sys.stderr.isatty():
            print(words, file=sys.stderr, flush=True)  # noqa: T201
        self._sums, self._count, self._logged = {}, 0, elapsed

    def draw_curves(self) -> None:
        """Draw every figure of the log over time."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        names = [name for name in lines[-1] if name not in {"step", "seconds"}]
        figure, axes = pyplot.subplots(len(names), 1, figsize=(7, 2.2 * len(names)), squeeze=False)
        for axis, name in zip(axes[:, 0], names, strict=True):
            axis.plot([line["seconds"] for line in lines], [line.get(name) for line in lines])
            axis.set_ylabel(name)
            axis.set_yscale("log")
        axes[-1, 0].set_xlabel("seconds")
        figure.tight_layout()
        figure.savefig(self.folder / "curves.png", dpi=80)
        pyplot.close(figure)

    def _elapsed(self) -> float:
        return self._before + time.monotonic() - self._began


def learning_rate(share: float, height: float, cool_down: float = COOL_DOWN) -> float:
    """Up in a line, level, and down in a line in the last ``cool_down``; ``share`` of the run is over."""
    return height * min(1.0, share / WARM_UP, (1 - share) / max(cool_down, 1e-9))


class Average:
    """Exponential moving average of the weights of a module, which samples better than the last ones."""

    def __init__(self, module: torch.nn.Module, decay: float) -> None:
        self.module = deepcopy(module).requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        # At first the average would be of the initial weights.
        weight = 1 - min(self._decay, (1 + step) / (10 + step))
        mine: list[torch.Tensor] = list(self.module.parameters())
        theirs: list[torch.Tensor] = list(module.parameters())
        torch._foreach_lerp_(mine, theirs, weight)

    def state_dict(self) -> dict[str, Any]:
        return self.module.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.module.load_state_dict(state)
