"""From what a model made to files, with their thumbnails and what has to be known about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from ourvidz.plugins.family import Artifact, ImageArtifact, VideoArtifact, VideoLength
from ourvidz.runtime.making.mp4 import check_mp4, encode_mp4
from ourvidz.runtime.making.pictures import encode_png, encode_thumbnail
from ourvidz.runtime.making.videos import middle_frame
from ourvidz.spec.defaults import MIME_TYPES, THUMBNAIL_MIME_TYPE
from ourvidz.spec.job_type import ContentType
from ourvidz.spec.units import Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedFile:
    """One file, ready to be stored."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedArtifact:
    """One image or video, ready to be stored."""

    type: ContentType
    index: int
    seed: int
    size: Resolution
    length: VideoLength | None
    """None: an image."""
    file: EncodedFile
    thumbnail: EncodedFile | None


def encode(
    artifact: Artifact, *, parameters: Mapping[str, JsonValue], thumbnail: int, folder: Path
) -> EncodedArtifact:
    """Encode an artifact; ``parameters``, and its seed, stand in the file.

    ``thumbnail`` is its longest side, 0 for none; a video's is of the middle frame. ``folder`` takes
    what has to be written on the way. Raises OutputInvalid for a video whose file, read back, is not
    what it should be.
    """
    known = {**parameters, "seed": artifact.seed}
    content: ContentType
    if isinstance(artifact, ImageArtifact):
        content, ending, length = "image", "png", None
        shown = artifact.image
        data = encode_png(shown, known)
    else:
        content, ending, length = "video", "mp4", VideoLength(len(artifact.frames), artifact.fps)
        shown = middle_frame(artifact)
        data = _mp4(artifact, known, folder)
    name = str(artifact.index)
    small = (
        EncodedFile(
            name=f"{name}.thumb.webp", mime=THUMBNAIL_MIME_TYPE, data=encode_thumbnail(shown, thumbnail)
        )
        if thumbnail
        else None
    )
    return EncodedArtifact(
        type=content,
        index=artifact.index,
        seed=artifact.seed,
        size=Resolution(shown.width, shown.height),
        length=length,
        file=EncodedFile(name=f"{name}.{ending}", mime=MIME_TYPES[content], data=data),
        thumbnail=small,
    )


def _mp4(artifact: VideoArtifact, parameters: Mapping[str, JsonValue], folder: Path) -> bytes:
    """Through a file, since putting the index first needs one that can be read while it is written."""
    file = folder / f"{artifact.index}.mp4"
    encode_mp4(artifact, file, parameters)
    check_mp4(artifact, file)
    data = file.read_bytes()
    file.unlink()
    return data
