"""The SDXL family: which specs it can make, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ourvidz.plugins.checkpoints.digest import checked_digests
from ourvidz.plugins.checkpoints.found import FoundCheckpoint, Progress
from ourvidz.plugins.diffusion.threads import let_threads_sleep
from ourvidz.plugins.family import LoadContext, Model
from ourvidz.plugins.sdxl.finding import find, inspect
from ourvidz.plugins.sdxl.parameters import MIN_SIDE, REDUCED_STEP, SdxlParameters, least_steps
from ourvidz.plugins.spec_checks import check_parameters, check_sizes
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry, Precision, Profile
from ourvidz.spec.units import Resolution


class SdxlFamily:
    """Pictures with any checkpoint that diffusers' StableDiffusionXLPipeline loads."""

    name = "sdxl"
    description = "Stable Diffusion XL, from text and from pictures"
    default_model = ModelEntry(
        family="sdxl", location="stabilityai/stable-diffusion-xl-base-1.0", vram=7 * 2**30
    )
    parameters = SdxlParameters
    requirements = (
        "accelerate>=0.33",
        "diffusers>=0.31",
        "numpy>=1.26",
        "safetensors>=0.4.3",
        "tokenizers>=0.21.2",
        "torch>=2.4",
        "transformers>=4.53",
    )

    def check(self, job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
        """Check parameters, the checkpoint's sizes, and that inputs are ones that SDXL starts from."""
        yield from check_parameters(job_type, SdxlParameters)
        yield from check_sizes(job_type, model)
        yield from _check_content(job_type)
        if "loras" in job_type.params:
            expected = "none, since a request does not choose files on this machine"
            yield Finding(("params", "loras"), "parameter_refused", "a choice", expected)

    def reduce(self, parameters: SdxlParameters, profile: Profile) -> SdxlParameters:
        """Scale size and steps down, to sides that 16 divides and at least one step.

        ``profile.frames`` is about videos; a picture has none to leave out.
        """
        size = parameters.resolution
        steps = max(least_steps(parameters.strength), round(parameters.steps * profile.steps))
        return parameters.model_copy(
            update={
                "resolution": Resolution(_side(size.width, profile), _side(size.height, profile)),
                "steps": min(parameters.steps, steps),
            }
        )

    def load(self, context: LoadContext) -> Model[SdxlParameters]:
        """Load a checkpoint. Raises ModelMissing, ModelInvalid, DigestMismatch, DeviceMissing."""
        checkpoint = find(context.model, context.root)
        digests = checked_digests(context.model, checkpoint.found())
        let_threads_sleep()
        from ourvidz.plugins.sdxl.loading import load_model

        return load_model(checkpoint, digests, context)

    def load_random(self, context: LoadContext, *, seed: int) -> Model[SdxlParameters]:
        """Build SDXL base 1.0 with random weights; see LoadsRandomWeights."""
        let_threads_sleep()
        from ourvidz.plugins.sdxl.random_model import load_random

        return load_random(context, seed=seed)

    def inspect(self, model: ModelEntry, root: Path) -> FoundCheckpoint:
        """Look at a checkpoint without loading it; see InspectsCheckpoints."""
        return inspect(model, root)

    def convert(
        self,
        source: Path,
        folder: Path,
        *,
        precision: Precision | None,
        components: str | None,
        progress: Progress,
    ) -> None:
        """Write a single file as a folder in the diffusers layout; see ConvertsCheckpoints."""
        from ourvidz.plugins.sdxl.convert import convert

        convert(source, folder, precision, components, progress)

    def write_small_checkpoint(self, folder: Path, *, seed: int) -> bool:
        """Build a checkpoint of random weights, a few MB large; see MakesSmallCheckpoint."""
        from ourvidz.plugins.sdxl.small_checkpoint import write_small_checkpoint

        return write_small_checkpoint(folder, seed=seed)


def _side(pixels: int, profile: Profile) -> int:
    if profile.scale == 1.0:
        return pixels
    return max(MIN_SIDE, int(pixels * profile.scale) // REDUCED_STEP * REDUCED_STEP)


def _check_content(job_type: JobType) -> Iterator[Finding]:
    if job_type.content_type != "image":
        yield Finding(("content_type",), "content_unsupported", job_type.content_type, "image from SDXL")
    for name in job_type.accepts:
        if name != "init_image":
            yield Finding(
                ("accepts",), "input_unsupported", f"SDXL does not start from a {name}", "init_image"
            )
    if "init_image" in job_type.inputs and job_type.strength is None and "strength" not in job_type.params:
        found = "nothing that says how much of the init image is repainted"
        expected = "a number above 0 and up to 1, or a strength in params for the request to choose"
        yield Finding(("strength",), "strength_missing", found, expected)
