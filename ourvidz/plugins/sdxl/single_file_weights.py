"""Brings the parts of an SDXL checkpoint in a single file into memory.

By a table of our own. diffusers' ``from_single_file`` tells the two text encoders apart by their widths,
and only warns of tensors that are left over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ourvidz.plugins.diffusion.original_parts import build_part, check_tensors, reading_safetensors
from ourvidz.plugins.diffusion.parts import reading_by_libraries
from ourvidz.plugins.sdxl.single_file import SingleFile


class SingleFileWeights:
    """The weights of a single file, part by part."""

    def __init__(self, checkpoint: SingleFile, digests: Mapping[str, str]) -> None:
        """``digests`` are those of the checkpoint's files."""
        self._checkpoint, self._digests = checkpoint, digests

    def digest(self, part: str) -> str:
        return self._checkpoint.part_digest(self._digests, part)

    def load(self, part: str, part_class: Any, dtype: torch.dtype) -> Any:
        """Raises ModelInvalid naming tensors that are not as they must be."""
        checkpoint = self._checkpoint
        settings, origins = checkpoint.components.folder / part, checkpoint.origins[part]
        shapes = {name: one.shape(checkpoint.tensors[one.name].shape) for name, one in origins.items()}
        fitted = f"a {part_class.__name__} with the settings in {settings}"
        with reading_by_libraries(f"{checkpoint.file} cannot be loaded as {fitted}"):
            check_tensors(checkpoint.file, part_class, settings, shapes)
            with reading_safetensors(checkpoint.file) as read:
                return build_part(part_class, settings, origins, read, dtype)
