"""Which claims of a caption are true of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from PIL import Image

from training.measure.landscapes import LandscapePicture, place
from training.measure.motion import landscape_motion, still_life_motion
from training.measure.picture import Picture
from training.measure.still_lifes import Solid, StillLifePicture, StillLifeReading, relation
from training.world.captions import Claim
from training.world.scenes import Colour, LandscapeMotion

#: Moments at which motion is looked at: what bounces turns several times, everything else goes one way.
LANDSCAPE_MOMENTS, STILL_LIFE_MOMENTS = 9, 33

#: Moments of the clip in which everything else is looked at.
AROUND = (0.44, 0.5, 0.56)

#: Classes of attribute that only landscapes have.
OPEN_AIR = {
    "time", "light", "clouds", "weather", "mountains", "ground", "trees", "tree", "landmark",
    "landmark place",
}  # fmt: skip


def holds(picture: Image.Image | np.ndarray[Any, Any], claims: Sequence[Claim]) -> list[bool]:
    """Whether each claim is true of a picture: a PIL image, or uint8 of H×W×3.

    Of the scene nothing is known but the claims. Raises ValueError for one about motion.
    """
    if any(claim.about == "motion" for claim in claims):
        raise ValueError("a picture shows no motion; use holds_video")
    measured = Picture(picture)
    if open_air(claims):
        landscape = LandscapePicture(measured)
        return [landscape_shows(landscape, claim) for claim in claims]
    return still_life_holds(StillLifePicture(measured), claims)


def holds_video(
    frames: Sequence[Image.Image] | Sequence[np.ndarray[Any, Any]] | np.ndarray[Any, Any],
    claims: Sequence[Claim],
) -> list[bool]:
    """Whether each claim is true of a video: PIL images or uint8 of H×W×3 each, all of one size.

    What does not move is true if it is so in most of three frames around the middle, where the world
    paints a moving scene as if it stood still. Raises ValueError for fewer than three frames.
    """
    if len(frames) < 3:
        raise ValueError(f"found {len(frames)} frames, expected three or more")
    last = len(frames) - 1
    around = [Picture(frames[round(last * share)]) for share in AROUND]
    fixed = [claim for claim in claims if claim.about != "motion"]
    moves: object = None
    if open_air(claims):
        if len(fixed) < len(claims):
            moves = landscape_motion([LandscapePicture(one) for one in _spread(frames, LANDSCAPE_MOMENTS)])
        pictures = [LandscapePicture(one) for one in around]
        found = [[landscape_shows(one, claim) for claim in fixed] for one in pictures]
    else:
        if len(fixed) < len(claims):
            moves = still_life_motion([StillLifePicture(one) for one in _spread(frames, STILL_LIFE_MOMENTS)])
        found = [still_life_holds(StillLifePicture(one), fixed) for one in around]
    votes = iter(sum(several) > len(around) / 2 for several in zip(*found, strict=True))
    return [moves == claim.value if claim.about == "motion" else next(votes) for claim in claims]


def _spread(
    frames: Sequence[Image.Image] | Sequence[np.ndarray[Any, Any]] | np.ndarray[Any, Any], most: int
) -> list[Picture]:
    """So many frames from the first to the last, or all."""
    count = min(len(frames), most)
    return [Picture(frames[round((len(frames) - 1) * index / (count - 1))]) for index in range(count)]


def open_air(claims: Sequence[Claim]) -> bool:
    """Whether they are about a landscape."""
    return any(
        claim.about in OPEN_AIR
        or (claim.about == "motion" and claim.value in get_args(LandscapeMotion) and claim.value != "still")
        for claim in claims
    )


def landscape_shows(landscape: LandscapePicture, claim: Claim) -> bool:
    found: object
    match claim.about:
        case "clouds":
            found = len(landscape.clouds)
        case "trees":
            found = len(landscape.trees)
        case "light":
            found = landscape.light and place(landscape.light.x)
        case "landmark place":
            found = None if landscape.landmark_x is None else place(landscape.landmark_x)
        case "time" | "weather" | "mountains" | "ground" | "tree" | "landmark":
            found = getattr(landscape, claim.about)
        case _:
            raise ValueError(f"{claim}: a landscape has no {claim.about}")
    return found == claim.value


def still_life_holds(picture: StillLifePicture, claims: Sequence[Claim]) -> list[bool]:
    reading = picture.read()
    if any(claim.about == "count" and claim.value != 1 for claim in claims):
        return _row_holds(picture, reading, claims)
    claimed: dict[int, Colour] = {
        claim.thing: claim.value  # type: ignore[misc]
        for claim in claims
        if claim.about == "colour"
    }
    # As many colours as the caption has things, those that take most.
    present = sorted(reading.areas, key=lambda colour: -reading.areas[colour])[: max(len(claimed), 1)]
    shown = _assigned(claimed, present)
    solids: dict[int, Solid | None] = {
        thing: picture.solid(colour, [other for other in shown.values() if other != colour])
        for thing, colour in shown.items()
    }

    def holds_one(claim: Claim) -> bool:
        solid = solids.get(claim.thing)
        match claim.about:
            case "wall":
                return reading.wall == claim.value
            case "table":
                return reading.table == claim.value
            case "count":
                return len(reading.solids) == claim.value
            case "relation":
                first, second = solids.get(0), solids.get(1)
                named = claimed == shown and first is not None and second is not None
                return named and relation(first, second) == claim.value  # type: ignore[arg-type]
        if solid is None:
            return False
        match claim.about:
            case "colour":
                return solid.colour == claim.value
            case "shape":
                return solid.shape == claim.value
            case "material":
                return solid.material == claim.value
            case "place":
                return place(solid.region.x) == claim.value
        raise ValueError(f"{claim}: a still life has no {claim.about}")

    return [holds_one(claim) for claim in claims]


def _row_holds(picture: StillLifePicture, reading: StillLifeReading, claims: Sequence[Claim]) -> list[bool]:
    """Of a row as a whole nothing is true that is not true of each of its solids."""
    row = picture.row(reading.solids)
    whole = len(row) == len(reading.solids) > 0

    def holds_one(claim: Claim) -> bool:
        match claim.about:
            case "wall":
                return reading.wall == claim.value
            case "table":
                return reading.table == claim.value
            case "count":
                return len(reading.solids) == claim.value
            case "colour" | "shape" | "material":
                return whole and all(getattr(solid, claim.about) == claim.value for solid in row)
        raise ValueError(f"{claim}: a row has no {claim.about}")

    return [holds_one(claim) for claim in claims]


def _assigned(claimed: dict[int, Colour], present: list[Colour]) -> dict[int, Colour]:
    """The colour by which each thing is looked for: its own, or one that is there and nobody's."""
    shown = {thing: colour for thing, colour in claimed.items() if colour in present}
    spare = [colour for colour in present if colour not in shown.values()]
    for thing in claimed:
        if thing not in shown:
            shown[thing] = spare.pop(0)
    return shown
