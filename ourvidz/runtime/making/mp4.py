"""Encodes a video as an mp4 that every browser plays while it still loads, and reads it back."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path

from pydantic import JsonValue

from ourvidz.plugins.family import OutputInvalid, VideoArtifact, VideoLength
from ourvidz.runtime.making.videos import video_name
from ourvidz.spec.units import Resolution

#: x264's settings: 81 frames of 832×480 in 0.7 s; slower presets save little at this quality, which
#: nobody tells from the frames themselves.
X264 = {"preset": "veryfast", "crf": "18"}

#: x264 decides a little differently with another number of threads. With this one, whatever the machine,
#: equal frames give equal bytes.
THREADS = 4

#: Matrix, primaries and transfer of ITU-R BT.709 as ISO/IEC 23001-8 numbers them; what browsers take a
#: video for that says nothing, and what others need to be told.
BT709 = 1

#: As FFmpeg numbers them: levels from 16 to 235, the only ones that every player understands.
LIMITED_RANGE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mp4:
    """What a player learns from an mp4 file."""

    streams: tuple[str, ...]
    codec: str
    pixel_format: str
    size: Resolution
    fps: Fraction
    colours: tuple[int, int, int, int]
    """Range, matrix, primaries, transfer."""
    frames: int
    """As many as can be decoded."""
    seconds: Fraction
    index_first: bool
    """Whether the index (moov) comes before the frames (mdat), so that playing needs not the whole file."""


def encode_mp4(artifact: VideoArtifact, file: Path, parameters: Mapping[str, JsonValue]) -> None:
    """Write H.264 with ``parameters`` as JSON in the metadata of the same name.

    Equal frames and parameters give equal bytes with equal libraries. Raises OutputInvalid for a side
    that is odd.
    """
    import av
    from av.video.reformatter import ColorRange, Colorspace

    height, width = artifact.frames.shape[1:3]
    if width % 2 or height % 2:
        raise OutputInvalid(
            f"{video_name(artifact)} is {width}x{height}, and H.264 in yuv420p has even sides only"
        )
    options = {
        # The index is moved to the front, and metadata may have names of their own.
        "movflags": "+faststart+use_metadata_tags",
        # Neither times nor versions of libraries in the file.
        "fflags": "+bitexact",
        # Durations of files are counted in units that a frame has a whole number of.
        "movie_timescale": str(artifact.fps * 1000),
    }
    with av.open(file, "w", format="mp4", options=options) as container:
        container.metadata["parameters"] = json.dumps(parameters, ensure_ascii=False)
        stream = container.add_stream("libx264", rate=artifact.fps, options=X264)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        codec = stream.codec_context
        codec.thread_type, codec.thread_count = "FRAME", THREADS
        codec.color_range, codec.colorspace = LIMITED_RANGE, BT709
        codec.color_primaries, codec.color_trc = BT709, BT709
        for number, pixels in enumerate(artifact.frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def check_mp4(artifact: VideoArtifact, file: Path) -> None:
    """Read a file as a player does, every frame of it, and compare it with what it was made of.

    Raises OutputInvalid naming what differs.
    """
    from av.error import FFmpegError

    frames, height, width, _ = artifact.frames.shape
    expected = _expected(Resolution(width, height), VideoLength(frames, artifact.fps))
    try:
        found = read_mp4(file)
    except FFmpegError as error:
        raise OutputInvalid(f"{video_name(artifact)} was encoded wrongly: {error.strerror}") from error
    for fact in (field.name for field in fields(Mp4)):
        if getattr(found, fact) != getattr(expected, fact):
            raise OutputInvalid(
                f"{video_name(artifact)} was encoded wrongly: {fact.replace('_', ' ')} "
                f"{getattr(found, fact)}, expected {getattr(expected, fact)}"
            )


def read_mp4(file: Path) -> Mp4:
    """Decode a file with one video stream in it."""
    import av

    boxes = list(_boxes(file))
    with av.open(file) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        return Mp4(
            streams=tuple(one.type for one in container.streams),
            codec=codec.name,
            pixel_format=codec.pix_fmt or "",
            size=Resolution(codec.width, codec.height),
            fps=stream.average_rate or Fraction(0),
            colours=(codec.color_range, codec.colorspace, codec.color_primaries, codec.color_trc),
            seconds=Fraction(container.duration or 0, av.time_base),
            frames=sum(1 for _ in container.decode(stream)),
            index_first="mdat" not in boxes[: boxes.index("moov")],
        )


def _expected(size: Resolution, length: VideoLength) -> Mp4:
    return Mp4(
        streams=("video",),
        codec="h264",
        pixel_format="yuv420p",
        size=size,
        fps=Fraction(length.fps),
        colours=(LIMITED_RANGE, BT709, BT709, BT709),
        frames=length.frames,
        # FFmpeg tells the duration of a file in whole microseconds.
        seconds=Fraction(round(Fraction(length.frames, length.fps) * 10**6), 10**6),
        index_first=True,
    )


def _boxes(file: Path) -> Iterator[str]:
    """The types of a file's outermost boxes, in order; ISO/IEC 14496-12, section 4.2."""
    with file.open("rb") as data:
        end = file.stat().st_size
        while data.tell() + 8 <= end:
            start = data.tell()
            size, kind = struct.unpack(">I4s", data.read(8))
            if size == 1:
                (size,) = struct.unpack(">Q", data.read(8))
            yield kind.decode("latin-1")
            if size == 0:
                return
            data.seek(start + size)
