"""A picture of any shape is brought to exactly the job's size, in the way that the job type declares."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from ourvidz.plugins.init_images.fitting import Fit, fit
from ourvidz.plugins.init_images.reading import read_init_image
from ourvidz.spec.job_type import InitImage
from ourvidz.spec.units import Resolution
from tests.plugins.init_images.files import exif, landscape, saved

MODES: tuple[Fit, ...] = ("crop", "pad", "stretch")


def thirds(width: int, height: int) -> Image.Image:
    """Red, green and blue, side by side in a wide picture and one below the other in a tall one."""
    picture = Image.new("RGB", (3, 1))
    picture.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255)])
    if height > width:
        picture = picture.transpose(Image.Transpose.ROTATE_270)
    return picture.resize((width, height), Image.Resampling.NEAREST)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", ["64x64", "128x64", "72x200", "1280x1280"])
@pytest.mark.parametrize("stored", [(1, 1), (64, 64), (2000, 1), (1, 2000), (90, 61), (333, 777)])
def test_the_size_is_exact(mode: Fit, size: str, stored: tuple[int, int]) -> None:
    width, height = map(int, size.split("x"))
    fitted = fit(Image.new("RGB", stored, (200, 100, 50)), Resolution(width, height), mode)
    assert (fitted.size, fitted.mode) == ((width, height), "RGB")
    assert fitted.getpixel(((width - 1) // 2, (height - 1) // 2)) == (200, 100, 50)


@pytest.mark.parametrize("stored", [(300, 100), (100, 300)])
def test_crop_keeps_the_middle(stored: tuple[int, int]) -> None:
    fitted = fit(thirds(*stored), Resolution(64, 64), "crop")
    # The resampling filter reaches over the middle's edges.
    inner = fitted.crop((4, 4, 60, 60))
    assert inner.getcolors() == [(56 * 56, (0, 255, 0))]


@pytest.mark.parametrize("stored", [(300, 100), (100, 300)])
def test_pad_shows_everything_between_black_bars(stored: tuple[int, int]) -> None:
    fitted = fit(thirds(*stored), Resolution(96, 96), "pad")
    if stored[1] > stored[0]:
        fitted = fitted.transpose(Image.Transpose.ROTATE_90)
    assert [fitted.getpixel((x, 48)) for x in (16, 48, 80)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert [fitted.getpixel((48, y)) for y in (0, 31, 64, 95)] == [(0, 0, 0)] * 4
    assert fitted.getpixel((48, 33)) == (0, 255, 0)


def test_stretch_shows_everything_in_other_proportions() -> None:
    fitted = fit(thirds(300, 100), Resolution(96, 96), "stretch")
    assert [fitted.getpixel((x, 5)) for x in (16, 48, 80)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


@pytest.mark.parametrize("mode", MODES)
def test_a_picture_that_fits_is_left_as_it_is(mode: Fit) -> None:
    picture = landscape(128, 96)
    assert fit(picture, Resolution(128, 96), mode).tobytes() == picture.tobytes()


def test_what_is_told_of_a_picture_is_about_the_file_and_what_a_person_sees(tmp_path: Path) -> None:
    data = saved(landscape(40, 24), "JPEG", exif=exif(6))
    (tmp_path / "photo.png").write_bytes(data)
    read = read_init_image(tmp_path / "photo.png", InitImage(fit="pad"), Resolution(64, 64), name="photo")
    assert read.image.size == (64, 64)
    assert read.facts == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "type": "image/jpeg",
        "size": "24x40",
        "fit": "pad",
    }
