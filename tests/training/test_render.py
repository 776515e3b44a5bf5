"""Mixed lists of scenes become pictures in their order."""

import random

import torch
from click.testing import CliRunner
from PIL import Image

from training.world.drawing_lots import landscape, still_life
from training.world.preview import contact_sheet, preview
from training.world.render import render
from training.world.scenes import Scene


def test_mixed_scenes_keep_their_order() -> None:
    lots = random.Random(3)
    scenes: list[Scene] = [
        landscape(lots),
        still_life(lots),
        still_life(lots),
        landscape(lots),
        still_life(lots),
    ]
    pictures = render(scenes, 48, 64)
    assert pictures.shape == (5, 3, 48, 64)
    for scene, picture in zip(scenes, pictures, strict=True):
        assert torch.allclose(render([scene], 48, 64)[0], picture, atol=1e-6)


def test_levels_are_from_0_to_1() -> None:
    lots = random.Random(4)
    pictures = render([still_life(lots) for _ in range(8)], 32, 32)
    assert pictures.dtype == torch.float32
    assert 0 <= pictures.min() < pictures.max() <= 1


def test_no_scenes_are_no_pictures() -> None:
    assert render([], 32, 48).shape == (0, 3, 32, 48)


def test_a_contact_sheet_has_rows_of_columns() -> None:
    red = torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 10, 20)
    sheet = contact_sheet([red] * 5, 3)
    assert sheet.size == (3 * 28 + 8, 2 * 18 + 8)
    assert sheet.getpixel((8 + 28 + 10, 8 + 18 + 5)) == (255, 0, 0)
    assert sheet.getpixel((8 + 2 * 28 + 10, 8 + 18 + 5)) == (255, 255, 255)


def test_preview_paints_a_sheet_and_prints_its_captions(tmp_path: object) -> None:
    out = f"{tmp_path}/sheet.png"
    result = CliRunner().invoke(preview, ["--rows", "2", "--columns", "3", "--size", "32", out])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) == 6
    with Image.open(out) as sheet:
        assert sheet.size == (3 * 40 + 8, 2 * 40 + 8)
