"""WAN 2.1, text to video. A part of it: specs are checked, the pipeline is not there yet."""

from __future__ import annotations

from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.plugins.wan.family import WanFamily


@hookimpl
def ourvidz_model_families() -> list[WanFamily]:
    return [WanFamily()]
