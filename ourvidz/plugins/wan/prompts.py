"""Prompts as WAN's text encoder reads them: cleaned, whole, or refused with their count."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.pipelines.wan.pipeline_wan import prompt_clean

from ourvidz.plugins.diffusion.prompts import check_prompt_length
from ourvidz.plugins.diffusion.stages import check_numbers
from ourvidz.plugins.wan.parameters import WanParameters

#: Tokens of a prompt with its end mark, ``text_len`` of the published settings (wan/configs of
#: Wan-Video/Wan2.1). The transformer always attends to so many, zeros where a prompt is shorter.
TEXT_TOKENS = 512


def check_prompts(tokenizer: Any, parameters: WanParameters) -> None:
    """Raises PromptTooLong, naming the field. What counts is the text as diffusers cleans it."""
    for name, text in (("prompt", parameters.prompt), ("negative_prompt", parameters.negative_prompt or "")):
        check_prompt_length(tokenizer, name, prompt_clean(text), limit=TEXT_TOKENS)


def encode(pipeline: Any, parameters: WanParameters) -> dict[str, torch.Tensor | None]:
    """Embeddings, 1 × 512 × width, under the names of the pipeline's arguments.

    Without guidance the negative ones are None.
    """
    prompt, negative = pipeline.encode_prompt(
        prompt=parameters.prompt,
        # WAN was trained to be guided away from an empty text.
        negative_prompt=parameters.negative_prompt or "",
        do_classifier_free_guidance=parameters.is_guided,
        max_sequence_length=TEXT_TOKENS,
    )
    for embeddings in (prompt, negative):
        if embeddings is not None:
            check_numbers(embeddings, "text embeddings")
    return {"prompt_embeds": prompt, "negative_prompt_embeds": negative}
