"""What SDXL can be told, and which values it can make."""

from __future__ import annotations

import math
from os.path import normpath

from pydantic import Field, ValidationInfo, field_validator

from ourvidz.plugins.family import GenerationParameters, GenerationRequest
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.plugins.sdxl.schedulers import SAMPLERS
from ourvidz.spec.identifiers import nearest
from ourvidz.spec.job_type import Lora
from ourvidz.spec.units import Resolution

#: SDXL's VAE turns 8×8 pixels into one latent; that of another checkpoint may turn 16×16 into one.
SIZE_STEP = 8

#: Sides that a profile makes, so that they fit VAEs of both kinds.
REDUCED_STEP = 16

#: Below, the UNet's deepest level has nothing left to look at.
MIN_SIDE = 64

#: Four times the 1024×1024 of the training; beyond, pictures repeat themselves.
MAX_PIXELS = 2048 * 2048


class SdxlParameters(GenerationParameters):
    """Everything that an SDXL generation depends on, beside the checkpoint and the seeds."""

    scheduler: str | None = None
    """One of SAMPLERS; None: the checkpoint's own."""
    strength: float | None = Field(default=None, gt=0.0, le=1.0)
    """Share of the init image that is repainted; None: there is no init image."""
    loras: tuple[Lora, ...] = ()
    """Put on UNet and text encoders, all together."""

    @property
    def is_guided(self) -> bool:
        """Whether guidance does anything; 1 and below it is the prompt alone, at half the cost."""
        return self.guidance > 1.0

    @property
    def steps_run(self) -> int:
        """int(steps · strength), as diffusers counts them; without an init image all steps."""
        return self.steps if self.strength is None else int(self.steps * self.strength)

    @field_validator("resolution")
    @classmethod
    def _can_be_made(cls, size: Resolution) -> Resolution:
        if size.width % SIZE_STEP or size.height % SIZE_STEP:
            raise ValueError(f"expected a width and a height that {SIZE_STEP} divides")
        if min(size.width, size.height) < MIN_SIDE:
            raise ValueError(f"expected sides of at least {MIN_SIDE} pixels")
        if size.pixels > MAX_PIXELS:
            raise ValueError(f"expected at most {MAX_PIXELS} pixels, such as 2048x2048")
        return size

    @field_validator("scheduler")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in SAMPLERS:
            meant = nearest(name, SAMPLERS)
            hint = f", did you mean {meant}?" if meant else ""
            raise ValueError(f"expected one of {', '.join(SAMPLERS)}{hint}")
        return name

    @field_validator("loras")
    @classmethod
    def _are_files_of_their_own(cls, loras: tuple[Lora, ...]) -> tuple[Lora, ...]:
        names = [one.file for one in loras]
        if len({normpath(name) for name in names}) != len(names):
            raise ValueError("expected each file once, with one scale")
        if not all(name.endswith(".safetensors") for name in names):
            raise ValueError("expected files that end in .safetensors; pickled ones are never loaded")
        return loras

    @field_validator("strength")
    @classmethod
    def _leaves_a_step(cls, strength: float | None, info: ValidationInfo) -> float | None:
        steps = info.data.get("steps")
        if strength is not None and steps is not None and int(steps * strength) < 1:
            enough = (
                f"a strength of at least {least_strength(steps):g}, or at least {least_steps(strength)} steps"
            )
            raise ValueError(f"of {steps} steps a strength of {strength:g} runs none, expected {enough}")
        return strength

    @field_validator("guidance")
    @classmethod
    def _reaches_the_negative_prompt(cls, guidance: float, info: ValidationInfo) -> float:
        if guidance <= 1.0 and info.data.get("negative_prompt"):
            raise ValueError("expected more than 1, since a negative prompt has no effect without guidance")
        return guidance


def check_init_image(request: GenerationRequest[SdxlParameters]) -> None:
    """Raises ParameterRefused unless an init image and a strength come together or not at all."""
    has_image, has_strength = "init_image" in request.inputs, request.parameters.strength is not None
    if has_image != has_strength:
        found = "a strength without an init image" if has_strength else "an init image without a strength"
        raise ParameterRefused(f"{request.job_type.id}: found {found}, expected both or neither")


def check_size(size: Resolution, factor: int) -> None:
    """Raises ParameterRefused unless ``factor``, the pixels beside each other of one latent, divides a size.

    Diffusers would paint the next smaller size that it divides, and not say so.
    """
    if size.width % factor or size.height % factor:
        near = Resolution(
            *(max(MIN_SIDE, factor * round(side / factor)) for side in (size.width, size.height))
        )
        raise ParameterRefused(
            f"resolution: found {size}, expected a width and a height that {factor} divides, since this "
            f"checkpoint's VAE turns {factor}x{factor} pixels into one latent; the nearest size is {near}"
        )


def least_strength(steps: int) -> float:
    """The smallest strength, to three digits, of which a step is left."""
    return math.ceil(1000 / steps) / 1000


def least_steps(strength: float | None) -> int:
    """The fewest steps of which one is run at this strength."""
    if strength is None:
        return 1
    fewest = math.ceil(1 / strength)
    return fewest if int(fewest * strength) else fewest + 1
