"""Prompts as text encoders read them: whole, or refused with their count."""

from __future__ import annotations

from typing import Any

from ourvidz.errors import RequestInvalid


class PromptTooLong(RequestInvalid):
    """A prompt of more tokens than the text encoders read; cutting it off would drop words in silence."""

    code = "prompt_too_long"


def token_count(tokenizer: Any, text: str) -> int:
    """How many tokens a text has, the marks around it not counted."""
    return len(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)


def check_prompt_length(tokenizer: Any, name: str, text: str, *, limit: int) -> None:
    """Raises PromptTooLong, naming the field, if ``text`` has more than ``limit`` tokens.

    ``limit`` counts the marks that the tokenizer puts around a text.
    """
    most = limit - tokenizer.num_special_tokens_to_add()
    count = token_count(tokenizer, text)
    if count > most:
        raise PromptTooLong(
            f"{name}: {count} tokens, expected at most {most}, which is all that the model's text "
            "encoder reads; say it shorter"
        )
