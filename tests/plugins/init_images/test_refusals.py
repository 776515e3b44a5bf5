"""What is no picture, is damaged or too large is refused for what it is, before it costs anything."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ourvidz.errors import RequestInvalid
from ourvidz.plugins.init_images.decoding import decode
from ourvidz.plugins.init_images.header import InputInvalid, read_header
from ourvidz.plugins.init_images.reading import read_init_image
from ourvidz.spec.job_type import InitImage
from ourvidz.spec.units import Resolution
from tests.plugins.init_images.files import SIGNATURE, chunk, header, landscape, packed, png, saved

RULES = InitImage()

#: As Pillow writes them; small, since tests cut and bend them at every byte.
SOUND = {kind: saved(landscape(24, 16), kind) for kind in ("PNG", "JPEG", "WEBP")}

GREY = [[10, 20, 30, 40]] * 4


def read(data: bytes, rules: InitImage = RULES) -> Image.Image:
    return decode("photo", data, read_header("photo", data, rules))


def refusal(data: bytes, rules: InitImage = RULES) -> str:
    with pytest.raises(InputInvalid) as refused:
        read(data, rules)
    assert isinstance(refused.value, RequestInvalid)
    assert refused.value.code == "input_invalid"
    return str(refused.value)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"\xef\xbb\xbf\n <HTML>", "an HTML page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (saved(landscape(8, 8), "GIF"), "a GIF"),
        (saved(landscape(8, 8), "BMP"), "a BMP"),
        (saved(landscape(8, 8), "TIFF"), "a TIFF"),
        (saved(landscape(16, 16), "ICO"), "an icon"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF picture"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x1cftypisom\0\0\2\0", "a video"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a file that begins with the bytes 52 49 46 46 24 00 00 00"),
        (b"hello", "a file that begins with the bytes 68 65 6c 6c 6f"),
        (b"\0" * 100, "a file that begins with the bytes 00 00 00 00 00 00 00 00"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, found: str) -> None:
    assert refusal(data) == f"photo: found {found}, expected a PNG, JPEG or WebP picture"


@pytest.mark.parametrize("kind", SOUND)
def test_what_is_cut_off_anywhere_is_refused(kind: str) -> None:
    whole = SOUND[kind]
    # A JPEG without its very last marker has all its pixels.
    for length in range(1, len(whole) - 2):
        refusal(whole[:length])


def test_the_job_type_says_how_large_a_picture_may_be() -> None:
    assert "24x16 are 384 pixels, expected at most 383" in refusal(SOUND["JPEG"], InitImage(max_pixels=383))
    assert read(SOUND["JPEG"], InitImage(max_pixels=384)).size == (24, 16)
    size = len(SOUND["PNG"])
    message = refusal(SOUND["PNG"], InitImage(max_size=size - 1))
    assert message == f"photo: found a file of more than {size - 1}B, expected that at most"
    assert read(SOUND["PNG"], InitImage(max_size=size)).size == (24, 16)


def test_a_png_with_too_few_rows_is_not_filled_with_black() -> None:
    data = png(GREY, colour="grey", data=packed(GREY[:3], 8))
    assert refusal(data) == "photo: the PNG is cut off: 15 of 20 bytes of pixels are there"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (SIGNATURE + chunk(b"IDAT", b"0123456789abc"), "does not begin with an IHDR chunk"),
        (SIGNATURE + header(0, 8) + chunk(b"IEND", b""), "is 0x8 pixels large"),
        (png(GREY, colour="grey").replace(header(4, 4, colour="grey"), header(4, 4, depth=3)), "no sense"),
        (
            SIGNATURE + header(4, 4) + chunk(b"IDAT", b"pixels") + chunk(b"IEND", b""),
            "incorrect header check",
        ),
        (b"\xff\xd8\xff\xd9", "it has no frame header"),
        (b"\xff\xd8\xff\xda\0\x02", "it has no frame header"),
        (b"\xff\xd8\xff\xe0\0\x02no marker", "something else stands where a marker has to"),
        (b"RIFF\x24\0\0\0WEBPALPH" + bytes(20), "it does not begin with a picture"),
        (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(20), "it has no key frame"),
        (b"RIFF\x24\0\0\0WEBPVP8L" + bytes(20), "it has no lossless picture"),
    ],
)
def test_what_is_damaged_is_told(data: bytes, why: str) -> None:
    assert why in refusal(data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused_with_the_remedy(kind: str) -> None:
    frames = [landscape(16, 16), Image.new("RGB", (16, 16), "red")]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert "animation; save one frame of it as a picture" in refusal(data)


@pytest.mark.parametrize("kind", SOUND)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_was_done_to_a_file_it_is_a_picture_or_refused(kind: str, data: st.DataObject) -> None:
    bent = bytearray(SOUND[kind])
    for at in data.draw(st.lists(st.integers(0, len(bent) - 1), min_size=1, max_size=8)):
        bent[at] = data.draw(st.integers(0, 255))
    rules = InitImage(max_pixels=100_000)
    with suppress(InputInvalid):
        assert read(bytes(bent), rules).mode == "RGB"


class TestFiles:
    def refusal(self, path: Path) -> str:
        with pytest.raises(InputInvalid) as refused:
            read_init_image(path, InitImage(max_size=1000), Resolution(64, 64), name="photo")
        return str(refused.value)

    def test_what_is_no_file_is_told(self, tmp_path: Path) -> None:
        assert self.refusal(tmp_path) == "photo: cannot be read: Is a directory"
        assert self.refusal(tmp_path / "lost.png") == "photo: cannot be read: No such file or directory"
        assert self.refusal(tmp_path / ("x" * 300)) == "photo: cannot be read: File name too long"
        assert "cannot be read" in self.refusal(Path("a\0b"))

    def test_nobody_waits_for_a_pipe_or_reads_a_device_to_its_end(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path / "pipe", Path("/dev/zero")):
            assert self.refusal(path) == "photo: found a pipe or a device, expected a picture's file"

    def test_no_more_of_a_large_file_is_read_than_its_limit(self, tmp_path: Path) -> None:
        path = tmp_path / "large.png"
        with path.open("wb") as file:
            file.truncate(2**40)
        assert "more than 1000B" in self.refusal(path)
