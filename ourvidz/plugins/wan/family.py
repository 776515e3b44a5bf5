"""The WAN 2.1 family: which specs it can make, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ourvidz.plugins.checkpoints.digest import checked_digests
from ourvidz.plugins.checkpoints.finding import kind_of
from ourvidz.plugins.checkpoints.found import FoundCheckpoint, Progress
from ourvidz.plugins.diffusion.threads import let_threads_sleep
from ourvidz.plugins.family import LoadContext, Model, ModelInvalid
from ourvidz.plugins.spec_checks import check_parameters, check_sizes
from ourvidz.plugins.wan.finding import find
from ourvidz.plugins.wan.parameters import FRAMES_PER_LATENT, SIZE_STEP, WanParameters
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry, Precision, Profile
from ourvidz.spec.units import Resolution


class WanFamily:
    """Videos and pictures with diffusers' WAN 2.1."""

    name = "wan"
    description = "WAN 2.1, text to video and one-frame pictures"
    default_model = ModelEntry(
        family="wan",
        location="Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
        # The sizes that the 1.3B checkpoint was trained for, 480p both ways.
        sizes=(Resolution(832, 480), Resolution(480, 832)),
        # Of its bf16 weights: 11.4 GB of text encoder, 2.8 GB of transformer; the VAE's, fp32, are 0.5 GB.
        vram=15 * 2**30,
    )
    parameters = WanParameters
    #: av encodes the videos; diffusers cleans prompts with ftfy. Three versions of transformers leave the
    #: text encoder's words out of a published checkpoint (huggingface/transformers#43880).
    requirements = (
        "accelerate>=0.33",
        "av>=13",
        "diffusers>=0.38",
        "ftfy>=6.1",
        "numpy>=1.26",
        "safetensors>=0.8",
        "tokenizers>=0.21",
        "torch>=2.6",
        "transformers>=4.49,!=5.0.*,!=5.1.*,!=5.2.*",
    )

    def check(self, job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
        """Check parameters, the checkpoint's sizes, and what a video and a picture can have."""
        yield from check_parameters(job_type, WanParameters)
        yield from check_sizes(job_type, model)
        yield from _check_content(job_type)

    def reduce(self, parameters: WanParameters, profile: Profile) -> WanParameters:
        """Scale down, to sides that 16 divides and 4k+1 frames; a video stays one, of 5 frames or more."""
        size = parameters.resolution
        latents = max(1, int((parameters.frame_count - 1) * profile.frames) // FRAMES_PER_LATENT)
        is_video = parameters.frame_count > 1
        return parameters.model_copy(
            update={
                "resolution": Resolution(_side(size.width, profile), _side(size.height, profile)),
                "steps": max(1, round(parameters.steps * profile.steps)),
                "frames": latents * FRAMES_PER_LATENT + 1 if is_video else parameters.frames,
                "duration": None if is_video else parameters.duration,
            }
        )

    def load(self, context: LoadContext) -> Model[WanParameters]:
        """Load a checkpoint. Raises ModelMissing, ModelInvalid, DigestMismatch, DeviceMissing."""
        checkpoint = find(context.model, context.root)
        digests = checked_digests(context.model, checkpoint.found())
        let_threads_sleep()
        from ourvidz.plugins.wan.loading import load_model

        return load_model(checkpoint, digests, context)

    def inspect(self, model: ModelEntry, root: Path) -> FoundCheckpoint:
        """Look at a checkpoint without loading it; see InspectsCheckpoints."""
        return find(model, root, fetch=False).found(kind_of(model.location, root))

    def convert(
        self,
        source: Path,
        folder: Path,
        *,
        precision: Precision | None,
        components: str | None,
        progress: Progress,
    ) -> None:
        """Write a folder in the layout of WAN's authors in that of diffusers; see ConvertsCheckpoints."""
        if components is not None:
            raise ModelInvalid(f"{source} has a tokenizer of its own; leave components out")
        from ourvidz.plugins.wan.convert import convert

        convert(source, folder, precision or "bf16", progress)

    def load_random(self, context: LoadContext, *, seed: int) -> Model[WanParameters]:
        """Build WAN 2.1 T2V 1.3B with random weights; see LoadsRandomWeights."""
        let_threads_sleep()
        from ourvidz.plugins.wan.random_model import load_random

        return load_random(context, seed=seed)

    def write_small_checkpoint(self, folder: Path, *, seed: int) -> bool:
        """Build a checkpoint of random weights, a few MB large; see MakesSmallCheckpoint."""
        from ourvidz.plugins.wan.small_checkpoint import write_small_checkpoint

        return write_small_checkpoint(folder, seed=seed)


def _side(pixels: int, profile: Profile) -> int:
    return max(SIZE_STEP, int(pixels * profile.scale) // SIZE_STEP * SIZE_STEP)


def _check_content(job_type: JobType) -> Iterator[Finding]:
    for path, names in ((("requires",), job_type.required_inputs), (("accepts",), job_type.accepts)):
        for name in names:
            yield Finding(path, "input_unsupported", name, "none, since WAN starts from text alone")
    if job_type.content_type == "video":
        yield from _check_video(job_type)
        return
    for field in ("duration", "fps", "frames"):
        if field in job_type.params:
            expected = "none, since a picture has one frame"
            yield Finding(("params", field), "length_invalid", "a choice", expected)


def _check_video(job_type: JobType) -> Iterator[Finding]:
    expected = f"{FRAMES_PER_LATENT + 1} or more in a video"
    if job_type.frames == 1:
        yield Finding(("frames",), "length_invalid", "1", expected)
    bounds = job_type.params.get("frames")
    if bounds is not None and bounds.min is None and not bounds.choices:
        yield Finding(("params", "frames"), "length_invalid", "no min", expected)
    if bounds is not None and (bounds.min == 1 or 1 in bounds.choices):
        bound = "choices" if bounds.choices else "min"
        yield Finding(("params", "frames", bound), "length_invalid", "1", expected)
    if job_type.batch_sizes != (1,):
        found = ", ".join(map(str, job_type.batch_sizes))
        yield Finding(("batch",), "batch_unsupported", found, "1, since a job makes one video")
