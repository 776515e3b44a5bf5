"""The colours of landscapes: what pictures are painted with, and what they are measured by."""

from __future__ import annotations

from training.world.scenes import Ground, Ridge, Time, Tree, Weather

Colour = tuple[float, float, float]
"""sRGB, 0 to 1."""

#: Of the sky, at the top and at the horizon.
SKIES: dict[Time, tuple[Colour, Colour]] = {
    "day": ((0.20, 0.52, 0.93), (0.66, 0.86, 0.98)),
    "sunset": ((0.80, 0.38, 0.55), (1.00, 0.76, 0.45)),
    "night": ((0.02, 0.03, 0.13), (0.07, 0.10, 0.27)),
}
#: Share of this grey that rain and snowfall mix into the sky.
OVERCAST = 0.3
OVERCAST_GREYS: dict[Time, Colour] = {
    "day": (0.42, 0.47, 0.55),
    "sunset": (0.62, 0.45, 0.45),
    "night": (0.10, 0.11, 0.16),
}
LIGHTS: dict[Time, Colour] = {
    "day": (1.00, 0.93, 0.50),
    "sunset": (0.96, 0.26, 0.10),
    "night": (0.98, 0.95, 0.80),
}
GLOWS: dict[Time, Colour] = {
    "day": (1.00, 0.97, 0.80),
    "sunset": (1.00, 0.80, 0.42),
    "night": (0.26, 0.30, 0.48),
}
CLOUDS: dict[Time, Colour] = {
    "day": (0.98, 0.98, 1.00),
    "sunset": (1.00, 0.87, 0.84),
    "night": (0.40, 0.45, 0.58),
}
#: By day; ``TINTS`` says what other times make of it. So too below.
GROUNDS: dict[Ground, Colour] = {
    "sea": (0.08, 0.47, 0.62),
    "snow": (0.92, 0.95, 1.00),
    "sand": (0.92, 0.77, 0.46),
    "grass": (0.48, 0.75, 0.27),
}
RIDGES: dict[Ridge, Colour] = {
    "blue": (0.26, 0.42, 0.86),
    "purple": (0.56, 0.32, 0.74),
    "brown": (0.55, 0.35, 0.20),
    "green": (0.18, 0.54, 0.32),
}
TREES: dict[Tree, Colour] = {
    "fir": (0.07, 0.37, 0.23),
    "autumn": (0.92, 0.43, 0.08),
    "blossom": (0.98, 0.60, 0.76),
}
#: What a colour is multiplied with.
TINTS: dict[Time, Colour] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (0.98, 0.84, 0.80),
    "night": (0.55, 0.56, 0.66),
}

#: All else: what the time of day tints, and what it does not.
PARTS: dict[str, Colour] = {
    "cap": (0.97, 0.98, 1.00),
    "trunk": (0.36, 0.24, 0.16),
    "foam": (0.62, 0.84, 0.90),
    "rock": (0.36, 0.36, 0.40),
    "white": (0.97, 0.96, 0.94),
    "red": (0.85, 0.15, 0.13),
    "dark": (0.22, 0.16, 0.15),
    "timber": (0.55, 0.34, 0.19),
    "roof": (0.38, 0.17, 0.13),
    "hull": (0.50, 0.26, 0.14),
}
SHINING: dict[str, Colour] = {
    "lamp": (1.00, 0.86, 0.36),
    "star": (0.95, 0.95, 0.88),
    "rain": (0.90, 0.94, 1.00),
    "flake": (1.00, 1.00, 1.00),
}
#: How much of its colour a ridge loses to the sky, from the farthest.
HAZE = (0.36, 0.18, 0.0)
#: Where each part is in a table of colours.
PART_INDEX = {name: index for index, name in enumerate((*PARTS, *SHINING))}


def tinted(colour: Colour, time: Time) -> Colour:
    red, green, blue = (part * tint for part, tint in zip(colour, TINTS[time], strict=True))
    return red, green, blue


def sky_colours(time: Time, weather: Weather = "clear") -> tuple[Colour, Colour]:
    """At the top and at the horizon."""
    top, bottom = SKIES[time]
    if weather == "clear":
        return top, bottom
    return _mix(top, OVERCAST_GREYS[time], OVERCAST), _mix(bottom, OVERCAST_GREYS[time], OVERCAST)


def ground_colour(ground: Ground, time: Time) -> Colour:
    """Where it is lit; up to a fifth darker elsewhere, and the sea has lighter strips of foam."""
    return tinted(GROUNDS[ground], time)


def ridge_colour(ridge: Ridge, time: Time) -> Colour:
    """Of the front ridge; those behind are mixed with the sky's horizon by ``HAZE``."""
    return tinted(RIDGES[ridge], time)


def tree_colour(tree: Tree, time: Time) -> Colour:
    """Of the crown."""
    return tinted(TREES[tree], time)


def light_colour(time: Time) -> Colour:
    return LIGHTS[time]


def cloud_colour(time: Time) -> Colour:
    return CLOUDS[time]


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue
