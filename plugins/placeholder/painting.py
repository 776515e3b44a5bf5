"""The picture: a soft gradient, with what was asked for written on it."""

from __future__ import annotations

import colorsys
import random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ourvidz.spec.units import Resolution

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

#: Hues of the light corner and of the dark one, in turns of the colour wheel: pairs that melt well.
PALETTES = (
    (0.06, -0.20),  # peach to violet
    (0.12, -0.04),  # amber to rose
    (0.46, 0.62),  # mint to blue
    (0.52, 0.74),  # sky to indigo
    (0.90, 0.68),  # pink to indigo
    (0.97, 0.80),  # coral to plum
)

WHITE = (255, 255, 255)


def paint(
    size: Resolution, *, prompt: str, without: str, seed: int, steps: int, guidance: float, title: str
) -> Image.Image:
    """Paint a placeholder. Equal arguments give equal pixels."""
    picture = _gradient(size, seed, guidance)
    veil = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(veil)
    unit = min(size.width, size.height) / 32
    margin = 2.5 * unit
    width = size.width - 2 * margin

    y = margin
    draw.text((margin, y), title, fill=225, font=_font(unit))
    _right(draw, size.width - margin, y, f"{size}", 225, _font(unit))

    lines, font = _fitted(draw, prompt, width, size.height - 2 * margin - 9 * unit, unit)
    spacing = _height(font) * 1.25
    y = (size.height - spacing * len(lines)) / 2
    for line in lines:
        draw.text((margin, y), line, fill=250, font=font)
        y += spacing
    if without:
        small = _font(unit)
        shortened = _wrapped(draw, f"without {without}", width, small)[0]
        draw.text((margin, y + unit * 0.5), shortened, fill=205, font=small)

    bottom = size.height - margin
    _ticks(draw, margin, bottom, width, steps, unit)
    y = bottom - 2.3 * unit
    draw.text((margin, y), f"seed {seed}", fill=235, font=_font(unit))
    _right(draw, size.width - margin, y, f"{steps} steps, guidance {guidance:g}", 225, _font(unit))

    # A soft shadow under the letters keeps them readable on any colour.
    shadow = veil.filter(ImageFilter.GaussianBlur(unit / 3)).point(lambda value: value * 0.55)
    picture.paste((16, 18, 32), mask=shadow)
    picture.paste(WHITE, mask=veil)
    return picture


def _gradient(size: Resolution, seed: int, guidance: float) -> Image.Image:
    """A few neighbouring hues, blown up until they melt into each other."""
    chance = random.Random(seed)
    saturation = 0.25 + 0.55 * guidance / (guidance + 7.0)
    light, dark = chance.choice(PALETTES)
    seedling = Image.new("RGB", (3, 3))
    for x in range(3):
        for y in range(3):
            way = (x + y) / 4
            hue = light + (dark - light) * way + chance.uniform(-0.03, 0.03)
            value = 0.9 - 0.38 * way + chance.uniform(-0.05, 0.05)
            colour = _colour(hue, saturation * chance.uniform(0.8, 1.0), value)
            seedling.putpixel((x, y), colour)
    if chance.random() < 0.5:
        seedling = seedling.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return seedling.resize((size.width, size.height), Image.Resampling.BICUBIC)


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, min(value, 1.0))
    return round(red * 255), round(green * 255), round(blue * 255)


def _font(points: float) -> Font:
    return ImageFont.load_default(size=max(6.0, points))


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, width: float, height: float, unit: float
) -> tuple[list[str], Font]:
    """Break a text into lines at the largest of four sizes that fits; the last one cuts it off."""
    for scale in (3.0, 2.2, 1.6, 1.1):
        font = _font(unit * scale)
        lines = _wrapped(draw, text, width, font)
        room = max(1, int(height / (_height(font) * 1.25)))
        if len(lines) <= room:
            return lines, font
    return [*lines[: room - 1], lines[room - 1].rstrip() + " …"], font


def _wrapped(draw: ImageDraw.ImageDraw, text: str, width: float, font: Font) -> list[str]:
    """Break a text between words; a word that is too long for a line is cut off by the edge."""
    space = draw.textlength(" ", font=font)
    lines: list[list[str]] = [[]]
    room = width
    for word in text.split():
        length = draw.textlength(word, font=font)
        if lines[-1] and length > room:
            lines.append([])
            room = width
        lines[-1].append(word)
        room -= length + space
    return [" ".join(line) for line in lines]


def _height(font: Font) -> float:
    _, top, _, bottom = font.getbbox("Ág")
    return bottom - top


def _right(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    text: str,
    fill: int,
    font: Font,
) -> None:
    draw.text((x - draw.textlength(text, font=font), y), text, fill=fill, font=font)


def _ticks(
    draw: ImageDraw.ImageDraw, left: float, bottom: float, width: float, steps: int, unit: float
) -> None:
    """One small bar for each step."""
    shown = min(steps, 100)
    gap = width / shown * 0.3
    pitch = (width + gap) / shown
    for index in range(shown):
        x = left + index * pitch
        draw.rectangle((x, bottom - unit * 0.3, x + pitch - gap, bottom), fill=150)
