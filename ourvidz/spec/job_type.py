"""A job type: everything that one YAML file says about one kind of generation job."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ourvidz.spec.identifiers import Identifier
from ourvidz.spec.units import Bytes, ResolutionField, Seconds

ContentType = Literal["image", "video"]
Scalar = bool | int | float | str

#: Sampling steps, guidance and frames per second beyond these are typing errors, not wishes.
MAX_STEPS = 1000
MAX_GUIDANCE = 50.0
MAX_FPS = 120

#: The fields of a job type that steer the model.
GENERATION_FIELDS = (
    "resolution",
    "steps",
    "guidance",
    "strength",
    "duration",
    "frames",
    "fps",
    "scheduler",
    "flow_shift",
    "loras",
    "negative_prompt",
    "deterministic",
)

#: Whether a job type takes jobs: `planned` not yet, `retired` no longer.
Status = Literal["active", "planned", "retired"]

#: A picture that a request can bring along, by storage key.
Input = Literal["init_image", "reference_image", "first_frame", "last_frame"]


class Frozen(BaseModel):
    """Base of everything read from YAML: immutable, and a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class OneOrMore:
    """Lets one value stand for a list of one, as in the plan's ``requires: init_image_upload``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._as_tuple, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}

    @staticmethod
    def _as_tuple(value: object) -> object:
        return tuple(value) if isinstance(value, list | tuple) else (value,)


def as_tuple(value: object) -> object:
    """Turn YAML's list into the tuple that a frozen model keeps."""
    return tuple(value) if isinstance(value, list) else value


class Display(Frozen):
    """How a frontend shows a job type."""

    name: str = Field(min_length=1, max_length=80, description="Name for people.")
    badge: str = Field(default="", max_length=40, description="Short label beside the name.")


class Lora(Frozen):
    """A LoRA file put on top of the model."""

    file: str = Field(
        min_length=1, description="Path of the safetensors file; a relative one starts from ourvidz.yaml."
    )
    scale: float = Field(default=1.0, ge=-4.0, le=4.0, description="Weight; 1.0 as trained.")


class InitImage(Frozen):
    """Which pictures a request may bring along, and how one is brought to the job type's size."""

    fit: Literal["crop", "pad", "stretch"] = Field(
        default="crop", description="How a picture of another shape is fitted; pad adds black bars."
    )
    max_pixels: int = Field(
        default=50_000_000, ge=1, le=200_000_000, description="Width times height, at most."
    )
    max_size: Bytes = Field(default=20 * 2**20, gt=0, description="Largest file.")


class Override(Frozen):
    """The bounds within which a request may choose a parameter by itself."""

    min: float | None = Field(default=None, description="Smallest number allowed.")
    max: float | None = Field(default=None, description="Largest number allowed.")
    choices: Annotated[tuple[Scalar, ...], OneOrMore()] = Field(
        default=(), description="The only values allowed."
    )


class Limits(Frozen):
    """How much of this job type one user may ask for."""

    waiting: int | None = Field(default=None, ge=1, description="Jobs waiting at a time.")
    per_minute: int | None = Field(default=None, ge=1, description="Jobs accepted in a minute.")


class Vram(Frozen):
    """GPU memory that a job of this type needs beside the resident model."""

    peak: Bytes = Field(description="Highest use while making one image or video, model included.")
    per_image: Bytes = Field(default=0, description="What each further image of a batch adds.")


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class JobType(Frozen):
    """One kind of generation job. The fields without a default are the plan's; all else is optional."""

    id: Identifier = Field(description="Name of the job type; the file's name without .yaml.")

    worker: Annotated[
        str,
        BeforeValidator(_upper),
        Field(pattern=r"^[A-Z][A-Z0-9_]{0,62}$"),
        WithJsonSchema(
            {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{0,62}$", "examples": ["SDXL", "WAN"]}
        ),
    ] = Field(description="The model family that makes it, such as SDXL or WAN; case does not matter.")
    queue: Identifier = Field(description="The queue that its jobs wait in.")
    content_type: ContentType = Field(description="What comes out.")
    resolution: ResolutionField = Field(description="Width and height in pixels.")
    steps: int = Field(ge=1, le=MAX_STEPS, description="Denoising steps.")
    guidance: float = Field(ge=0.0, le=MAX_GUIDANCE, description="Classifier-free guidance scale.")
    expected_time: Seconds = Field(gt=0.0, description="How long one job takes when nobody waits.")
    storage_bucket: Identifier = Field(description="The bucket that results are stored in.")
    quality_tier: Identifier = Field(description="Name of the quality level, such as fast or high.")

    duration: Seconds | None = Field(default=None, gt=0.0, description="Length of a video.")
    frames: int | None = Field(
        default=None, ge=1, description="Frames of a video; follows from the duration when absent."
    )
    fps: int | None = Field(default=None, ge=1, le=MAX_FPS, description="Frames per second.")
    strength: float | None = Field(
        default=None, gt=0.0, le=1.0, description="Share of the init image that is repainted."
    )
    requires: Annotated[tuple[Literal["init_image_upload"], ...], OneOrMore()] = Field(
        default=(), description="What a request must bring along."
    )
    accepts: Annotated[tuple[Input, ...], OneOrMore()] = Field(
        default=(), description="Further inputs that a request may bring along."
    )

    init_image: InitImage | None = Field(
        default=None, description="Limits of the init image, and how it is fitted."
    )

    model: Identifier | None = Field(
        default=None, description="A key of ourvidz.yaml's models; default: the family's own."
    )
    scheduler: Identifier | None = Field(default=None, description="Sampler; default: the model's.")
    flow_shift: float | None = Field(default=None, gt=0.0, description="Time shift of flow models.")
    loras: Annotated[tuple[Lora, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="LoRA files put on top of the model."
    )
    negative_prompt: str | None = Field(
        default=None, max_length=10_000, description="What to keep out, unless a request says more."
    )

    phase: Literal[1, 2] = Field(default=1, description="Which generated table it stands in.")
    status: Status = Field(default="active", description="Whether it takes jobs.")
    fallback: Identifier | None = Field(
        default=None, description="The job type that takes over when this one fails."
    )
    display: Display | None = Field(default=None, description="How a frontend shows it.")
    batch: Annotated[tuple[Annotated[int, Field(ge=1, le=16)], ...], OneOrMore()] = Field(
        default=(), description="Numbers of images a request may ask for; 1, 3, 6 for images."
    )
    params: dict[Identifier, Override] = Field(
        default_factory=dict, description="Parameters that a request may choose, with bounds."
    )
    timeout: Seconds | None = Field(
        default=None, gt=0.0, description="Longest time between two signs of progress."
    )
    max_attempts: int = Field(default=3, ge=1, le=20, description="Starts before it is given up.")
    limits: Limits | None = Field(default=None, description="How much one user may ask for.")
    vram: Vram | None = Field(default=None, description="GPU memory that it needs.")
    thumbnail: int = Field(
        default=256, ge=0, le=2048, description="Longest side of the thumbnail in pixels; 0: none."
    )
    deterministic: bool = Field(default=True, description="Whether the same seed must give the same pixels.")

    @property
    def family(self) -> str:
        """The worker's name as a plugin writes it."""
        return self.worker.lower()

    @property
    def takes_jobs(self) -> bool:
        return self.status == "active"

    @property
    def required_inputs(self) -> tuple[Input, ...]:
        return ("init_image",) if "init_image_upload" in self.requires else ()

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Everything that a request may bring along, what it must first."""
        return tuple(dict.fromkeys((*self.required_inputs, *self.accepts)))

    @property
    def picture_rules(self) -> InitImage:
        """Which pictures a request may bring along; InitImage's defaults if the file says nothing."""
        return self.init_image or InitImage()

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The numbers of images that a request may ask for, smallest first."""
        return tuple(sorted(self.batch)) or ((1, 3, 6) if self.content_type == "image" else (1,))

    @property
    def display_name(self) -> str:
        return self.display.name if self.display else self.id

    @property
    def display_badge(self) -> str:
        return (self.display.badge if self.display else "") or self.quality_tier.upper()

    @property
    def timeout_seconds(self) -> float:
        """The greater of 120 s and three times the expected time, unless the file says otherwise."""
        return self.timeout or max(120.0, 3.0 * self.expected_time)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything the spec says; equal digests mean equal job types."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
