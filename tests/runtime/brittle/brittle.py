"""A model family that goes wrong when it is told to, with the errors that torch raises on a GPU.

The file ``faults`` in the project's folder has one word a line, and every picture takes the first one.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from PIL import Image
from pydantic import Field, JsonValue

from ourvidz.plugins.family import (
    GenerationParameters,
    GenerationRequest,
    ImageArtifact,
    JobContext,
    LoadContext,
    Output,
)
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.spec_checks import check_parameters
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry, Profile

if TYPE_CHECKING:
    import torch

OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 44.40 GiB of which "
    "1.55 GiB is free. Including non-PyTorch memory, this process has 42.80 GiB memory in use."
)
ILLEGAL_ACCESS = (
    "CUDA error: an illegal memory access was encountered\n"
    "CUDA kernel errors might be asynchronously reported at some other API call."
)


class BrittleParameters(GenerationParameters):
    """As many levels of grey as a picture may have; the family takes no odd number of them."""

    strength: float | None = Field(default=None, gt=0.0, le=1.0)
    levels: int = Field(default=2, multiple_of=2)


class BrittleModel:
    def __init__(self, faults: Path) -> None:
        self.fingerprint: dict[str, JsonValue] = {"painter": "brittle"}
        self._faults = faults
        self._held: weakref.ref[torch.Tensor] | None = None

    def generate(self, request: GenerationRequest[BrittleParameters], context: JobContext) -> Output:
        context.step("paint", 0, 1)
        match fault := take_fault(self._faults):
            case "error":
                raise RuntimeError("the weather")
            case "quotation":
                raise ValueError(f"cannot read {request.parameters.prompt!r}")
            case "black":
                artifacts = [_picture(request, 0)]
            case "memory" | "illegal" | "illegal, before torch 2.8" | "wrong launch":
                self._fail_as_torch_does(fault)
            case _:
                artifacts = [_picture(request, 255)]
        return Output(artifacts=artifacts, effective=request.parameters.model_dump(mode="json"))

    def _fail_as_torch_does(self, fault: str) -> NoReturn:
        import torch

        if fault == "memory":
            # What torch holds on to until the error is forgotten.
            held = torch.ones(1000)
            self._held = weakref.ref(held)
            raise torch.OutOfMemoryError(OUT_OF_MEMORY + " " * len(held.shape))
        if fault == "illegal, before torch 2.8":
            raise RuntimeError(ILLEGAL_ACCESS)
        raise torch.AcceleratorError(ILLEGAL_ACCESS if fault == "illegal" else "CUDA error: invalid argument")

    def free_memory(self) -> None:
        assert self._held is not None
        assert self._held() is None, "what is still held cannot be given back"
        with (self._faults.parent / "freed").open("a") as freed:
            freed.write("freed\n")

    def unload(self) -> None:
        with (self._faults.parent / "unloaded").open("a") as unloaded:
            unloaded.write("unloaded\n")


class BrittleFamily:
    """Pictures of white noise."""

    name = "brittle"
    description = "Goes wrong when it is told to"
    default_model = ModelEntry(family="brittle", location="none")
    parameters = BrittleParameters
    requirements = ()

    def check(self, job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
        yield from check_parameters(job_type, BrittleParameters)

    def reduce(self, parameters: BrittleParameters, profile: Profile) -> BrittleParameters:
        return parameters

    def load(self, context: LoadContext) -> BrittleModel:
        return BrittleModel(context.root / "faults")


def take_fault(faults: Path) -> str:
    """The first word of the file, which is taken out of it; nothing if there is none."""
    first, *rest = faults.read_text().splitlines() or [""] if faults.exists() else [""]
    faults.write_text("\n".join(rest))
    return first


def _picture(request: GenerationRequest[BrittleParameters], light: int) -> ImageArtifact:
    size = request.parameters.resolution
    noise = Image.effect_noise((size.width, size.height), 64).point(lambda value: min(value, light))
    return ImageArtifact(index=0, seed=request.seeds[0], image=noise.convert("RGB"))


@hookimpl
def ourvidz_model_families() -> list[BrittleFamily]:
    return [BrittleFamily()]
