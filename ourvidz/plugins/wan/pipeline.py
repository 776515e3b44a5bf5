"""WAN 2.1 at work: from parameters to videos and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import diffusers
import torch
from PIL import Image
from pydantic import JsonValue

from ourvidz.plugins.diffusion.devices import algorithms, free_unused_memory
from ourvidz.plugins.diffusion.stages import Stages, Steps, check_numbers, each_told
from ourvidz.plugins.family import (
    Artifact,
    GenerationRequest,
    ImageArtifact,
    JobContext,
    Output,
    VideoArtifact,
)
from ourvidz.plugins.parameters import ParameterRefused
from ourvidz.plugins.wan.finding import own_flow_shift
from ourvidz.plugins.wan.parameters import WanParameters, check_request
from ourvidz.plugins.wan.prompts import check_prompts, encode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class WanModel:
    """A checkpoint in memory.

    Videos and pictures are made one after another, so that each is, to the bit, the one that its seed
    gives alone.
    """

    def __init__(self, pipeline: Any, *, device: torch.device, fingerprint: Mapping[str, JsonValue]) -> None:
        """``pipeline`` is diffusers' WanPipeline, all of it on ``device``; its scheduler has a time shift."""
        self._pipeline = pipeline
        self._device = device
        self._own_scheduler = pipeline.scheduler
        self._own_flow_shift = own_flow_shift(pipeline.scheduler.config)
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> Mapping[str, JsonValue]:
        return self._fingerprint

    def generate(self, request: GenerationRequest[WanParameters], context: JobContext) -> Output:
        """Make one video or picture for each seed.

        Raises PromptTooLong, ParameterRefused, OutputInvalid, and JobCancelled within one denoising step or
        decoded item.
        """
        check_request(request)
        parameters, seeds = request.parameters, request.seeds
        self._check_shape(parameters)
        check_prompts(self._pipeline.tokenizer, parameters)
        stages = Stages(self._device)
        with algorithms(deterministic=parameters.deterministic), torch.inference_mode():
            with stages.measured("text"):
                prompt = encode(self._pipeline, parameters)
            with stages.measured("denoise"):
                latents = [
                    self._denoise(parameters, prompt, seed, Steps(context, index, len(seeds)))
                    for index, seed in enumerate(seeds)
                ]
            with stages.measured("decode"):
                made = each_told(context, "decode", self._decode, latents)
        is_video = request.job_type.content_type == "video"
        artifacts = [
            _artifact(frames, index=index, seed=seed, fps=parameters.fps, is_video=is_video)
            for index, (seed, frames) in enumerate(zip(seeds, made, strict=True))
        ]
        return Output(
            artifacts=artifacts,
            effective=self._effective(parameters, seeds, is_video=is_video),
            seconds=stages.seconds,
            peak_memory=stages.peak_memory,
        )

    def unload(self) -> None:
        """Give the memory back; the model cannot be used any more."""
        for part in ("_pipeline", "_own_scheduler"):
            vars(self).pop(part, None)
        free_unused_memory()

    def free_memory(self) -> None:
        free_unused_memory()

    def _check_shape(self, parameters: WanParameters) -> None:
        """Raises ParameterRefused for what this checkpoint cannot make, and the pipeline would round."""
        transformer = self._pipeline.transformer.config
        frames, height, width = parameters.frame_count, *_sides(parameters)
        temporal = self._pipeline.vae_scale_factor_temporal
        steps = [self._pipeline.vae_scale_factor_spatial * patch for patch in transformer.patch_size[1:]]
        if (frames - 1) % temporal:
            raise ParameterRefused(f"frames: {frames}, expected {temporal}k+1 with this checkpoint")
        for name, side, step in zip(("height", "width"), (height, width), steps, strict=True):
            if side % step:
                raise ParameterRefused(
                    f"resolution: a {name} of {side}, expected one that {step} divides with this checkpoint"
                )
        places = max((frames - 1) // temporal + 1, height // steps[0], width // steps[1])
        if places > transformer.rope_max_seq_len:
            raise ParameterRefused(
                f"resolution, frames: {places} latent places in a row, expected at most "
                f"{transformer.rope_max_seq_len} with this checkpoint"
            )

    def _denoise(
        self,
        parameters: WanParameters,
        prompt: Mapping[str, torch.Tensor | None],
        seed: int,
        steps: Steps,
    ) -> torch.Tensor:
        """Latents of shape 1 × channels × latent frames × height/8 × width/8, in fp32."""
        # A new one for every item: UniPC keeps what it saw of the last.
        self._pipeline.scheduler = self._scheduler(parameters)
        height, width = _sides(parameters)
        latents: torch.Tensor = self._pipeline(
            **prompt,
            width=width,
            height=height,
            num_frames=parameters.frame_count,
            num_inference_steps=parameters.steps,
            guidance_scale=parameters.guidance if parameters.is_guided else 1.0,
            # On the CPU, so that a seed means the same noise on every device.
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="latent",
            return_dict=False,
            callback_on_step_end=steps,
            callback_on_step_end_tensor_inputs=[],
        )[0]
        check_numbers(latents, "latents")
        return latents

    def _scheduler(self, parameters: WanParameters) -> Any:
        """WAN predicts a flow, which UniPC solves as such whatever the checkpoint's settings say."""
        return diffusers.UniPCMultistepScheduler.from_config(
            self._own_scheduler.config,
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=parameters.flow_shift or self._own_flow_shift,
        )

    def _decode(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        """Frames × height × width × 3, RGB."""
        vae = self._pipeline.vae
        latents = latents.to(vae.dtype)
        spread, mean = (
            latents.new_tensor(values).view(1, -1, 1, 1, 1)
            for values in (vae.config.latents_std, vae.config.latents_mean)
        )
        pixels = vae.decode(latents * spread + mean, return_dict=False)[0][0]
        check_numbers(pixels, "decoded pixels")
        # In place: a video of 81 frames at 832x480 takes 0.4 GB in fp32, which no copy need double.
        levels = pixels.div_(2).add_(0.5).clamp_(0, 1).mul_(255).round_().to(torch.uint8)
        frames: NDArray[np.uint8] = levels.permute(1, 2, 3, 0).contiguous().cpu().numpy()
        return frames

    def _effective(
        self, parameters: WanParameters, seeds: tuple[int, ...], *, is_video: bool
    ) -> dict[str, JsonValue]:
        frames, scheduler = parameters.frame_count, self._pipeline.scheduler
        return {
            "prompt": parameters.prompt,
            "negative_prompt": parameters.negative_prompt or None,
            "seeds": list(seeds),
            "resolution": str(parameters.resolution),
            "frames": frames,
            "fps": parameters.fps if is_video else None,
            # Of what was made, in seconds: 5 s at 16 fps are 81 frames, which last 5.0625 s.
            "duration": round(frames / parameters.fps, 4) if is_video else None,
            "steps": parameters.steps,
            "guidance": parameters.guidance if parameters.is_guided else 1.0,
            "scheduler": parameters.scheduler,
            "scheduler_class": type(scheduler).__name__,
            "flow_shift": scheduler.config.flow_shift,
            "deterministic": parameters.deterministic or self._device.type == "cpu",
            "precision": self._fingerprint["precision"],
            "device": str(self._device),
        }


def _sides(parameters: WanParameters) -> tuple[int, int]:
    """Height and width, in the order of tensors."""
    return parameters.resolution.height, parameters.resolution.width


def _artifact(frames: NDArray[np.uint8], *, index: int, seed: int, fps: int, is_video: bool) -> Artifact:
    if is_video:
        return VideoArtifact(index=index, seed=seed, frames=frames, fps=fps)
    return ImageArtifact(index=index, seed=seed, image=Image.fromarray(frames[0]))
