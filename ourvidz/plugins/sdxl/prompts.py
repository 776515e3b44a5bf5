"""Prompts of any length: SDXL's text encoders read 75 tokens at a time, the UNet looks at all of them.

A longer prompt is cut between words into pieces that the encoders can read, and what they say of the
pieces is laid end to end, as most SDXL programs do. The UNet's cross-attention takes any length. The
pooled embedding, of which there is one, is the first piece's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import torch

from ourvidz.plugins.diffusion.prompts import PromptTooLong, token_count
from ourvidz.plugins.diffusion.stages import check_numbers
from ourvidz.plugins.sdxl.parameters import SdxlParameters


def pieces(tokenizers: Sequence[Any], name: str, text: str) -> list[str]:
    """Cut ``text`` between words into pieces that every tokenizer finds short enough; at least one.

    A text that is short enough is left as it is. Raises PromptTooLong, naming the field, for a single
    word that no encoder could read whole.
    """
    if _fits(tokenizers, text):
        return [text]
    found = [""]
    for word in text.split():
        longer = f"{found[-1]} {word}".lstrip()
        if _fits(tokenizers, longer):
            found[-1] = longer
            continue
        if not _fits(tokenizers, word):
            raise PromptTooLong(
                f"{name}: a word of {max(token_count(one, word) for one in tokenizers)} tokens, expected at "
                f"most {_room(tokenizers[0])}, which is all that SDXL's text encoders read at a time"
            )
        found.append(word)
    return found


def encode(pipeline: Any, parameters: SdxlParameters) -> tuple[dict[str, torch.Tensor | None], int]:
    """Embeddings under the names of the pipeline's arguments, and the number of pieces they are made of.

    Without guidance the negative ones are None. Raises PromptTooLong.
    """
    tokenizers = (pipeline.tokenizer, pipeline.tokenizer_2)
    positive = pieces(tokenizers, "prompt", parameters.prompt)
    # None is SDXL's own way to say nothing; an empty text would be encoded as one.
    negative: list[str | None] = [None]
    if parameters.negative_prompt:
        negative = [*pieces(tokenizers, "negative_prompt", parameters.negative_prompt)]
    rest = "" if parameters.negative_prompt else None
    encoded = [
        pipeline.encode_prompt(
            prompt=prompt or "",
            negative_prompt=rest if opposed is None else opposed,
            do_classifier_free_guidance=parameters.is_guided,
        )
        for prompt, opposed in zip_longest(positive, negative)
    ]
    words, opposed_words = (_end_to_end([one[side] for one in encoded]) for side in (0, 1))
    check_numbers(words, "text embeddings")
    embeddings = {
        "prompt_embeds": words,
        "negative_prompt_embeds": opposed_words,
        "pooled_prompt_embeds": encoded[0][2],
        "negative_pooled_prompt_embeds": encoded[0][3],
    }
    return embeddings, len(encoded)


def _end_to_end(embeddings: list[torch.Tensor | None]) -> Any:
    """Embeddings of shape 1 × tokens × width as one; None if there are none."""
    present = [one for one in embeddings if one is not None]
    return torch.cat(present, dim=1) if present else None


def _fits(tokenizers: Sequence[Any], text: str) -> bool:
    return all(token_count(one, text) <= _room(one) for one in tokenizers)


def _room(tokenizer: Any) -> int:
    """How many tokens of a text an encoder reads, beside the marks around it."""
    return int(tokenizer.model_max_length) - int(tokenizer.num_special_tokens_to_add())
