"""Videos are encoded so that every browser plays them, and read back before they count."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ourvidz.plugins.family import OutputInvalid, VideoArtifact
from ourvidz.runtime.making.mp4 import Mp4, check_mp4, encode_mp4, read_mp4
from ourvidz.spec.units import Resolution
from tests.runtime.artifacts import Frames, flying, video

#: Red, green, blue and grey, side by side, and what ITU-R BT.709 calls them: Y, Cb, Cr of limited range.
COLOURS = {
    (255, 0, 0): (63, 102, 240),
    (0, 255, 0): (173, 42, 26),
    (0, 0, 255): (32, 240, 118),
    (128, 128, 128): (126, 128, 128),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "0.mp4"


def decoded(file: Path, pixel_format: str = "rgb24") -> Frames:
    with av.open(file) as container:
        return np.stack([frame.to_ndarray(format=pixel_format) for frame in container.decode(video=0)])


@pytest.mark.parametrize(("width", "height", "frames", "fps"), [(240, 416, 33, 16), (32, 16, 2, 7)])
def test_an_mp4_is_what_browsers_play(file: Path, width: int, height: int, frames: int, fps: int) -> None:
    artifact = video(flying(width, height, frames), fps=fps)
    encode_mp4(artifact, file, {})
    check_mp4(artifact, file)
    assert read_mp4(file) == Mp4(
        streams=("video",),
        codec="h264",
        pixel_format="yuv420p",
        size=Resolution(width, height),
        fps=Fraction(fps),
        # Limited range; matrix, primaries and transfer of BT.709.
        colours=(1, 1, 1, 1),
        frames=frames,
        seconds=Fraction(round(frames / fps * 1_000_000), 1_000_000),
        index_first=True,
    )


def test_what_is_seen_is_what_was_made(file: Path) -> None:
    frames = flying(96, 64, 9)
    encode_mp4(video(frames), file, {})
    assert np.abs(decoded(file).astype(int) - frames).mean() < 4


def test_colours_are_those_that_the_file_says_they_are(file: Path) -> None:
    stripes = np.repeat(np.array([[list(COLOURS)]], np.uint8), 32, axis=2)
    frames = np.broadcast_to(stripes, (3, 64, 128, 3))
    encode_mp4(video(frames), file, {})
    with av.open(file) as container:
        first = next(container.decode(video=0))
    planes = [
        np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size) for plane in first.planes
    ]
    for number, expected in enumerate(COLOURS.values()):
        # The colour planes have one value for two by two pixels.
        columns = [32 * number + 16, 16 * number + 8, 16 * number + 8]
        found = [int(plane[8, column]) for plane, column in zip(planes, columns, strict=True)]
        assert np.abs(np.subtract(found, expected)).max() <= 1


@pytest.mark.parametrize("prompt", ["a lighthouse at dusk", "黄昏の灯台", "a \"quoted\" 'boat'\n= ; # \\"])
def test_an_mp4_says_how_it_was_made(file: Path, prompt: str) -> None:
    encode_mp4(video(flying()), file, {"prompt": prompt, "guidance": 6.5})
    with av.open(file) as container:
        assert json.loads(container.metadata["parameters"]) == {"prompt": prompt, "guidance": 6.5}


def test_the_same_frames_give_the_same_file(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mp4"
    for path in (file, again):
        encode_mp4(video(flying(240, 416, 33)), path, {"seed": 7})
    assert file.read_bytes() == again.read_bytes()


def test_an_odd_side_is_refused_by_name(file: Path) -> None:
    with pytest.raises(OutputInvalid, match=r"video 0 \(seed 7\) is 63x48, and H\.264 in yuv420p has even"):
        encode_mp4(video(flying(63, 48)), file, {})


def _without_index_first(artifact: VideoArtifact, file: Path) -> None:
    """The same streams in the order that a muxer writes them: frames, then index."""
    whole = file.with_name("whole.mp4")
    encode_mp4(artifact, whole, {})
    with av.open(whole) as source, av.open(file, "w", options={"movie_timescale": "16000"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)


def _truncated(artifact: VideoArtifact, file: Path) -> None:
    encode_mp4(artifact, file, {})
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _short(artifact: VideoArtifact, file: Path) -> None:
    encode_mp4(video(artifact.frames[:-1]), file, {})


def _slow(artifact: VideoArtifact, file: Path) -> None:
    encode_mp4(video(artifact.frames, fps=8), file, {})


def _small(artifact: VideoArtifact, file: Path) -> None:
    encode_mp4(video(artifact.frames[:, :16]), file, {})


def _other_codec(artifact: VideoArtifact, file: Path) -> None:
    with av.open(file, "w", options={"movie_timescale": "16000"}) as container:
        stream = container.add_stream("mpeg4", rate=artifact.fps)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for pixels in artifact.frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def _no_video(_artifact: VideoArtifact, file: Path) -> None:
    file.write_bytes(b"no video")


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_without_index_first, "index first False, expected True"),
        (_truncated, "Invalid data|frames"),
        (_short, "frames 8, expected 9"),
        (_slow, "fps 8, expected 16"),
        (_small, "size 64x16, expected 64x48"),
        (_other_codec, "codec mpeg4, expected h264"),
        (_no_video, "Invalid data"),
    ],
)
def test_a_file_that_is_not_the_video_is_refused_with_what_differs(
    file: Path, write: Callable[[VideoArtifact, Path], None], words: str
) -> None:
    artifact = video(flying())
    write(artifact, file)
    with pytest.raises(OutputInvalid, match=rf"video 0 \(seed 7\) was encoded wrongly: .*({words})"):
        check_mp4(artifact, file)
