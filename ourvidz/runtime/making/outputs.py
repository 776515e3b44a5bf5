"""What a model made, compared with what was asked for, before it counts."""

from __future__ import annotations

from collections.abc import Sequence

from ourvidz.plugins.family import Artifact, ImageArtifact, OutputInvalid, VideoArtifact, VideoLength
from ourvidz.runtime.making.pictures import check_image
from ourvidz.runtime.making.videos import check_video
from ourvidz.spec.units import Resolution


def check_artifacts(
    artifacts: Sequence[Artifact],
    *,
    seeds: Sequence[int],
    size: Resolution,
    length: VideoLength | None = None,
) -> None:
    """Look at number, order, seeds, kind, size, length, and whether there is something to see.

    ``length`` is what a video has to have; None asks for images. Raises OutputInvalid naming the artifact.
    """
    made = [(artifact.index, artifact.seed) for artifact in artifacts]
    if made != list(enumerate(seeds)):
        raise OutputInvalid(f"the model made (index, seed) {made}, expected {list(enumerate(seeds))}")
    for artifact in artifacts:
        if isinstance(artifact, ImageArtifact) and length is None:
            check_image(artifact, size)
        elif isinstance(artifact, VideoArtifact) and length is not None:
            check_video(artifact, size, length)
        else:
            expected = "an image" if length is None else f"a video of {length.frames} frames"
            found = type(artifact).__name__
            raise OutputInvalid(f"the model made {found} {artifact.index}, expected {expected}")
