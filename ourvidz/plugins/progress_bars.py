"""The progress bars of the model libraries, switched off while ourvidz tells of progress by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Silence diffusers, transformers and the hub's client, and leave them as they were."""
    from diffusers.utils import logging as diffusers_logging
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from transformers.utils import logging as transformers_logging

    libraries = [one for one in (diffusers_logging, transformers_logging) if one.is_progress_bar_enabled()]
    hub_is_silent = are_progress_bars_disabled()
    for library in libraries:
        library.disable_progress_bar()
    disable_progress_bars()
    try:
        yield
    finally:
        for library in libraries:
            library.enable_progress_bar()
        if not hub_is_silent:
            enable_progress_bars()
