"""SDXL, from text and from pictures, through diffusers."""

from __future__ import annotations

from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.sdxl.family import SdxlFamily


@hookimpl
def ourvidz_model_families() -> list[SdxlFamily]:
    return [SdxlFamily()]
