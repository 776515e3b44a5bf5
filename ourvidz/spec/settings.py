"""``ourvidz.yaml``: where job types run. Every entry is optional and every default is a usable one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ourvidz.spec.identifiers import Identifier
from ourvidz.spec.job_type import Frozen, Limits, as_tuple
from ourvidz.spec.units import Bytes, ResolutionField, Seconds

Precision = Literal["fp32", "fp16", "bf16"]

Device = Annotated[
    str, Field(pattern=r"^(cpu|mps|cuda(:[0-9]+)?)$", examples=["cuda", "cuda:1", "mps", "cpu"])
]


class ModelEntry(Frozen):
    """A checkpoint that job types can name."""

    family: Identifier = Field(description="The plugin that loads it.")
    location: str = Field(
        min_length=1,
        description="A folder in the diffusers layout, a .safetensors file, a hub id, or package:NAME/PATH "
        "for a folder or file in the installed Python package NAME.",
    )
    components: str | None = Field(
        default=None,
        min_length=1,
        description="A folder, hub id or package:NAME/PATH with the tokenizers and settings that a single "
        "file lacks; default: the family's own.",
    )
    digest: str | None = Field(
        default=None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="What `ourvidz models check` prints for it; another checkpoint is refused.",
    )
    vram: Bytes | None = Field(
        default=None, gt=0, description="GPU memory that it takes once loaded; default: the family's."
    )
    precision: Precision | None = Field(
        default=None,
        description="Number format; default: the family's own on a GPU, fp16 for SDXL and bf16 for WAN, "
        "and fp32 elsewhere.",
    )
    sizes: Annotated[tuple[ResolutionField, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="The only sizes it can make; empty: whatever the family allows."
    )


class QueueEntry(Frozen):
    """A queue that jobs wait in."""

    purpose: str = Field(default="", max_length=200, description="What it is for, for people.")
    polling_interval: Seconds = Field(
        default=2.0, gt=0.0, description="Time between two looks where waiting cannot block."
    )
    push: Literal["left", "right"] = Field(
        default="left", description="The end at which producers push; workers take from the other."
    )
    replaces: Identifier | None = Field(default=None, description="An older queue's name, drained as well.")


#: What a bucket can be limited to; a whole kind is written with a star.
MimeType = Annotated[
    str, Field(pattern=r"^[a-z]+/([a-z0-9][a-z0-9.+-]*|\*)$", examples=["image/png", "image/*"])
]


class BucketEntry(Frozen):
    """A storage bucket."""

    purpose: str = Field(default="", max_length=200, description="What it is for, for people.")
    file_types: Annotated[tuple[MimeType, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="MIME types it takes; empty: those its job types produce."
    )
    max_size: Bytes | None = Field(default=None, gt=0, description="Largest object.")
    privacy: Literal["private", "public"] = Field(
        default="private", description="Whether objects can be read without a signature."
    )


class Profile(Frozen):
    """A declared reduction for a small machine; results say what was really made."""

    scale: float = Field(default=1.0, gt=0.0, le=1.0, description="Factor on width and height.")
    frames: float = Field(default=1.0, gt=0.0, le=1.0, description="Factor on frames.")
    steps: float = Field(default=1.0, gt=0.0, le=1.0, description="Factor on denoising steps.")


VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", examples=["CUDA_VISIBLE_DEVICES"])]


#: A version of a package, its local tag included.
VersionText = Annotated[
    str,
    Field(
        pattern=r"^[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?(\+[a-z0-9.]+)?$",
        examples=["3.11", "2.4.1+cu124"],
    ),
]

PackageName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$", examples=["huggingface_hub"])
]


class EnvironmentEntry(Frozen):
    """The only environment that a worker starts in. What is not named may be anything."""

    python: VersionText | None = Field(
        default=None,
        description="Python's version as far as it is written, in quotes: 3.11 takes any 3.11.x.",
    )
    cuda: VersionText | None = Field(
        default=None, description="The CUDA that torch was built for, in quotes, such as 12.4."
    )
    libraries: dict[PackageName, VersionText] = Field(
        default_factory=dict,
        description="Exact versions by the names of the packages, torch's with its tag: 2.4.1+cu124.",
    )


class WorkerEntry(Frozen):
    """How the worker of one plugin runs on this machine. Its key is the plugin's name."""

    device: Device | None = Field(default=None, description="Torch device; default: a GPU if there is one.")
    profile: Identifier | None = Field(default=None, description="A key of profiles.")
    vram: Bytes | None = Field(
        default=None,
        gt=0,
        description="GPU memory that its models and a job may take together; default: one model at a time.",
    )
    lease: Seconds = Field(
        default=30.0, ge=1.0, le=600.0, description="Time after which a silent worker's job runs again."
    )
    env: dict[VariableName, str] = Field(
        default_factory=dict, description="Environment variables of the process that `ourvidz up` starts."
    )
    python: str | None = Field(
        default=None,
        min_length=1,
        description="Python interpreter of the process that `ourvidz up` starts, relative to this file; "
        "ourvidz is installed there too. Default: that of `ourvidz up`.",
    )
    environment: EnvironmentEntry | None = Field(
        default=None, description="What this worker's environment has to be, in place of `environment`."
    )


class Backends(Frozen):
    """Where jobs wait, results are stored and outcomes are told, as URLs without secrets."""

    queue: str = Field(
        default="sqlite:data/queue.sqlite3", description="Where jobs wait; OURVIDZ_QUEUE_URL wins."
    )
    storage: str = Field(
        default="file:data/storage", description="Where results are kept; OURVIDZ_STORAGE_URL wins."
    )
    callback: str = Field(
        default="file:data/records",
        description="Who is told what became of a job; OURVIDZ_CALLBACK_URL wins.",
    )


class CallbackEntry(Frozen):
    """How a receiver over HTTP is told; `backends` says which."""

    shape: Literal["event", "latest", "july-2025"] = Field(
        default="event",
        description="event: our own, signed; the others are the bodies that deployed functions read.",
    )
    progress: Seconds = Field(
        default=5.0, ge=1.0, description="Least time between two events that say how far a job is."
    )


class Review(Frozen):
    """Content safety on this deployment. The request reviewer that is built in cannot be turned off."""

    policy: str | None = Field(
        default=None, description="A policy file that adds to the built-in request policy."
    )
    outputs: Literal["here", "elsewhere"] = Field(
        default="here",
        description="elsewhere: outputs are reviewed after ourvidz; every result records it.",
    )
    timeout: Seconds = Field(
        default=30.0, gt=0.0, description="Time that a reviewer has before it counts as failed."
    )


class BreakerEntry(Frozen):
    """When a worker stops a job type whose model fails again and again."""

    failures: int = Field(
        default=5, ge=1, description="So many different jobs of one type that failed in a row stop it."
    )
    window: Seconds = Field(
        default=30 * 60.0, gt=0.0, description="Failures longer ago than this do not count."
    )
    cool_down: Seconds = Field(
        default=2 * 60.0, gt=0.0, description="How long it is stopped until one job tries it again."
    )


class UpEntry(Frozen):
    """How `ourvidz up` looks after the workers that it has started."""

    grace: Seconds = Field(
        default=600.0, ge=0.0, description="How long a running job may go on once `ourvidz up` is stopped."
    )
    first_wait: Seconds = Field(
        default=1.0,
        gt=0.0,
        description="Time until a worker that has ended is started again, doubled each time.",
    )
    longest_wait: Seconds = Field(default=60.0, gt=0.0, description="The most that it is doubled to.")
    ends: int = Field(
        default=8,
        ge=1,
        description="So many ends of one worker within the window, and it is not started again.",
    )
    window: Seconds = Field(default=600.0, gt=0.0, description="Ends longer ago than this do not count.")
    loading: Seconds = Field(
        default=900.0, gt=0.0, description="How long a worker may take to start, and to load a model."
    )
    patience: Seconds = Field(
        default=10.0,
        gt=0.0,
        description="How long a worker that hangs has to end: once when it is asked to, and once more when "
        "it is told to hand its job back. Then it is killed.",
    )


class Settings(Frozen):
    """All of ``ourvidz.yaml``."""

    models: dict[Identifier, ModelEntry] = Field(
        default_factory=dict, description="Checkpoints by the name that job types give them."
    )
    queues: dict[Identifier, QueueEntry] = Field(default_factory=dict, description="Queues by name.")
    buckets: dict[Identifier, BucketEntry] = Field(
        default_factory=dict, description="Storage buckets by name."
    )
    input_bucket: Identifier = Field(
        default="init_images", description="The bucket that users' own pictures are put into."
    )
    input_urls: bool = Field(
        default=False,
        description="Whether a request may name a picture by an https URL; it is fetched from public "
        "addresses only.",
    )
    limits: Limits = Field(
        default_factory=Limits,
        description="How much of each job type one user may ask for, where the job type does not say it.",
    )
    workers: dict[Identifier, WorkerEntry] = Field(
        default_factory=dict, description="How a worker runs here, by its plugin's name."
    )
    environment: EnvironmentEntry | None = Field(
        default=None, description="What the environment of every worker has to be; another one is refused."
    )
    profiles: dict[Identifier, Profile] = Field(
        default_factory=dict, description="Declared reductions by name, for small machines."
    )
    plugins: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="Folders whose plugins are loaded, relative to this file."
    )
    backends: Backends = Field(
        default_factory=Backends, description="Where jobs wait, results are stored and outcomes are told."
    )
    callback: CallbackEntry = Field(default_factory=CallbackEntry, description="How outcomes are told.")
    review: Review = Field(default_factory=Review, description="Content safety.")
    keep: Seconds = Field(
        default=720 * 3600.0, gt=0.0, description="How long ended jobs and dead letters are remembered."
    )
    on_failure: Literal["fail", "fallback"] = Field(
        default="fail", description="What happens to a job whose model failed."
    )
    breaker: BreakerEntry = Field(
        default_factory=BreakerEntry, description="When a job type that keeps failing is stopped."
    )
    up: UpEntry = Field(default_factory=UpEntry, description="How `ourvidz up` restarts and stops workers.")

    def environment_of(self, worker: str) -> EnvironmentEntry | None:
        """What the environment of a plugin's worker has to be; None: anything."""
        entry = self.workers.get(worker)
        return (entry and entry.environment) or self.environment
