"""Which claims of a caption are true of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from training.measure.landscapes import LandscapeReading, place, read_landscape
from training.measure.picture import Picture
from training.measure.still_lifes import Solid, StillLifePicture, relation
from training.world.captions import Claim
from training.world.scenes import Colour

#: Classes of attribute that only landscapes have.
OPEN_AIR = {
    "time", "light", "clouds", "weather", "mountains", "ground", "trees", "tree", "landmark",
    "landmark place",
}  # fmt: skip


def holds(picture: Image.Image | np.ndarray[Any, Any], claims: Sequence[Claim]) -> list[bool]:
    """Whether each claim is true of a picture: a PIL image, or uint8 of H×W×3.

    Of the scene nothing is known but the claims. Raises ValueError for one about motion.
    """
    for claim in claims:
        if claim.about == "motion":
            raise ValueError(f"{claim}: a picture shows no motion; use holds_video")
    measured = Picture(picture)
    if any(claim.about in OPEN_AIR for claim in claims):
        reading = read_landscape(measured)
        return [landscape_shows(reading, claim) for claim in claims]
    return still_life_holds(StillLifePicture(measured), claims)


def landscape_shows(reading: LandscapeReading, claim: Claim) -> bool:
    found: dict[str, object] = {
        "time": reading.time,
        "light": reading.light and place(reading.light.x),
        "clouds": len(reading.clouds),
        "weather": reading.weather,
        "mountains": reading.mountains,
        "ground": reading.ground,
        "trees": len(reading.trees),
        "tree": reading.tree,
        "landmark": reading.landmark,
        "landmark place": None if reading.landmark_x is None else place(reading.landmark_x),
    }
    return found[claim.about] == claim.value


def still_life_holds(picture: StillLifePicture, claims: Sequence[Claim]) -> list[bool]:
    reading = picture.read()
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


def _assigned(claimed: dict[int, Colour], present: list[Colour]) -> dict[int, Colour]:
    """The colour by which each thing is looked for: its own, or one that is there and nobody's."""
    shown = {thing: colour for thing, colour in claimed.items() if colour in present}
    spare = [colour for colour in present if colour not in shown.values()]
    for thing in claimed:
        if thing not in shown:
            shown[thing] = spare.pop(0)
    return shown
