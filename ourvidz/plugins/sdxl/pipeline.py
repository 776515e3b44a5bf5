"""SDXL at work: from parameters to pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import diffusers
import torch
from PIL import Image
from pydantic import JsonValue

from ourvidz.plugins.diffusion.devices import algorithms, free_unused_memory
from ourvidz.plugins.diffusion.loras import Loras
from ourvidz.plugins.diffusion.quiet_libraries import quiet_libraries
from ourvidz.plugins.diffusion.stages import Stages, Steps, check_numbers, each_told
from ourvidz.plugins.family import (
    GenerationRequest,
    ImageArtifact,
    JobContext,
    LoadContext,
    Output,
)
from ourvidz.plugins.init_images.reading import InitPicture, read_init_image
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.plugins.sdxl.init_latents import InitLatents
from ourvidz.plugins.sdxl.latent_scale import to_vae
from ourvidz.plugins.sdxl.lora_names import sdxl_layers
from ourvidz.plugins.sdxl.parameters import SdxlParameters, check_init_image, check_size
from ourvidz.plugins.sdxl.prompts import encode
from ourvidz.plugins.sdxl.repainting import repainting_pipeline
from ourvidz.plugins.sdxl.schedulers import SAMPLERS


class SdxlModel:
    """A checkpoint in memory.

    Images are made one after another, so that image i of a request is, to the bit, the image that its
    seed gives alone. A batch differs in the last bits, and is faster only as long as a GPU waits for
    its next kernel more than it computes.
    """

    def __init__(
        self,
        pipeline: Any,
        context: LoadContext,
        *,
        device: torch.device,
        fingerprint: Mapping[str, JsonValue],
    ) -> None:
        """``pipeline`` is diffusers' StableDiffusionXLPipeline, all of it on ``device``."""
        self._pipeline = pipeline
        with quiet_libraries():
            self._repainting = repainting_pipeline(pipeline)
        self._loras = Loras(
            sdxl_layers(pipeline),
            root=context.root,
            device=device,
            dtype=pipeline.unet.dtype,
            shared=context.shared,
        )
        self._device = device
        self._own_scheduler = pipeline.scheduler
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> Mapping[str, JsonValue]:
        return self._fingerprint

    def generate(self, request: GenerationRequest[SdxlParameters], context: JobContext) -> Output:
        """Paint one image for each seed, from text alone or over an init image.

        Raises InputInvalid, PromptTooLong, ParameterRefused, LoraMissing, LoraInvalid, OutputInvalid,
        and JobCancelled within one denoising step or decoded image.
        """
        check_init_image(request)
        parameters, seeds = request.parameters, request.seeds
        check_size(parameters.resolution, self._pipeline.vae_scale_factor)
        self._check_negative_prompt(parameters)
        stages = Stages(self._device)
        with (
            self._loras.applied(parameters.loras) as loras,
            algorithms(deterministic=parameters.deterministic),
            torch.inference_mode(),
        ):
            init, repainted = None, {}
            if "init_image" in request.inputs:
                with stages.measured("init_image"):
                    picture = _read(request)
                    init = InitLatents(self._pipeline.vae, picture.image)
                    repainted = _repainted(parameters, picture)
            with stages.measured("text"):
                prompt, prompt_pieces = encode(self._pipeline, parameters)
            with stages.measured("denoise"):
                latents = [
                    self._denoise(parameters, prompt, init, seed, Steps(context, index, len(seeds)))
                    for index, seed in enumerate(seeds)
                ]
            with stages.measured("decode"):
                images = each_told(context, "decode", self._decode, latents)
        artifacts = [
            ImageArtifact(index=index, seed=seed, image=image)
            for index, (seed, image) in enumerate(zip(seeds, images, strict=True))
        ]
        return Output(
            artifacts=artifacts,
            effective=self._effective(parameters, seeds)
            | repainted
            | {"prompt_pieces": prompt_pieces, "loras": loras},
            seconds=stages.seconds,
            peak_memory=stages.peak_memory,
        )

    def unload(self) -> None:
        """Give the memory back; the model cannot be used any more."""
        for part in ("_pipeline", "_repainting", "_loras", "_own_scheduler"):
            vars(self).pop(part, None)
        free_unused_memory()

    def free_memory(self) -> None:
        free_unused_memory()

    def _check_negative_prompt(self, parameters: SdxlParameters) -> None:
        if parameters.negative_prompt and self._pipeline.unet.config.time_cond_proj_dim is not None:
            raise ParameterRefused(
                "negative_prompt: this checkpoint has its guidance distilled and takes none; leave it out"
            )

    def _denoise(
        self,
        parameters: SdxlParameters,
        prompt: Mapping[str, torch.Tensor | None],
        init: InitLatents | None,
        seed: int,
        steps: Steps,
    ) -> torch.Tensor:
        """Latents of shape 1 × channels × height × width, which are the VAE's."""
        # On the CPU, so that a seed means the same noise on every device.
        generator = torch.Generator("cpu").manual_seed(seed)
        start: dict[str, Any]
        if init is None:
            size = parameters.resolution
            pipeline, start = self._pipeline, {"width": size.width, "height": size.height}
        else:
            pipeline = self._repainting
            start = {"image": init.sample(generator), "strength": parameters.strength}
        # A new one for every image: samplers keep what they saw of the last.
        pipeline.scheduler = self._scheduler(parameters)
        latents: torch.Tensor = pipeline(
            **prompt,
            **start,
            num_inference_steps=parameters.steps,
            guidance_scale=parameters.guidance if parameters.is_guided else 1.0,
            generator=generator,
            output_type="latent",
            return_dict=False,
            callback_on_step_end=steps,
            callback_on_step_end_tensor_inputs=[],
        )[0]
        check_numbers(latents, "latents")
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
        latents = to_vae(latents.to(vae.dtype), vae.config)
        pixels = vae.decode(latents, return_dict=False)[0][0]
        check_numbers(pixels, "decoded pixels")
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
            "scheduler_class": type(self._scheduler(parameters)).__name__,
            "deterministic": parameters.deterministic or self._device.type == "cpu",
            "precision": self._fingerprint["precision"],
            "device": str(self._device),
        }


def _read(request: GenerationRequest[SdxlParameters]) -> InitPicture:
    file, size = request.inputs["init_image"], request.parameters.resolution
    return read_init_image(file, request.job_type.picture_rules, size, name="inputs.init_image")


def _repainted(parameters: SdxlParameters, picture: InitPicture) -> dict[str, JsonValue]:
    """What only a job with an init image has to tell."""
    return {
        "strength": parameters.strength,
        "steps_run": parameters.steps_run,
        "init_image": dict(picture.facts),
    }
