"""SDXL at work: from parameters to pictures."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import diffusers
import torch
from PIL import Image
from pydantic import JsonValue

from ourvidz.plugins.checkpoint import Checkpoint
from ourvidz.plugins.family import (
    GenerationRequest,
    ImageArtifact,
    JobContext,
    LoadContext,
    Output,
    OutputInvalid,
)
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.plugins.sdxl.loading import choose_device, fingerprint, load_pipeline
from ourvidz.plugins.sdxl.parameters import PromptTooLong, SdxlParameters, refuse_inputs
from ourvidz.plugins.sdxl.schedulers import SAMPLERS


class SdxlModel:
    """A checkpoint in memory.

    Images are made one after another, so that image i of a request is, to the bit, the image that its
    seed gives alone. A batch differs in the last bits, and is faster only as long as a GPU waits for
    its next kernel more than it computes.
    """

    def __init__(self, checkpoint: Checkpoint, context: LoadContext) -> None:
        device = choose_device(context.device)
        precision = context.precision or ("fp32" if device.type == "cpu" else "fp16")
        self._pipeline = load_pipeline(checkpoint, device, precision)
        self._own_scheduler = self._pipeline.scheduler
        self._fingerprint = fingerprint(checkpoint, self._pipeline, precision)

    @property
    def fingerprint(self) -> Mapping[str, JsonValue]:
        return self._fingerprint

    def generate(self, request: GenerationRequest[SdxlParameters], context: JobContext) -> Output:
        """Paint one image for each seed.

        Raises InputUnsupported, PromptTooLong, ParameterRefused, OutputInvalid, and JobCancelled within
        one denoising step.
        """
        refuse_inputs(request)
        parameters, seeds = request.parameters, request.seeds
        self._check_prompts(parameters)
        seconds: dict[str, float] = {}
        with _algorithms(deterministic=parameters.deterministic), torch.inference_mode():
            with _measured(seconds, "text"):
                prompt = self._encode(parameters)
            with _measured(seconds, "denoise"):
                latents = [
                    self._denoise(parameters, prompt, seed, _Steps(context, index, len(seeds)))
                    for index, seed in enumerate(seeds)
                ]
            with _measured(seconds, "decode"):
                images = [self._decode(one) for one in latents]
        artifacts = [
            ImageArtifact(index=index, seed=seed, image=image)
            for index, (seed, image) in enumerate(zip(seeds, images, strict=True))
        ]
        return Output(artifacts=artifacts, effective=self._effective(parameters, seeds), seconds=seconds)

    def unload(self) -> None:
        """Give the memory back; the model cannot be used any more."""
        del self._pipeline, self._own_scheduler
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _check_prompts(self, parameters: SdxlParameters) -> None:
        for name, text in (
            ("prompt", parameters.prompt),
            ("negative_prompt", parameters.negative_prompt or ""),
        ):
            for tokenizer in (self._pipeline.tokenizer, self._pipeline.tokenizer_2):
                marks = tokenizer.num_special_tokens_to_add()
                count = len(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)
                if count > tokenizer.model_max_length - marks:
                    raise PromptTooLong(
                        f"{name}: {count} tokens, expected at most {tokenizer.model_max_length - marks}, "
                        "which is all that SDXL's text encoders read; say it shorter"
                    )
        if parameters.negative_prompt and self._pipeline.unet.config.time_cond_proj_dim is not None:
            raise ParameterRefused(
                "negative_prompt: this checkpoint has its guidance distilled and takes none; leave it out"
            )

    def _encode(self, parameters: SdxlParameters) -> dict[str, torch.Tensor | None]:
        """Embeddings under the names of the pipeline's arguments; the negative ones None without guidance."""
        names = (
            "prompt_embeds",
            "negative_prompt_embeds",
            "pooled_prompt_embeds",
            "negative_pooled_prompt_embeds",
        )
        embeddings = self._pipeline.encode_prompt(
            prompt=parameters.prompt,
            # None is SDXL's own way to say nothing; an empty text would be encoded as one.
            negative_prompt=parameters.negative_prompt or None,
            do_classifier_free_guidance=parameters.is_guided,
        )
        _check_numbers(embeddings[0], "text embeddings")
        return dict(zip(names, embeddings, strict=True))

    def _denoise(
        self,
        parameters: SdxlParameters,
        prompt: Mapping[str, torch.Tensor | None],
        seed: int,
        steps: _Steps,
    ) -> torch.Tensor:
        """Latents of shape 1 × 4 × height/8 × width/8."""
        # A new one for every image: samplers keep what they saw of the last.
        self._pipeline.scheduler = self._scheduler(parameters)
        latents: torch.Tensor = self._pipeline(
            **prompt,
            width=parameters.resolution.width,
            height=parameters.resolution.height,
            num_inference_steps=parameters.steps,
            guidance_scale=parameters.guidance if parameters.is_guided else 1.0,
            # On the CPU, so that a seed means the same noise on every device.
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="latent",
            return_dict=False,
            callback_on_step_end=steps,
            callback_on_step_end_tensor_inputs=[],
        )[0]
        _check_numbers(latents, "latents")
        return latents

    def _scheduler(self, parameters: SdxlParameters) -> Any:
        """A new scheduler. Raises ParameterRefused if it cannot do so many steps."""
        own = self._own_scheduler
        if parameters.scheduler is None:
            scheduler = type(own).from_config(own.config)
        else:
            sampler = SAMPLERS[parameters.scheduler]
            scheduler = getattr(diffusers, sampler.class_name).from_config(own.config, **sampler.changes)
        try:
            scheduler.set_timesteps(parameters.steps)
        except ValueError as error:
            raise ParameterRefused(
                f"steps: {parameters.steps} with {type(scheduler).__name__}: {error}"
            ) from None
        return scheduler

    def _decode(self, latents: torch.Tensor) -> Image.Image:
        vae = self._pipeline.vae
        latents = latents.to(vae.dtype) / vae.config.scaling_factor
        mean, spread = vae.config.get("latents_mean"), vae.config.get("latents_std")
        if mean is not None and spread is not None:
            latents = latents * latents.new_tensor(spread).view(1, -1, 1, 1)
            latents = latents + latents.new_tensor(mean).view(1, -1, 1, 1)
        pixels = vae.decode(latents, return_dict=False)[0][0]
        _check_numbers(pixels, "decoded pixels")
        levels = (pixels.float() / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
        return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())

    def _effective(self, parameters: SdxlParameters, seeds: tuple[int, ...]) -> dict[str, JsonValue]:
        return {
            "prompt": parameters.prompt,
            "negative_prompt": parameters.negative_prompt or None,
            "seeds": list(seeds),
            "resolution": str(parameters.resolution),
            "steps": parameters.steps,
            "guidance": parameters.guidance if parameters.is_guided else 1.0,
            "scheduler": parameters.scheduler,
            "scheduler_class": type(self._pipeline.scheduler).__name__,
            "deterministic": parameters.deterministic or self._pipeline.device.type == "cpu",
            "precision": self._fingerprint["precision"],
            "device": str(self._pipeline.device),
        }


class _Steps:
    """Tells the job's context of every step, counted over all images of the job."""

    def __init__(self, context: JobContext, image: int, images: int) -> None:
        self._context = context
        self._image = image
        self._images = images

    def __call__(
        self, pipeline: Any, index: int, _timestep: torch.Tensor, _tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        # Of second-order samplers such as heun every look at the model counts.
        each = pipeline.num_timesteps
        self._context.step("denoise", self._image * each + index + 1, self._images * each)
        return {}


def _check_numbers(tensor: torch.Tensor, name: str) -> None:
    if not torch.isfinite(tensor).all():
        raise OutputInvalid(
            f"the model's {name} are not numbers; the checkpoint or its precision is to blame"
        )


@contextmanager
def _measured(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Measure a stage, each of which ends by looking at a result and so waits for the device."""
    start = time.monotonic()
    yield
    seconds[stage] = round(time.monotonic() - start, 4)


@contextmanager
def _algorithms(*, deterministic: bool) -> Iterator[None]:
    """Demand algorithms that always give the same, and leave torch as it was.

    Otherwise torch's defaults hold. Not cuDNN's benchmark: it gains nothing here and, while it
    measures, takes all the memory there is.
    """
    cudnn = torch.backends.cudnn
    before = torch.get_deterministic_debug_mode(), cudnn.deterministic, cudnn.benchmark
    torch.use_deterministic_algorithms(deterministic)
    cudnn.deterministic, cudnn.benchmark = deterministic, False
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        cudnn.deterministic, cudnn.benchmark = before[1:]
