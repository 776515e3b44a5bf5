"""What other libraries say while they load."""

from __future__ import annotations

import diffusers
import transformers


def quiet() -> None:
    """Leave it out, but for errors; to be called before their pipelines are imported."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
