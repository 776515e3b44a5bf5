"""WAN 2.1, text to video and one-frame pictures, through diffusers."""

from __future__ import annotations

from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.wan.family import WanFamily


@hookimpl
def ourvidz_model_families() -> list[WanFamily]:
    return [WanFamily()]
