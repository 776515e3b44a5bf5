"""The progress bars and notices of the model libraries, off while ourvidz tells of progress by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Silence bars, and what transformers says below an error, and leave all as it was.

    transformers lists the image processors that it would rather have; none of them is used.
    """
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()

    from diffusers.utils import logging as diffusers_logging

    libraries = [one for one in (diffusers_logging, transformers_logging) if one.is_progress_bar_enabled()]
    hub_is_silent = are_progress_bars_disabled()
    for library in libraries:
        library.disable_progress_bar()
    disable_progress_bars()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        for library in libraries:
            library.enable_progress_bar()
        if not hub_is_silent:
            enable_progress_bars()
