"""What moves in a video, by how far it has gone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy import stats

from training.measure.landscapes import LandscapePicture
from training.measure.picture import Floats
from training.measure.still_lifes import StillLifePicture
from training.world.landscape_layouts import CLIMB, DRIFT, PAN
from training.world.scenes import LandscapeMotion, StillLifeMotion
from training.world.still_lifes import BOUNCE, ROLL

#: Share of the world's own way that something goes at least if it moves at all.
ENOUGH = 0.35

#: The light may be as low as this, and what pans begins here: -1 to 1 from the top to the bottom.
LOWEST, FOREGROUND = -0.05, -0.3

#: Ridges go about so much of the foreground's way.
RIDGES = 0.6


def landscape_motion(pictures: Sequence[LandscapePicture]) -> LandscapeMotion:
    """The motion that has gone most of its way; ``pictures`` are evenly spaced over the clip."""
    lights = [one.light_above(LOWEST) for one in pictures]
    climbed = -_way([light.y if light else None for light in lights]) / CLIMB
    drifted = _way([_middle(one) for one in pictures]) / DRIFT
    panned = _shift([one.picture.levels for one in pictures]) / (PAN * RIDGES)
    ways: dict[LandscapeMotion, float] = {
        "light rises": climbed,
        "light sets": -climbed,
        "clouds drift right": drifted,
        "clouds drift left": -drifted,
        # A camera that turns to the right sees everything move to the left.
        "pan left": panned,
        "pan right": -panned,
        "still": ENOUGH,
    }
    return max(ways, key=lambda motion: ways[motion])


def still_life_motion(pictures: Sequence[StillLifePicture]) -> StillLifeMotion:
    """By the way of all that has colour; ``pictures`` are evenly spaced over the clip."""
    middles = [one.middle for one in pictures]
    rolled = _way([middle and middle[0] for middle in middles]) / ROLL
    heights = [middle[1] for middle in middles if middle is not None]
    bounced = float(np.ptp(heights)) / BOUNCE if heights else 0.0
    ways: dict[StillLifeMotion, float] = {
        "rolls right": rolled,
        "rolls left": -rolled,
        "bounces": bounced,
        "still": ENOUGH,
    }
    return max(ways, key=lambda motion: ways[motion])


def _middle(landscape: LandscapePicture) -> float | None:
    """Of all clouds."""
    area = sum(cloud.area for cloud in landscape.clouds)
    return sum(cloud.x * cloud.area for cloud in landscape.clouds) / area if area else None


def _way(places: Sequence[float | None]) -> float:
    """From the first moment to the last, at the median pace; 0 if there is no place at most moments."""
    seen = [(moment, place) for moment, place in enumerate(places) if place is not None]
    if len(seen) < max(2, len(places) // 2):
        return 0.0
    moments, found = zip(*seen, strict=True)
    return float(stats.theilslopes(found, moments).slope) * (len(places) - 1)


def _shift(frames: Sequence[Floats]) -> float:
    """How far the foreground goes to the right from the first moment to the last, in half widths.

    It is the shift at which successive frames, laid over each other, differ least.
    """
    height, width = frames[0].shape[:2]
    top = round((FOREGROUND + 1) / 2 * height)
    bands = [frame[top:] for frame in frames]
    # Three times as far as the foreground goes in a step.
    reach = max(2, round(1.5 * PAN * width / (len(frames) - 1)))
    steps = range(-reach, reach + 1)
    differences = []
    for step in steps:
        pairs = itertools.pairwise(bands)
        inner = slice(reach, width - reach)
        moved = slice(reach + step, width - reach + step)
        differences.append(sum(float(np.abs(one[:, inner] - other[:, moved]).mean()) for one, other in pairs))
    best = steps[int(np.argmin(differences))]
    return float(best * (len(frames) - 1) / (width / 2))
