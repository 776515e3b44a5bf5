"""What moves in a video, by how far it has gone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage, stats

from training.measure.landscapes import LandscapePicture
from training.measure.picture import Mask
from training.measure.still_lifes import StillLifePicture
from training.world.landscape_layouts import CLIMB, DRIFT, PAN
from training.world.scenes import LandscapeMotion, StillLifeMotion
from training.world.still_lifes import BOUNCE, ROLL

#: Share of the world's own way that something goes at least if it moves at all.
ENOUGH = 0.35

#: The light may be as low as this, and what pans begins here: -1 to 1 from the top to the bottom.
LOWEST, FOREGROUND = -0.05, -0.3

#: Half the width of the sea's glitter, in units; and how alike what has panned is at least, -1 to 1.
GLITTER, ALIKE = 0.22, 0.15

#: Ridges go about so much of the foreground's way.
RIDGES = 0.6


def landscape_motion(pictures: Sequence[LandscapePicture]) -> LandscapeMotion:
    """What has gone some of its way; ``pictures`` are evenly spaced over the clip."""
    lights = [one.light_above(LOWEST) for one in pictures]
    climbed = -_way([light.y if light else None for light in lights]) / CLIMB
    if abs(climbed) > ENOUGH:
        return "light rises" if climbed > 0 else "light sets"
    drifted = _way([_middle(one) for one in pictures]) / DRIFT
    if abs(drifted) > ENOUGH:
        return "clouds drift right" if drifted > 0 else "clouds drift left"
    panned = _pan(pictures) / (PAN * RIDGES)
    if abs(panned) > ENOUGH:
        # A camera that turns to the right sees everything move to the left.
        return "pan left" if panned > 0 else "pan right"
    return "still"


def still_life_motion(pictures: Sequence[StillLifePicture]) -> StillLifeMotion:
    """By the way of all that has colour; ``pictures`` are evenly spaced over the clip."""
    middles = [one.middle for one in pictures]
    rolled = _way([middle and middle[0] for middle in middles]) / ROLL
    bounced = _bounced([middle[1] for middle in middles if middle is not None]) / BOUNCE
    ways: dict[StillLifeMotion, float] = {
        "rolls right": rolled,
        "rolls left": -rolled,
        "bounces": bounced,
        "still": ENOUGH,
    }
    return max(ways, key=lambda motion: ways[motion])


def _bounced(heights: Sequence[float]) -> float:
    """The third longest of all ways up and down, since one odd moment is a way up and one down."""
    if not heights:
        return 0.0
    # Where there are many moments, those that stand alone are left out.
    steady = ndimage.median_filter(np.array(heights), 2 * (len(heights) // 20) + 1, mode="nearest")
    turns = [float(steady[0])]
    for height in map(float, steady[1:]):
        if len(turns) > 1 and (height - turns[-1]) * (turns[-1] - turns[-2]) > 0:
            turns[-1] = height
        elif abs(height - turns[-1]) > ENOUGH * BOUNCE:
            turns.append(height)
    ways = sorted(np.abs(np.diff(turns)), reverse=True)
    return float(ways[2]) if len(ways) > 2 else 0.0


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


def _pan(pictures: Sequence[LandscapePicture]) -> float:
    """How far the foreground goes to the right from the first moment to the last, in half widths.

    It is the shift at which frames half a clip apart are most alike in what changes.
    """
    width = pictures[0].picture.width
    rows = slice(pictures[0].picture.row(FOREGROUND), None)
    clear = pictures[len(pictures) // 2].weather == "clear"
    frames = np.stack(
        [(one.picture.levels if clear else one.picture.plain)[rows].mean(-1) for one in pictures]
    )
    # Blurred, since a hill at night is faint; what stays is the same two moments later.
    frames = ndimage.gaussian_filter(frames, (0, 1.5, 1.5))
    frames = frames[2:] - frames[:-2]
    frames -= frames.mean(axis=2, keepdims=True)
    frames *= ~_glitter(pictures)
    # Waves come back after half a clip.
    apart = (len(pictures) - 1) // 2
    share = apart / (len(pictures) - 1)
    # Half as far again as the foreground goes.
    reach = max(2, round(1.5 * PAN * share * width / 2))
    inner = frames[:-apart, :, reach : width - reach]
    likeness = []
    for step in range(2 * reach + 1):
        moved = frames[apart:, :, step : width - 2 * reach + step]
        likeness.append(
            float((inner * moved).sum() / np.sqrt(np.square(inner).sum() * np.square(moved).sum() + 1e-9))
        )
    best = int(np.argmax(likeness))
    return (best - reach) / (width / 2) / share if likeness[best] > ALIKE else 0.0


def _glitter(pictures: Sequence[LandscapePicture]) -> Mask:
    """Columns where the sea may glitter below the light, which stays where the light is."""
    places = [one.light.x for one in pictures if one.light is not None]
    x, unit = pictures[0].picture.x, pictures[0].picture.unit
    if not places or pictures[0].ground != "sea":
        return np.zeros(len(x), bool)
    found: Mask = np.abs(x - float(np.median(places))) * len(x) / 2 < GLITTER * unit
    return found
