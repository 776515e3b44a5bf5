"""What people would say of a scene, and what a picture must show for it to be true."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from training.world.scenes import Landscape, Scene, StillLife, Thing

#: Classes of attribute. In still lifes ``thing`` says whose.
About = Literal[
    "time", "light", "clouds", "weather", "mountains", "ground", "trees", "tree", "landmark",
    "landmark place", "colour", "shape", "material", "count", "place", "relation", "wall", "table", "motion",
]  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """One attribute that a caption names."""

    about: About
    value: str | int
    """As the scene has it."""
    thing: int = 0
    """Which of a still life's things it is about."""


@dataclass(frozen=True)
class Caption:
    text: str
    claims: tuple[Claim, ...]
    """What the text says, but for snow caps, which are not measured; a picture may be anything else."""


#: How often a caption names something that it could leave out.
NAMED = 0.75

NUMBERS = ("no", "one", "two", "three", "four")
PLACES = {
    "left": ("on the left", "to the left", "on the left side"),
    "middle": ("in the middle", "in the centre", "in the center"),
    "right": ("on the right", "to the right", "on the right side"),
}
TIMES = {
    "day": ("by day", "in daylight", "on a bright day", "at noon"),
    "sunset": ("at sunset", "at dusk", "in the evening"),
    "night": ("at night", "by night", "at midnight"),
}
GROUNDS = {
    "sea": ("the sea", "a calm sea", "the ocean"),
    "snow": ("a field of snow", "a snowy plain", "deep snow"),
    "sand": ("a sandy desert", "sand dunes", "a beach of sand"),
    "grass": ("a green meadow", "a field of grass", "grassland"),
}
WEATHERS = {
    "clear": (),
    "rain": ("rain", "in the rain", "rainy weather"),
    "snowfall": ("snow is falling", "falling snow", "snowfall"),
}
TREES = {
    "fir": ("fir tree", "fir trees"),
    "autumn": ("autumn tree", "autumn trees"),
    "blossom": ("blossoming tree", "blossoming trees"),
}
LANDMARKS = {
    "lighthouse": ("a lighthouse",),
    "cabin": ("a cabin", "a wooden cabin"),
    "sailboat": ("a sailboat", "a sailing boat"),
}
LIGHTS = {"day": "the sun", "sunset": "the setting sun", "night": "the moon"}
MATERIALS = {"matte": ("matte", "dull"), "shiny": ("shiny", "polished")}
WALLS = ("before a {} wall", "in front of a {} wall", "a {} wall behind", "{} wall")
TABLES = ("on a {} table", "a {} table", "standing on a {} table")
RELATIONS = {
    "left of": ("to the left of", "left of"),
    "right of": ("to the right of", "right of"),
    "on top of": ("on top of",),
    "in front of": ("in front of",),
}
MIRRORED = {"left of": "right of", "right of": "left of"}
MOTIONS = {
    "clouds drift left": ("clouds drifting to the left", "the clouds move left"),
    "clouds drift right": ("clouds drifting to the right", "the clouds move right"),
    "pan left": ("the camera pans left", "camera panning to the left"),
    "pan right": ("the camera pans right", "camera panning to the right"),
    "rolls left": ("rolling to the left", "rolls left"),
    "rolls right": ("rolling to the right", "rolls right"),
    "bounces": ("bouncing", "bouncing up and down"),
}


def describe(scene: Scene, lots: random.Random, *, named: float = NAMED) -> Caption:
    """Say of a scene what chance picks; ``named`` is how often each thing is spoken of."""
    if isinstance(scene, Landscape):
        return _describe_landscape(scene, lots, named)
    return _describe_still_life(scene, lots, named)


def _describe_landscape(scene: Landscape, lots: random.Random, named: float) -> Caption:
    parts: list[tuple[str, tuple[Claim, ...]]] = []

    def say(text: str, *claims: Claim, always: bool = False) -> None:
        if always or lots.random() < named:
            parts.append((text, claims))

    say(lots.choice(TIMES[scene.time]), Claim("time", scene.time))
    light = LIGHTS[scene.time] if lots.random() < 0.5 else LIGHTS["night" if scene.time == "night" else "day"]
    if scene.light is not None:
        claim = Claim("light", scene.light)
        motion = scene.motion.removeprefix("light ") if scene.motion.startswith("light") else ""
        if motion:
            verb = {"rises": "rising", "sets": "setting"}[motion]
            # A setting sun is also a time of day; what moves is said plainly.
            light = LIGHTS["night" if scene.time == "night" else "day"]
            say(
                # Not "to the left", which with a verb is a way and no place.
                f"{light} {verb} {lots.choice(PLACES[scene.light][::2])}",
                claim,
                Claim("motion", scene.motion),
                always=True,
            )
        else:
            say(f"{light} {lots.choice(PLACES[scene.light])}", claim)
    if scene.motion in MOTIONS:
        say(lots.choice(MOTIONS[scene.motion]), Claim("motion", scene.motion), always=True)
    say(
        f"{NUMBERS[scene.clouds]} cloud{'' if scene.clouds == 1 else 's'}",
        Claim("clouds", scene.clouds),
    )
    if WEATHERS[scene.weather]:
        say(lots.choice(WEATHERS[scene.weather]), Claim("weather", scene.weather))
    if scene.mountains is not None:
        caps = scene.snow_caps and lots.random() < named
        text = f"{'snow-capped ' if caps else ''}{scene.mountains} mountains"
        say(text, Claim("mountains", scene.mountains))
    if scene.trees:
        number = "a" if scene.trees == 1 and lots.random() < 0.5 else NUMBERS[scene.trees]
        text = f"{number} {TREES[scene.tree][scene.trees > 1]}"
        say(text, Claim("trees", scene.trees), Claim("tree", scene.tree))
    if scene.landmark is not None:
        text = lots.choice(LANDMARKS[scene.landmark])
        claims = [Claim("landmark", scene.landmark)]
        if lots.random() < named:
            text += f" {lots.choice(PLACES[scene.landmark_place])}"
            claims.append(Claim("landmark place", scene.landmark_place))
        say(text, *claims)
    lots.shuffle(parts)
    parts.insert(0, (lots.choice(GROUNDS[scene.ground]), (Claim("ground", scene.ground),)))
    if lots.random() < 0.2:
        # What comes first should not always be the ground.
        parts.append(parts.pop(0))
    return _caption(parts)


def _describe_still_life(scene: StillLife, lots: random.Random, named: float) -> Caption:
    parts: list[tuple[str, tuple[Claim, ...]]] = []
    if scene.relation is None:
        noun, claims = _noun(scene.things[0], 0, lots, named, number=scene.count)
        if scene.count > 1 or lots.random() < named:
            claims += (Claim("count", scene.count),)
        if scene.motion != "still":
            noun += f" {lots.choice(MOTIONS[scene.motion])}"
            claims += (Claim("motion", scene.motion),)
        elif scene.count == 1 and lots.random() < named:
            noun += f" {lots.choice(PLACES[scene.place])}"
            claims += (Claim("place", scene.place),)
    else:
        order, relation = (0, 1), str(scene.relation)
        if relation in MIRRORED and lots.random() < 0.3:
            order, relation = (1, 0), MIRRORED[relation]
        nouns = [_noun(scene.things[index], index, lots, named) for index in order]
        noun = f"{nouns[0][0]} {lots.choice(RELATIONS[relation])} {nouns[1][0]}"
        claims = (*nouns[0][1], *nouns[1][1], Claim("relation", scene.relation))
    parts.append((noun, claims))
    around = [
        (lots.choice(WALLS).format(scene.wall), (Claim("wall", scene.wall),)),
        (lots.choice(TABLES).format(scene.table), (Claim("table", scene.table),)),
    ]
    lots.shuffle(around)
    parts += [one for one in around if lots.random() < named]
    if lots.random() < 0.2:
        # What comes first should not always be the thing.
        parts.append(parts.pop(0))
    return _caption(parts)


def _noun(
    thing: Thing, index: int, lots: random.Random, named: float, *, number: int = 1
) -> tuple[str, tuple[Claim, ...]]:
    claims = [Claim("colour", thing.colour, index), Claim("shape", thing.shape, index)]
    words = [thing.colour, thing.shape + ("s" if number > 1 else "")]
    if lots.random() < named:
        words.insert(0, lots.choice(MATERIALS[thing.material]))
        claims.append(Claim("material", thing.material, index))
    article = "an" if words[0][0] in "aeiou" else "a"
    if number > 1:
        article = NUMBERS[number]
    elif lots.random() < 0.2:
        article = "one"
    return " ".join([article, *words]), tuple(claims)


def _caption(parts: list[tuple[str, tuple[Claim, ...]]]) -> Caption:
    return Caption(
        ", ".join(text for text, _ in parts), tuple(claim for _, claims in parts for claim in claims)
    )


def vocabulary() -> list[str]:
    """Every word that a caption may have, in the order of the alphabet."""
    texts: list[str] = [
        "a an one",
        *NUMBERS,
        "cloud clouds mountains snow-capped rising setting",
        *LIGHTS.values(),
    ]
    for table in (PLACES, TIMES, GROUNDS, WEATHERS, TREES, LANDMARKS, MATERIALS, RELATIONS, MOTIONS):
        texts += [text for several in table.values() for text in several]
    texts += [text.replace("{}", "") for text in (*WALLS, *TABLES)]
    texts += ["blue purple brown green red orange yellow grey beige pale pink wooden white dark"]
    texts += ["sphere spheres cube cubes cone cones cylinder cylinders"]
    return sorted({word for text in texts for word in text.replace("-", " - ").split()})
