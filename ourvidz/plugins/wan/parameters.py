"""What WAN 2.1 can be told, and which values it can make."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from ourvidz.plugins.family import GenerationParameters, GenerationRequest, VideoLength
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.spec.job_type import MAX_FPS
from ourvidz.spec.units import Resolution

#: Frames per second that WAN 2.1 was trained at.
FPS = 16

#: The VAE turns four frames into one latent frame, and the first one into a latent frame of its own.
FRAMES_PER_LATENT = 4

#: The VAE's spatial factor 8 times the transformer's patch of 2.
SIZE_STEP = 16

#: A token of the transformer is a latent frame long and 16 pixels wide and high, and the rotary embedding
#: has 1024 places each way (``rope_max_seq_len`` of every published checkpoint).
MAX_FRAMES = 1023 * FRAMES_PER_LATENT + 1
MAX_SIDE = 1024 * SIZE_STEP


def frames_of(duration: float, fps: int) -> int:
    """The legal number of frames, 4k+1, of a video of so many seconds: 5 s at 16 fps are 81."""
    return FRAMES_PER_LATENT * round(duration * fps / FRAMES_PER_LATENT) + 1


class WanParameters(GenerationParameters):
    """Everything that a WAN generation depends on, beside the checkpoint and the seed."""

    fps: int = Field(default=FPS, ge=1, le=MAX_FPS)
    duration: float | None = Field(default=None, gt=0.0)
    """Seconds. Without a duration and without ``frames`` it is a picture."""
    frames: int | None = Field(default=None, ge=1, le=MAX_FRAMES)
    scheduler: Literal["unipc"] = "unipc"
    """UniPC with flow prediction; other samplers do not solve WAN's flow."""
    flow_shift: float | None = Field(default=None, gt=0.0)
    """None: the checkpoint's own."""

    @property
    def is_guided(self) -> bool:
        """Whether guidance does anything; 1 and below it is the prompt alone, at half the cost."""
        return self.guidance > 1.0

    @property
    def frame_count(self) -> int:
        """Frames to make, 4k+1; 1 for a picture."""
        if self.frames is not None:
            return self.frames
        return 1 if self.duration is None else frames_of(self.duration, self.fps)

    @property
    def length(self) -> VideoLength | None:
        return None if self.frame_count == 1 else VideoLength(self.frame_count, self.fps)

    @field_validator("resolution")
    @classmethod
    def _fits_the_grid(cls, size: Resolution) -> Resolution:
        if size.width % SIZE_STEP or size.height % SIZE_STEP:
            raise ValueError(f"expected a width and a height that {SIZE_STEP} divides")
        if max(size.width, size.height) > MAX_SIDE:
            raise ValueError(f"expected sides of at most {MAX_SIDE} pixels")
        return size

    @field_validator("duration")
    @classmethod
    def _can_be_made(cls, duration: float | None, info: ValidationInfo) -> float | None:
        fps = info.data.get("fps")
        if duration is None or fps is None:
            return duration
        least, most = FRAMES_PER_LATENT + 1, MAX_FRAMES
        if not least <= frames_of(duration, fps) <= most:
            raise ValueError(f"expected from {least / fps:.3g} to {most / fps:.3g} s at {fps} fps")
        return duration

    @field_validator("frames")
    @classmethod
    def _are_legal(cls, frames: int | None, info: ValidationInfo) -> int | None:
        if frames is None:
            return None
        if frames % FRAMES_PER_LATENT != 1:
            below = (frames - 1) // FRAMES_PER_LATENT * FRAMES_PER_LATENT + 1
            raise ValueError(f"expected 4k+1 frames, such as {below} or {below + FRAMES_PER_LATENT}")
        duration, fps = info.data.get("duration"), info.data.get("fps")
        if duration and fps and frames != frames_of(duration, fps):
            agreed = frames_of(duration, fps)
            raise ValueError(f"expected {agreed}, which is {duration:g} s at {fps} fps; give one of the two")
        return frames

    @field_validator("guidance")
    @classmethod
    def _reaches_the_negative_prompt(cls, guidance: float, info: ValidationInfo) -> float:
        if guidance <= 1.0 and info.data.get("negative_prompt"):
            raise ValueError("expected more than 1, since a negative prompt has no effect without guidance")
        return guidance


def check_request(request: GenerationRequest[WanParameters]) -> None:
    """Raises ParameterRefused for a video of one frame, a picture of several, and inputs of any kind."""
    job_type, frames = request.job_type, request.parameters.frame_count
    if job_type.content_type == "video" and frames == 1:
        raise ParameterRefused(f"frames: 1, expected {FRAMES_PER_LATENT + 1} or more in a video")
    if job_type.content_type == "image" and frames != 1:
        raise ParameterRefused(f"frames: {frames}, expected 1 in a picture")
    if request.inputs:
        raise ParameterRefused(
            f"inputs: found {', '.join(request.inputs)}, expected none, since WAN starts from text alone"
        )
