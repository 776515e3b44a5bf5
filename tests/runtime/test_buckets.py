"""Nothing goes into a bucket that is not what it is said to be, or more than the bucket takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.jobs.storage import StorageRefused
from ourvidz.plugins.family import VideoArtifact
from ourvidz.runtime.buckets import check_fits
from ourvidz.runtime.making.mp4 import encode_mp4
from ourvidz.runtime.making.pictures import encode_png, encode_thumbnail
from ourvidz.spec.settings import BucketEntry
from tests.plugins.init_images.files import landscape, saved
from tests.runtime.artifacts import flying, gradient

EVERYTHING = BucketEntry(file_types=("image/png", "image/webp", "video/mp4", "image/jpeg"))


@pytest.fixture
def video(tmp_path: Path) -> bytes:
    file = tmp_path / "0.mp4"
    encode_mp4(VideoArtifact(index=0, seed=1, frames=flying(), fps=16), file, {})
    return file.read_bytes()


def test_what_workers_write_is_known_by_its_bytes(video: bytes) -> None:
    check_fits(EVERYTHING, "b", "0.png", encode_png(gradient(), {}), mime="image/png")
    check_fits(EVERYTHING, "b", "0.thumb.webp", encode_thumbnail(gradient(), 32), mime="image/webp")
    check_fits(EVERYTHING, "b", "0.mp4", video, mime="video/mp4")
    check_fits(EVERYTHING, "b", "0.jpg", saved(landscape(8, 8), "JPEG"), mime="image/jpeg")


@pytest.mark.parametrize(
    ("data", "mime", "found"),
    [
        (b"<html>not found</html>", "image/png", "an HTML page"),
        (b"", "image/png", "an empty file"),
        (encode_png(gradient(), {}), "video/mp4", "image/png"),
        (encode_thumbnail(gradient(), 32), "image/png", "image/webp"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "video/mp4", "an AVIF picture"),
        (b"RIFF\0\0\0\0WAVEfmt ", "image/webp", "a file that begins with the bytes 52 49 46 46"),
    ],
)
def test_bytes_of_another_type_are_refused(data: bytes, mime: str, found: str) -> None:
    with pytest.raises(StorageRefused, match=f"0: found {found}.*, expected {mime}"):
        check_fits(EVERYTHING, "b", "0", data, mime=mime)


def test_a_type_or_a_size_that_the_bucket_does_not_take_is_refused() -> None:
    data = encode_png(gradient(), {})
    with pytest.raises(StorageRefused, match="the bucket b takes video/mp4, not image/png"):
        check_fits(BucketEntry(file_types=("video/mp4",)), "b", "0.png", data, mime="image/png")
    small = BucketEntry(file_types=("image/png",), max_size=len(data) - 1)
    with pytest.raises(
        StorageRefused, match=f"has {len(data)} bytes, and the bucket b takes {len(data) - 1}"
    ):
        check_fits(small, "b", "0.png", data, mime="image/png")
    check_fits(small.model_copy(update={"max_size": len(data)}), "b", "0.png", data, mime="image/png")
