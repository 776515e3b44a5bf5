"""A video plays in a browser before it is there as a whole, because of how it is encoded."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from ourvidz.plugins.family import VideoArtifact
from ourvidz.runtime.making.mp4 import encode_mp4
from tests.browser.cinema import Cinema
from tests.browser.conftest import Visit

WIDTH, HEIGHT, FRAMES, FPS = 240, 416, 33, 16

#: The middle of every frame, as it was made and as a browser has to show it.
SEA = (30, 120, 160)


@pytest.fixture
def film() -> VideoArtifact:
    """A patch of sea in a snowstorm: snow leaves an encoder much to write, in every part of the file."""
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    frames[:, HEIGHT // 4 : -HEIGHT // 4, WIDTH // 4 : -WIDTH // 4] = SEA
    return VideoArtifact(index=0, seed=7, frames=frames, fps=FPS)


def with_the_index_at_the_end(file: Path) -> bytes:
    """The same video as a muxer writes it that is not told otherwise."""
    late = file.with_name("late.mp4")
    with av.open(file) as source, av.open(late, "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return late.read_bytes()


def test_a_video_plays_while_its_second_half_is_still_on_its_way(
    film: VideoArtifact, tmp_path: Path, visit: Visit
) -> None:
    file = tmp_path / "film.mp4"
    encode_mp4(film, file, {})
    with Cinema(file.read_bytes()).open() as cinema:
        visit(cinema.url)
        first = cinema.next_report(patient=True)
        assert first["happened"] == "timeupdate", first
        assert not cinema.released.is_set()
        assert (first["width"], first["height"], first["duration"]) == (WIDTH, HEIGHT, FRAMES / FPS)
        assert np.abs(np.subtract(first["pixel"], SEA)).max() <= 4

        cinema.released.set()
        last = cinema.next_report(patient=True)
        assert (last["happened"], last["time"]) == ("ended", FRAMES / FPS)


def test_the_same_video_with_its_index_at_the_end_does_not(
    film: VideoArtifact, tmp_path: Path, visit: Visit
) -> None:
    file = tmp_path / "film.mp4"
    encode_mp4(film, file, {})
    with Cinema(with_the_index_at_the_end(file)).open() as cinema:
        visit(cinema.url)
        first = cinema.next_report()
        # The browser has the first half and waits for more, without so much as knowing the size.
        assert (first["happened"], first["time"], first["width"]) == ("stalled", 0, 0), first
        cinema.released.set()
        assert cinema.next_report()["happened"] == "timeupdate"
