"""A small file that would become a large picture costs no more than the reading of its header.

tests/plugins/init_images/test_refusals.py has what is damaged, cut off, or no picture at all.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest

from ourvidz.jobs.envelope import LOCAL_USER
from ourvidz.plugins.init_images.decoding import MAX_SCANS
from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import Worker
from tests.plugins.init_images.files import SIGNATURE, chunk, header, landscape, packed, png, saved
from tests.plugins.init_images.test_refusals import GREY, read, refusal
from tests.runtime.test_own_pictures import REQUIRED
from tests.site import Site

MB = 2**20

#: A reader of its own, which says what became of each file and how far the process's memory then had grown.
READER = """\
import json, sys
from pathlib import Path
from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from ourvidz.plugins.init_images.reading import read_init_image
from ourvidz.spec.job_type import InitImage
from ourvidz.spec.units import Resolution

def peak():
    # Not getrusage: its peak is at first that of whoever started this process.
    [line] = [one for one in open("/proc/self/status") if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

def became(path):
    try:
        read_init_image(Path(path), InitImage(), Resolution(64, 64), name="photo")
    except Exception as error:
        return getattr(error, "code", repr(error))
    return "read"

became(sys.argv[1])
before = peak()
print(json.dumps([[path, became(path), peak() - before] for path in sys.argv[2:]]))
"""


def lying_jpeg(width: int, height: int) -> bytes:
    """A sound JPEG whose frame header says another size."""
    whole = saved(landscape(64, 64), "JPEG")
    return whole.replace(struct.pack(">HH", 64, 64), struct.pack(">HH", height, width), 1)


def lying_webp() -> bytes:
    """A sound WebP whose frame header says the largest size that there is."""
    whole = saved(landscape(64, 64), "WEBP")
    return whole[:26] + struct.pack("<HH", 16_383, 16_383) + whole[30:]


def flat_png(side: int) -> bytes:
    """A PNG of one colour, as its header says: 1,000 times smaller than its pixels."""
    deflate = zlib.compressobj(9)
    row = bytes(1 + side)
    rows = b"".join(deflate.compress(row) for _ in range(side)) + deflate.flush()
    return SIGNATURE + header(side, side, colour="grey") + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_note(kind: bytes, before: bytes, size: int) -> bytes:
    """A small PNG with a compressed note that inflates to so many bytes."""
    note = chunk(kind, before + zlib.compress(bytes(size), 1))
    return png(GREY, colour="grey", before=[note])


def large_in_small_canvas() -> bytes:
    """A WebP whose canvas is 8x8 and whose picture says 16384x16384."""
    bits = (16_383) | (16_383 << 14)
    picture = b"VP8L" + struct.pack("<I", 16) + b"\x2f" + struct.pack("<I", bits) + bytes(11)
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + (7).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 4 + len(canvas) + len(picture)) + b"WEBP" + canvas + picture


def test_decompression_bombs(tmp_path: Path) -> None:
    bombs = {
        "png by its pixels": flat_png(12_000),
        "png by its ratio": png(GREY, colour="grey", data=bytes(64 * MB)),
        "png by a text": with_note(b"zTXt", b"note\0\0", 64 * MB),
        "png by an international text": with_note(b"iTXt", b"note\0\1\0\0\0", 64 * MB),
        "png by a profile": with_note(b"iCCP", b"note\0\0", 64 * MB),
        "jpeg by its pixels": lying_jpeg(60_000, 60_000),
        "jpeg by its scans": scans(5_000),
        "webp by its pixels": lying_webp(),
        "webp by its picture": large_in_small_canvas(),
    }
    sound, largest = tmp_path / "sound", tmp_path / "largest"
    sound.write_bytes(saved(landscape(64, 64), "PNG"))
    largest.write_bytes(flat_png(7_000))
    for name, data in bombs.items():
        assert len(data) < 2 * MB
        (tmp_path / name).write_bytes(data)
    files = [sound, *(tmp_path / name for name in bombs), largest]
    command = [sys.executable, "-c", READER, *map(str, files)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    *refused, (_, became, grown) = told
    assert {Path(path).name: code for path, code, _ in refused} == dict.fromkeys(bombs, "input_invalid")
    for path, _, grown_so_far in refused:
        assert grown_so_far < 32 * MB, path
    # What a job type allows is read, and this is how much that takes: the measure can see it.
    assert (became, grown > 45 * MB) == ("read", True)


def scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is there over and over."""
    whole = saved(landscape(64, 64), "JPEG", progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + scan * count + whole[-2:]


@pytest.mark.parametrize("side", [60_000, 12_000])
def test_no_bomb_reaches_a_reviewer_or_a_model(site: Site, side: int) -> None:
    site.spec("restyle", REQUIRED)
    photo = site.root / f"data/storage/init_images/{LOCAL_USER}/photo.png"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(png(GREY, colour="grey").replace(header(4, 4, colour="grey"), header(side, side)))
    project = site.project()
    with Client.open(project) as client, Worker(project, "sdxl") as worker:
        place = f"init_images/{LOCAL_USER}/photo.png"
        job = client.submit("restyle", prompt="a barn", inputs={"init_image": place})
        worker.run(burst=True)
        error = client.status(job).error
    assert error is not None
    assert error.code == "input_invalid"
    assert "expected at most 50000000; make it smaller" in error.message


def test_a_bomb_is_known_by_its_header() -> None:
    for data in (
        SIGNATURE + header(60_000, 60_000) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""),
        b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, 60_000, 60_000, 3),
    ):
        assert refusal(data) == (
            "photo: 60000x60000 are 3600000000 pixels, expected at most 50000000; make it smaller"
        )
    canvas = (16_383).to_bytes(3, "little")
    data = b"RIFF\x16\0\0\0WEBPVP8X" + struct.pack("<II", 10, 0) + canvas * 2
    assert "16384x16384 are 268435456 pixels" in refusal(data)


def test_what_inflates_to_more_than_the_header_says_is_neither_kept_nor_shown() -> None:
    bomb = zlib.compress(bytes(64 * 2**20))
    data = SIGNATURE + header(8, 8) + chunk(b"IDAT", bomb) + chunk(b"IEND", b"")
    tracemalloc.start()
    try:
        assert refusal(data) == "photo: the PNG inflates to more than the 200 bytes that its header promises"
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert "inflates to more" in refusal(png(GREY, colour="grey", data=packed([*GREY, GREY[0]], 8)))


def test_a_jpeg_that_is_decoded_over_and_over_is_refused() -> None:
    whole = saved(landscape(64, 64), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    scan = whole[last:-2]
    assert read(whole[:-2] + scan * (MAX_SCANS // 2) + whole[-2:]).size == (64, 64)
    assert refusal(whole[:-2] + scan * MAX_SCANS + whole[-2:]) == (
        "photo: the JPEG has more than 40 scans, for each of which it is decoded over; save it anew"
    )
