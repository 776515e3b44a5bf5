"""The model contract: what a family of models declares, and what a loaded model can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from pydantic import Field, JsonValue

from ourvidz.errors import NotReady, OurvidzError
from ourvidz.plugins.shared_parts import SharedParts
from ourvidz.spec.job_type import MAX_GUIDANCE, MAX_STEPS, Frozen, Input, JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry, Precision, Profile
from ourvidz.spec.units import ResolutionField

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray
    from PIL.Image import Image

    from ourvidz.plugins.checkpoints.found import FoundCheckpoint, Progress


@dataclass(frozen=True, slots=True)
class VideoLength:
    """How many frames a video has, and how many of them are shown in a second."""

    frames: int
    fps: int

    @property
    def seconds(self) -> float:
        return self.frames / self.fps


class GenerationParameters(Frozen):
    """What every job type and request says, and so every family consumes; a family adds its own fields.

    What is not a field is refused, in a spec and in a request, so that nothing is ignored.
    """

    prompt: str
    negative_prompt: str | None = None
    """None or an empty text: nothing is kept out."""
    num_images: int = Field(default=1, ge=1)
    resolution: ResolutionField
    steps: int = Field(ge=1, le=MAX_STEPS)
    guidance: float = Field(ge=0.0, le=MAX_GUIDANCE)
    """Classifier-free guidance scale."""
    deterministic: bool = True
    """Whether the same seed has to give the same pixels."""

    @property
    def length(self) -> VideoLength | None:
        """What a video has to have; None: a picture is asked for. A family that makes videos says it."""
        return None


P = TypeVar("P", bound=GenerationParameters)


class ModelMissing(NotReady):
    """The checkpoint is not where it was looked for."""

    code = "model_missing"


class ModelInvalid(NotReady):
    """The checkpoint is there but is not what the family can load."""

    code = "model_invalid"


class DigestMismatch(NotReady):
    """The checkpoint is another one than ``ourvidz.yaml`` names by its digest."""

    code = "digest_mismatch"


class RequirementMissing(NotReady):
    """A library that the family needs is absent or of a version that it does not run on."""

    code = "requirement_missing"


class DeviceMissing(NotReady):
    """The GPU that a model is to run on is not there."""

    code = "device_missing"


class DeviceTooSmall(NotReady):
    """The device has not the memory that the model takes."""

    code = "device_too_small"


class OutputInvalid(OurvidzError):
    """What the model made is not a result: black, not a number, of a wrong size."""

    code = "output_invalid"


class JobCancelled(OurvidzError):
    """The job was cancelled; :meth:`JobContext.step` raises it, and a model lets it pass through."""

    code = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadContext:
    """Where and how a model is loaded."""

    model: ModelEntry
    device: str | None
    """A torch device, or None for the best that there is."""
    precision: Precision | None
    """None: what suits the device."""
    root: Path
    """The folder that relative locations start from."""
    shared: SharedParts = field(default_factory=SharedParts)
    """Where models of one worker find the parts that they have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest(Generic[P]):
    """What to make. Image ``i`` of a request is made from seed ``seeds[i]``."""

    job_type: JobType
    parameters: P
    """The family's own parameters, validated: the spec with the request's overrides and the profile."""
    seeds: tuple[int, ...]
    inputs: Mapping[Input, Path] = field(default_factory=dict)
    """Files that the request brought along, already fetched."""


class JobContext(Protocol):
    """What a model may use while it works on one job."""

    @property
    def folder(self) -> Path:
        """A folder of the job's own, removed when it ends."""
        ...

    def step(self, stage: str, step: int, steps: int) -> None:
        """Report that ``step`` of ``steps`` of a stage is done; 0 says that the stage begins.

        Call it after every denoising step and every decoded item, one stage after another: what takes
        long without a report can neither be cancelled nor told from a model that hangs. Raises
        JobCancelled when the job is to stop.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArtifact:
    """One finished picture, not yet encoded."""

    index: int
    seed: int
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoArtifact:
    """One finished video, not yet encoded."""

    index: int
    seed: int
    frames: NDArray[uint8]
    """Frames × height × width × 3, RGB."""
    fps: int


Artifact: TypeAlias = ImageArtifact | VideoArtifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What :meth:`Model.generate` returns."""

    artifacts: Sequence[Artifact]
    effective: Mapping[str, JsonValue]
    """Every parameter as it was really used, rounding and defaults included."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Measured time by stage, such as text, denoise, decode; load, generate, check, encode and store are
    the worker's own."""
    peak_memory: int | None = None
    """Most bytes of the device's memory in use meanwhile, models included; None: not measured."""


class Model(Protocol[P]):
    """A checkpoint in memory, ready to work. Used by one thread."""

    @property
    def fingerprint(self) -> Mapping[str, JsonValue]:
        """What the pixels depend on beside seed and spec: checkpoint digest, libraries, device, options."""
        ...

    def generate(self, request: GenerationRequest[P], context: JobContext) -> Output:
        """Make what is asked for, or raise. Raises OutputInvalid, JobCancelled, RequestInvalid.

        An error of torch's that says that a GPU has no memory left, or is lost, is best left as it is.
        """
        ...

    def unload(self) -> None:
        """Give the memory back; the model makes nothing any more. A second time does nothing."""
        ...


class ModelFamily(Protocol[P]):
    """Models that are loaded and run by the same code. Importing a family imports no torch."""

    @property
    def name(self) -> str:
        """In lower case; a job type names it as its worker, ``run-worker`` as its plugin."""
        ...

    @property
    def description(self) -> str:
        """One line for people."""
        ...

    @property
    def default_model(self) -> ModelEntry: ...

    @property
    def parameters(self) -> type[P]:
        """Every parameter that the family consumes. What is not a field of it is refused."""
        ...

    @property
    def requirements(self) -> Sequence[str]:
        """PEP 508 requirements, checked without importing the libraries."""
        ...

    def check(self, job_type: JobType, model: ModelEntry) -> Iterable[Finding]:
        """Say what in this job type the family or the checkpoint cannot do."""
        ...

    def reduce(self, parameters: P, profile: Profile) -> P:
        """Scale parameters down for a small machine, to values that the family can make."""
        ...

    def load(self, context: LoadContext) -> Model[P]:
        """Load a checkpoint. Raises ModelMissing, ModelInvalid, DigestMismatch, RequirementMissing."""
        ...


@runtime_checkable
class FreesMemory(Protocol):
    """A model that can give back memory and still work; asked when the GPU has none left."""

    def free_memory(self) -> None:
        """Give back what is only kept to be quick, such as what torch has not returned to the GPU."""
        ...


@runtime_checkable
class MakesSmallCheckpoint(Protocol):
    """A family that can build a small checkpoint of random weights, for tests and first steps."""

    def write_small_checkpoint(self, folder: Path, *, seed: int) -> bool:
        """Build ``folder`` in the layout of a real checkpoint; nothing can tell it from one but its size.

        Return False if the checkpoint of this seed is there already. Raises CheckpointExists if
        anything else is.
        """
        ...


@runtime_checkable
class InspectsCheckpoints(Protocol):
    """A family that can look at checkpoints without loading them, for ``ourvidz models list`` and ``check``.

    Its ``load`` compares ``model.digest`` with the digest of what it finds.
    """

    def inspect(self, model: ModelEntry, root: Path) -> FoundCheckpoint:
        """Look at every file that ``load`` would read, safetensors files by their headers.

        Imports no torch, fetches nothing: a hub id is looked for in the local cache. Raises ModelMissing,
        and ModelInvalid with everything that is wrong, one line for each.
        """
        ...


@runtime_checkable
class ConvertsCheckpoints(Protocol):
    """A family that brings checkpoints from the layout of their authors into the one that it loads."""

    def convert(
        self,
        source: Path,
        folder: Path,
        *,
        precision: Precision | None,
        components: str | None,
        progress: Progress,
    ) -> None:
        """Write the checkpoint at ``source`` as a new ``folder``, which appears when it is complete.

        ``precision`` None: what suits the family. ``components`` is as in ``models.NAME.components``, a
        relative folder starting from the current one. Memory stays bounded, whatever the size. Raises
        ModelMissing, ModelInvalid, CheckpointExists, DiskFull.
        """
        ...


@runtime_checkable
class LoadsRandomWeights(Protocol):
    """A family that can run its full published configuration on random weights, to be measured."""

    def load_random(self, context: LoadContext, *, seed: int) -> Model[Any]:
        """Build the published model in memory; ``context.model.location`` is not looked at.

        It costs what the real one costs, in time and memory. Raises DeviceMissing, DeviceTooSmall.
        """
        ...
