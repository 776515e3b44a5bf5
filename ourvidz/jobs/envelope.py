"""The envelope: what a producer pushes onto a queue. This is version 1."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from ourvidz.errors import OurvidzError
from ourvidz.jobs.inputs import InputPlace
from ourvidz.jobs.states import Wire
from ourvidz.spec.identifiers import Identifier
from ourvidz.spec.job_type import Input

ENVELOPE_VERSION: Final = 1

#: Bytes of a payload on the queue; a larger one is refused unread.
MAX_PAYLOAD = 256 * 1024

#: Images of one job.
MAX_IMAGES = 16

#: JavaScript's largest exact integer: a seed survives every producer as a number, too.
MAX_SEED = 2**53 - 1

#: What users wrote, which stays out of logs.
PRIVATE: Final = frozenset({"prompt", "negative_prompt", "metadata"})

#: Whoever submits from the command line without a platform around it.
LOCAL_USER = "00000000-0000-0000-0000-000000000000"


class EnvelopeInvalid(OurvidzError):
    """A payload that is not a job. ``job_id`` is set where at least that much could be read."""

    code = "envelope_invalid"

    def __init__(self, message: str, job_id: str | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

#: No clock is further off, and every zone's view of these years is a date that Python can hold.
_YEARS = range(2000, 3000)
_DAY_AND_TIME = (
    r"-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_TIMESTAMP = re.compile(f"2[0-9]{{3}}{_DAY_AND_TIME}")
_MOMENT = re.compile(f"[0-9]{{4}}{_DAY_AND_TIME}")


def _digits_up_to(number: int) -> str:
    """A pattern of the texts of digits, at most as many as the number has, that are no more than it."""
    digits = str(number)
    smaller = (
        f"{digits[:at]}[0-{int(digit) - 1}][0-9]{{{len(digits) - at - 1}}}"
        for at, digit in enumerate(digits)
        if digit != "0"
    )
    return f"([0-9]{{1,{len(digits) - 1}}}|{'|'.join(smaller)}|{digits})"


_DIGITS = re.compile(_digits_up_to(MAX_SEED))


def parse_uuid(value: object) -> str:
    """Take the one usual spelling of a UUID, and return it in lower case. Raises ValueError."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise ValueError("expected a UUID as a text")
    return value.lower()


def _timestamp(value: object) -> object:
    """Refuse what pydantic would take as well: any year, and a number, whose unit it guesses."""
    match value:
        case datetime() if value.year in _YEARS:
            return value
        case str() if _TIMESTAMP.fullmatch(value):
            return value
    raise ValueError("expected a time such as 2025-07-01T12:00:00Z")


def _version(value: object) -> object:
    """Refuse JSON's ``true``, which Python takes for 1."""
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


def _moment(value: object) -> object:
    """Refuse a text of digits, which pydantic takes for seconds, and any other way to write a time."""
    if not isinstance(value, str):
        return value
    if not _MOMENT.fullmatch(value):
        raise ValueError("expected a time such as 2025-07-01T12:00:00Z")
    return datetime.fromisoformat(value)


def _seed(value: object) -> object:
    """Take a seed as a number or as a text of digits, as JavaScript producers send it."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


Version1 = Annotated[Literal[1], BeforeValidator(_version)]
Uuid = Annotated[
    str,
    BeforeValidator(parse_uuid),
    WithJsonSchema({"type": "string", "format": "uuid", "pattern": f"^{_UUID.pattern}$"}),
]
Seed = Annotated[
    int,
    BeforeValidator(_seed),
    Field(ge=0, le=MAX_SEED, strict=True),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
                {"type": "string", "pattern": f"^{_DIGITS.pattern}$"},
            ]
        }
    ),
]


Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_TIMESTAMP.pattern}$"}),
]

#: A time as we write it, by whatever clock.
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_MOMENT.pattern}$"}),
]

# What a user asks for; requests have these fields as well.
Prompt = Annotated[str, Field(min_length=1, max_length=10_000, description="What to make.")]
NegativePrompt = Annotated[
    str | None, Field(max_length=10_000, description="What to keep out; null: what the job type says.")
]
NumImages = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_IMAGES,
        strict=True,
        description="How many; the job type says which numbers it offers.",
    ),
]
#: Overrides by name. The names' pattern is all that pydantic would say, as if others were free.
Params = Annotated[
    dict[Identifier, bool | int | float | str],
    Field(
        description="Overrides; the job type decides which it allows.",
        json_schema_extra={"additionalProperties": False},
    ),
]
Inputs = Annotated[
    dict[Input, InputPlace],
    Field(
        description="Storage keys, `bucket/path`, in a folder of the user's; https URLs where "
        "`input_urls` is true."
    ),
]
Metadata = Annotated[dict[str, JsonValue], Field(description="Carried to the callback untouched.")]


def _demand_version(schema: dict[str, Any]) -> None:
    schema["required"].insert(0, "version")


class Envelope(Wire):
    """One job as it travels."""

    # A payload without a version is taken for one that deployed functions push.
    model_config = ConfigDict(json_schema_extra=_demand_version)

    version: Version1 = Field(default=ENVELOPE_VERSION, description="Of this shape.")
    job_id: Uuid = Field(description="Names the job; a second envelope of the same id is dropped.")
    job_type: Identifier = Field(description="Chooses the spec.")
    user_id: Uuid = Field(description="Owns the results.")
    prompt: Prompt
    negative_prompt: NegativePrompt = None
    seed: Seed | None = Field(
        default=None, description="Of the first image, image i has seed + i; null: follows from the job's id."
    )
    num_images: NumImages = 1
    params: Params = Field(default_factory=dict)
    inputs: Inputs = Field(default_factory=dict)
    spec_digest: str | None = Field(
        default=None, pattern=r"^sha256:[0-9a-f]{64}$", description="Of the spec that it was submitted under."
    )
    priority: Annotated[int, Field(ge=-100, le=100, strict=True)] = Field(
        default=0, description="Higher starts earlier."
    )
    submitted_at: Timestamp = Field(description="When the user asked for it.")
    metadata: Metadata = Field(default_factory=dict)

    def to_payload(self) -> bytes:
        """The bytes that go onto the queue: compact JSON, UTF-8."""
        return self.model_dump_json().encode()


def envelope_schema() -> dict[str, Any]:
    """JSON Schema of version 1."""
    return Envelope.model_json_schema()
