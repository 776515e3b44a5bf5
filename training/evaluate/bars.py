"""The bars that a report has to clear before its checkpoint is shipped, and why they are where they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from training.evaluate.evaluation import (
    OTHERS,
    PAINTED,
    PAINTED_FEW,
    STRONG,
    THROUGH_VAE,
    WEAK,
    repainted,
)
from training.evaluate.settings import Settings, read_settings
from training.evaluate.tally import ALL
from training.world.captions import About


@dataclass(frozen=True)
class Kind:
    """What is asked of one kind of checkpoint."""

    job_type: str
    profile: str | None
    """Job type and profile of the evaluation: steps, guidance and size are the spec's own."""
    right: float
    """Share of all claims that are right, at least."""
    sizes: tuple[str, ...]
    """In which the same holds; with a profile they are those after it."""
    repaints: bool


#: Of videos fewer are asked, since in these a whole clip has to be right. WAN's other orientation.
KINDS = {
    "sdxl": Kind("sdxl_image_fast", None, 0.90, ("1280x1280",), repaints=True),
    "wan": Kind("video_fast", "demo", 0.80, ("416x240",), repaints=False),
}

#: Share of each class of attribute: nothing that a caption may name is painted by luck.
CLASS_RIGHT = 0.75

#: Prompts of the evaluation, and of its variants. Of 200 prompts about a thousand claims are measured, so a
#: share of 90 % is known to 1 %, and a loss of 4 % is more than noise.
PROMPTS, VARIANT_PROMPTS = 500, 200

#: Chance of a difference that is only noise, up to which it is measurable.
NOISE = 0.01

#: At a low strength of img2img what is said of the init image stays right, at a high one what the caption
#: says becomes right; each as often as the least of classes, since the two pull apart.
REPAINTED_RIGHT = 0.75

#: What pictures of two seeds differ by, as mean over pixels of 0 to 1: in the mean of all pairs, and in the
#: closest pair, which is more than a level of eight bits. Renderings of one scene with other places of all
#: that a caption leaves open differ by 0.045 and 0.011.
SEEDS_APART, CLOSEST_SEEDS = 0.01, 0.004


@dataclass(frozen=True)
class Judgement:
    bar: str
    found: str
    asked: str
    passed: bool


def variants(kind: str, settings: Settings) -> list[str]:
    """Those that a report must have."""
    return [
        "guidance=1",
        f"steps={2 * settings.steps}",
        "seed=1",
        *(f"size={one}" for one in KINDS[kind].sizes),
    ]


def kind_of(report: Mapping[str, Any]) -> str:
    return "wan" if report["settings"]["frames"] > 1 else "sdxl"


def judge(report: Mapping[str, Any]) -> list[Judgement]:
    """Hold every bar against a report; what it lacks has not passed.

    Raises ValueError where this repository's job types are not at hand.
    """
    return list(_judge(_Report(report)))


class _Report:
    def __init__(self, report: Mapping[str, Any]) -> None:
        self.kind = kind_of(report)
        self.asks = KINDS[self.kind]
        self.own = read_settings(self.asks.job_type, self.asks.profile)
        self.settings = report["settings"]
        self.job_type = report["job_type"]
        self.prompts = report["prompts"]
        self.differences = report["differences"]
        self._results = report["results"]
        self._variants = report["variants"]

    def result(self, name: str) -> Mapping[str, Mapping[str, float]]:
        """By class of attribute; nothing if the report has no such result."""
        found: Mapping[str, Mapping[str, float]] = self._results.get(name, {})
        return found

    def all(self, name: str) -> Mapping[str, float] | None:
        return self.result(name).get(ALL)

    def variant(self, wanted: str) -> str:
        """The name of the variant with these settings, or one that no result has."""
        figures = self.own.varied(wanted).figures()
        names = (name for name, found in self._variants.items() if found == figures)
        return next(names, f"{wanted} (missing)")

    @property
    def classes(self) -> set[str]:
        """That captions of this kind name."""
        return set(get_args(About)) - ({"motion"} if self.kind == "sdxl" else set())


def _judge(report: _Report) -> Iterator[Judgement]:
    asks = report.asks
    same = report.job_type == asks.job_type and report.settings == report.own.figures()
    yield Judgement(
        "the job type's own settings",
        _told(report.job_type, report.settings),
        _told(asks.job_type, report.own.figures()),
        same,
    )
    for name, found, least in (
        ("prompts", report.prompts["count"], PROMPTS),
        ("prompts of variants", report.prompts["of variants"], VARIANT_PROMPTS),
    ):
        yield Judgement(name, str(found), f"{least} or more", found >= least)
    yield from _right(report, PAINTED)
    yield _above(report, THROUGH_VAE, PAINTED)
    yield _above(report, PAINTED, OTHERS)
    base = PAINTED_FEW if report.all(PAINTED_FEW) else PAINTED
    guidance, steps, seed, *sizes = (report.variant(one) for one in variants(report.kind, report.own))
    yield _measurably_above(report, base, guidance)
    yield _not_worse(report, steps, base)
    yield _other_pictures(report, seed)
    for size in sizes:
        yield from _right(report, size)
    if asks.repaints:
        for strength, wins, loses in ((WEAK, "init image", "caption"), (STRONG, "caption", "init image")):
            name = repainted(strength, wins)
            yield _share(name, report.all(name), REPAINTED_RIGHT)
            yield _measurably_above(report, name, repainted(strength, loses))


def _right(report: _Report, name: str) -> Iterator[Judgement]:
    """The issue's two bars of a result."""
    yield _share(name, report.all(name), report.asks.right)
    result = report.result(name)
    missing = sorted(report.classes - set(result))
    poor = [one for one in sorted(report.classes & set(result)) if result[one]["share"] < CLASS_RIGHT]
    classes = sorted(report.classes & set(result), key=lambda one: result[one]["share"])
    told = [f"{one} {_percent(result[one])}" for one in (poor or classes[:1])]
    told += [f"{one}: no claims" for one in missing] if result else []
    yield Judgement(
        f"{name}: each class",
        ", ".join(told) or "nothing",
        f"{100 * CLASS_RIGHT:.0f} % or more",
        not poor and not missing,
    )


def _share(name: str, figures: Mapping[str, float] | None, least: float) -> Judgement:
    passed = figures is not None and figures["share"] >= least
    return Judgement(f"{name}: all claims", _percent(figures), f"{100 * least:.0f} % or more", passed)


def _above(report: _Report, upper: str, lower: str) -> Judgement:
    more, less = report.all(upper), report.all(lower)
    passed = more is not None and less is not None and more["share"] > less["share"]
    return Judgement(f"{upper} is above {lower}", f"{_percent(more)}, {_percent(less)}", "more", passed)


def _measurably_above(report: _Report, upper: str, lower: str) -> Judgement:
    more, less = report.all(upper), report.all(lower)
    chance = chance_of(more, less)
    return Judgement(
        f"{upper} is above {lower}",
        f"{_percent(more)}, {_percent(less)}" + ("" if chance is None else f", by noise p = {chance:.2g}"),
        f"more, p < {NOISE}",
        chance is not None and chance < NOISE,
    )


def _not_worse(report: _Report, name: str, base: str) -> Judgement:
    figures, others = report.all(name), report.all(base)
    chance = chance_of(others, figures)
    return Judgement(
        f"{name} is not below {base}",
        f"{_percent(figures)}, {_percent(others)}"
        + ("" if chance is None else f", by noise p = {chance:.2g}"),
        f"not less with p < {NOISE}",
        chance is not None and chance >= NOISE,
    )


def _other_pictures(report: _Report, name: str) -> Judgement:
    apart = report.differences.get(name)
    return Judgement(
        f"{name} gives other pictures",
        "nothing" if apart is None else f"they differ by {apart['mean']}, the closest by {apart['least']}",
        f"{SEEDS_APART} and {CLOSEST_SEEDS} or more",
        apart is not None and apart["mean"] >= SEEDS_APART and apart["least"] >= CLOSEST_SEEDS,
    )


def chance_of(more: Mapping[str, float] | None, less: Mapping[str, float] | None) -> float | None:
    """That noise alone puts the first share so far above the second: the one-sided test of two proportions.

    None where one of them is missing. Claims of one picture hang together and both results have the same
    prompts, so it is about that chance.
    """
    if more is None or less is None:
        return None
    count, other = more["count"], less["count"]
    pooled = (more["right"] + less["right"]) / (count + other)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / count + 1 / other))
    if spread == 0:
        return 0.5
    return math.erfc((more["right"] / count - less["right"] / other) / spread / math.sqrt(2)) / 2


def _percent(figures: Mapping[str, float] | None) -> str:
    return "nothing" if figures is None else f"{100 * figures['share']:.1f} % of {figures['count']}"


def _told(job_type: str, settings: Mapping[str, Any]) -> str:
    size = f"{settings['width']}x{settings['height']}"
    length = f" {settings['frames']} frames" if settings["frames"] > 1 else ""
    return f"{job_type} {size}{length} {settings['steps']} steps guidance {settings['guidance']:g}"
