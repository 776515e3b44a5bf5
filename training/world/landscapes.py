"""Paints landscapes: flat illustrations of big shapes, whose every attribute can be read from the pixels."""

from __future__ import annotations

import math
from typing import Any

import torch

from training.world.canvas import View, cover, over
from training.world.landscape_colours import HAZE
from training.world.landscape_layouts import PARALLAX_CLOUDS, Packed, pack

# A painter of a kind of scene has these three.
__all__ = ["Packed", "pack", "paint"]

#: How much of the foreground's way ridges go in a pan, from the farthest.
PARALLAX_RIDGES = (0.3, 0.45, 0.6)
#: Share of a ridge's height above which it is white.
CAP_FROM = 0.66
#: How many ridges have caps, from the farthest; the front one always shows its colour.
CAPPED = 2

_TAU = 2 * math.pi


def paint(packed: Packed, view: View, when: float | torch.Tensor = 0.0) -> torch.Tensor:
    """The pictures, B×3×H×W, from 0 to 1.

    ``when`` is the progress of the clip, 0 to 1: one for all pictures, or one for each (B).
    """
    if isinstance(when, torch.Tensor):
        when = when.reshape(-1, 1, 1)
    p, x, y = packed, view.x, view.y
    wide, high = view.half_width, view.half_height
    # Taller pictures have taller mountains and deeper foregrounds, but not in full measure.
    tall = (1 + high) / 2
    near = p.pan * (when - 0.5) * wide
    horizon = p.horizon * high

    down = ((y + high) / (horizon + high)).clamp(0, 1)
    sky = torch.lerp(p.top[:, :, None, None], p.bottom[:, :, None, None], down[:, None])
    picture = sky.expand(-1, -1, -1, x.shape[-1])
    picture = _paint_light(p, picture, view, when)
    picture = _paint_clouds(
        p, picture, x - (p.drift * wide + p.pan * PARALLAX_CLOUDS * wide) * (when - 0.5), view
    )
    picture = _paint_ridges(p, picture, near, horizon, tall, view)
    picture = _paint_ground(p, picture, near, horizon, view, when)
    picture = _paint_landmark(p, picture, near, horizon, tall, view)
    picture = _paint_trees(p, picture, near, horizon, tall, view)
    return _paint_weather(p, picture, view, when).clamp(0, 1)


def _scatter(x: torch.Tensor, y: torch.Tensor, phase: torch.Tensor, cell: float, jitter: float) -> Any:
    """An endless scatter of points, one in each square cell.

    Gives the ways across and down from the cell's point, and a number that the cell has by lot, 0 to 1.
    ``jitter`` is how far points stray from the cell's middle, of its size.
    """
    column, row = torch.floor(x / cell), torch.floor(y / cell)
    # Sines of large steps stand in for chance; all machines agree on them far below a pixel.
    lot = torch.sin(column * 12.9 + row * 78.2 + phase)
    other = torch.sin(column * 39.3 + row * 11.1 + phase)
    across = x - (column + 0.5 + jitter * lot) * cell
    down = y - (row + 0.5 + jitter * other) * cell
    return across, down, 0.5 + 0.5 * torch.sin(lot * 9.0 + other * 7.0)


def _paint_light(p: Packed, picture: torch.Tensor, view: View, when: float | torch.Tensor) -> torch.Tensor:
    # What rises ends at its place, what sets begins there.
    lift = (p.climb.clamp(min=0) * (1 - when) - p.climb.clamp(max=0) * when) * (1 + p.horizon)
    x = view.x - p.light_x * view.half_width
    y = view.y - (p.light_y + lift) * view.half_height
    distance = torch.sqrt(x * x + y * y) - p.radius
    glow = 0.55 * torch.exp(-distance.clamp(min=0) / (0.8 * p.radius)) * p.light
    # A smaller disc beside the middle leaves a crescent.
    bite = torch.sqrt((x - 0.5 * p.radius) ** 2 + (y + 0.25 * p.radius) ** 2) - 0.9 * p.radius
    disc = cover(distance, view.pixel) * (1 - p.crescent * cover(bite, view.pixel))
    across, down, size = _scatter(view.x, view.y, p.phase[:, 0], 0.25, 0.4)
    star = cover(across.abs() + down.abs() - (0.010 + 0.010 * size), view.pixel, soft=0.004)
    # None in the dark part of the moon.
    star = star * p.starry * (1 - p.light * cover(distance, view.pixel))
    return over(over(over(picture, p.glow, glow), p.part("star"), star), p.light_colour, disc * p.light)


def _paint_clouds(p: Packed, picture: torch.Tensor, x: torch.Tensor, view: View) -> torch.Tensor:
    for one in range(3):
        width = p.cloud_width[:, one]
        u = (x - p.cloud_x[:, one] * view.half_width) / width
        v = (view.y - p.cloud_y[:, one] * view.half_height) / width
        lobes = p.cloud_lobes[:, one]
        # Three humps on a rounded bar, in a box of 1 by about a half.
        distance = torch.sqrt((u.abs() - 0.37).clamp(min=0) ** 2 + (v - 0.13) ** 2) - 0.125
        for hump, (at, up, radius) in enumerate(((-0.2, 0.03, 0.17), (0.03, -0.06, 0.2), (0.24, 0.05, 0.14))):
            size = radius * lobes[:, hump]
            distance = torch.minimum(distance, torch.sqrt((u - at) ** 2 + (v - up) ** 2) - size)
        shade = 1 - 0.14 * ((v + 0.05) / 0.3).clamp(0, 1)
        mask = cover(distance * width, view.pixel, soft=0.006) * p.clouds[:, one]
        picture = over(picture, p.cloud_colour[:, :, None, None] * shade[:, None], mask)
    return picture


def _triangle(turns: torch.Tensor) -> torch.Tensor:
    """A triangle wave of period 1, from -1 to 1."""
    return 1 - 4 * ((turns - torch.floor(turns)) - 0.5).abs()


def _paint_ridges(
    p: Packed, picture: torch.Tensor, near: torch.Tensor, horizon: torch.Tensor, tall: float, view: View
) -> torch.Tensor:
    for layer, (haze, parallax) in enumerate(zip(HAZE, PARALLAX_RIDGES, strict=True)):
        x = view.x - near * parallax
        frequency, phase, weight = p.waves[:, layer].unbind(1)
        sums = (weight * _triangle(x[:, None] * frequency + phase)).sum(1) + p.lows[:, layer]
        height = p.heights[:, layer] * tall
        line = horizon - height * (0.35 + 0.65 * sums)
        mask = cover(line - view.y, view.pixel) * p.mountains
        colour = torch.lerp(p.ridge, p.bottom, haze)
        picture = over(picture, colour, mask)
        if layer >= CAPPED:
            break
        edge = horizon - height * (CAP_FROM + 0.07 * _triangle(x * 7))
        cap = torch.lerp(p.part("cap"), p.bottom, haze * 0.5)
        picture = over(picture, cap, mask * cover(view.y - edge, view.pixel) * p.caps)
    return picture


def _paint_ground(
    p: Packed,
    picture: torch.Tensor,
    near: torch.Tensor,
    horizon: torch.Tensor,
    view: View,
    when: float | torch.Tensor,
) -> torch.Tensor:
    x, y = view.x - near, view.y
    depth = view.half_height - horizon
    first, second = p.phase[:, 1], p.phase[:, 2]
    hills = p.roughness * (torch.sin(2.1 * x + first) + 0.6 * torch.sin(4.7 * x + second))
    land = 1 - ((y - horizon - hills) / 0.35).clamp(0, 1)
    for share, step in ((0.33, 1.9), (0.66, 4.1)):
        crest = (
            horizon
            + share * depth
            + 2.2
            * p.roughness
            * (torch.sin(1.6 * x + first * step) + 0.5 * torch.sin(3.3 * x + second * step))
        )
        land = torch.lerp(land, 1 - ((y - crest) / 0.35).clamp(0, 1), cover(crest - y, view.pixel, soft=0.01))
    far = ((y - horizon) / depth).clamp(0.0001, 1)
    # Waves lie closer towards the horizon.
    turns = 6 * torch.sqrt(far) + 0.12 * torch.sin(3 * x + first) - 2 * when
    wave = 0.5 + 0.5 * torch.sin(_TAU * turns)
    lit = torch.lerp(land, wave * wave, p.sea)
    mask = cover(horizon + hills - y, view.pixel)
    colour = torch.lerp(p.shadow[:, :, None, None], p.ground[:, :, None, None], lit[:, None])
    picture = over(picture, colour, mask)
    across, down, lot = _scatter(x, 1.6 * torch.sqrt(far), first, 0.42, 0.28)
    crest = torch.maximum(across.abs() - (0.05 + 0.05 * lot), down.abs() - 0.016)
    picture = over(picture, p.part("foam"), cover(crest, view.pixel, soft=0.012) * 0.55 * p.sea * mask)
    path = (view.x - p.light_x * view.half_width).abs() - (0.06 + 0.10 * far) * (0.55 + 0.45 * wave)
    glitter = cover(path, view.pixel, soft=0.03) * (0.35 + 0.5 * wave) * p.sea * p.light * mask
    return over(picture, p.light_colour, glitter)


def _span(value: torch.Tensor, low: Any, high: Any) -> torch.Tensor:
    """Distance to the stripe between two numbers."""
    return torch.maximum(low - value, value - high)


def _paint_landmark(
    p: Packed, picture: torch.Tensor, near: torch.Tensor, horizon: torch.Tensor, tall: float, view: View
) -> torch.Tensor:
    u = view.x - near - p.landmark_x * view.half_width
    v = horizon + p.landmark_depth * tall - view.y
    side = u.abs()

    def put(part: str, distance: torch.Tensor, presence: torch.Tensor) -> None:
        nonlocal picture
        picture = over(picture, p.part(part), cover(distance, view.pixel) * presence)

    def both(*distances: torch.Tensor) -> torch.Tensor:
        distance = distances[0]
        for other in distances[1:]:
            distance = torch.maximum(distance, other)
        return distance

    house = p.lighthouse
    rock = torch.sqrt((u / 0.2) ** 2 + ((v + 0.02) / 0.075) ** 2) * 0.075 - 0.075
    put("rock", both(rock, -0.035 - v), house * p.sea)
    tower = side - (0.088 - 0.07 * v)
    put("white", both(tower, _span(v, 0.0, 0.38)), house)
    bands = torch.minimum(_span(v, 0.07, 0.145), _span(v, 0.22, 0.295))
    put("red", both(tower, bands), house)
    put("lamp", both(side - 0.042, _span(v, 0.38, 0.46)), house)
    put("dark", both(side - 0.08, _span(v, 0.375, 0.40)), house)
    put("red", both(side - 0.075 * (0.52 - v) / 0.07, _span(v, 0.45, 0.52)), house)

    put("timber", both(side - 0.19, _span(v, 0.0, 0.2)), p.cabin)
    put("roof", both((side - 0.25 * (0.36 - v) / 0.18) * 0.6, _span(v, 0.18, 0.36)), p.cabin)
    put("lamp", both((u - 0.085).abs() - 0.055, _span(v, 0.06, 0.15)), p.cabin)
    put("dark", both((u + 0.085).abs() - 0.045, _span(v, 0.0, 0.14)), p.cabin)

    put("hull", both(side - (0.13 + 0.9 * v), _span(v, 0.0, 0.085)), p.sailboat)
    put("dark", both(side - 0.008, _span(v, 0.08, 0.5)), p.sailboat)
    put("white", both(0.016 - u, (u - 0.016 - 0.2 * (0.5 - v) / 0.39) * 0.85, 0.11 - v), p.sailboat)
    put("white", both(u + 0.016, (-u - 0.016 - 0.15 * (0.42 - v) / 0.31) * 0.85, 0.11 - v), p.sailboat)
    return picture


def _paint_trees(
    p: Packed, picture: torch.Tensor, near: torch.Tensor, horizon: torch.Tensor, tall: float, view: View
) -> torch.Tensor:
    for one in range(3):
        size = p.tree_height[:, one]
        u = (view.x - near - p.tree_x[:, one] * view.half_width) / size
        v = (horizon + p.tree_depth[:, one] * tall - view.y) / size
        side = u.abs()
        stem = torch.maximum(side - 0.04, _span(v, 0.0, 0.5))
        picture = over(picture, p.part("trunk"), cover(stem * size, view.pixel) * p.trees[:, one])
        fir = torch.full_like(v, 1.0)
        for bottom, top, half in ((0.12, 0.56, 0.26), (0.34, 0.78, 0.21), (0.56, 1.0, 0.16)):
            slope = (side - half * (top - v) / (top - bottom)) * 0.85
            fir = torch.minimum(fir, torch.maximum(slope, bottom - v))
        crown = torch.sqrt(side * side + (v - 0.73) ** 2) - 0.24
        for across, up, radius in ((0.14, 0.68, 0.14), (0.10, 0.80, 0.15)):
            crown = torch.minimum(crown, torch.sqrt((side - across) ** 2 + (v - up) ** 2) - radius)
        distance = torch.lerp(crown, fir, p.fir)
        shade = 0.88 + 0.2 * v.clamp(0, 1)
        mask = cover(distance * size, view.pixel) * p.trees[:, one]
        picture = over(picture, p.tree[:, :, None, None] * shade[:, None], mask)
    return picture


def _paint_weather(p: Packed, picture: torch.Tensor, view: View, when: float | torch.Tensor) -> torch.Tensor:
    x, y = view.x, view.y
    across, down, lot = _scatter(x + 0.3 * y, y - 1.6 * when, p.phase[:, 3], 0.25, 0.2)
    streak = torch.maximum(across.abs() - 0.008, down.abs() - (0.055 + 0.018 * lot))
    rain = cover(streak, view.pixel, soft=0.003) * 0.9 * p.rain
    across, down, lot = _scatter(x, y - 0.6 * when, p.phase[:, 3], 0.27, 0.4)
    flake = torch.sqrt(across * across + down * down) - (0.016 + 0.007 * lot)
    snow = cover(flake, view.pixel, soft=0.004) * p.snowfall
    return over(over(picture, p.part("rain"), rain), p.part("flake"), snow)
