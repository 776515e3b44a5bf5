"""Samplers by name: which diffusers class each one is, and what it changes in the checkpoint's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """A scheduler class of diffusers and the settings that make it the sampler of this name."""

    class_name: str
    changes: Mapping[str, bool | str] = field(default_factory=dict)
    """Laid over the scheduler settings that come with the checkpoint."""


#: A checkpoint has noise levels of one kind alone.
_KARRAS = {"use_karras_sigmas": True, "use_exponential_sigmas": False, "use_beta_sigmas": False}

#: Names as in most user interfaces; what diffusers calls each of them stands in its documentation
#: under "Schedulers". All of them predict with the checkpoint's own noise schedule.
SAMPLERS: Mapping[str, Sampler] = {
    "euler": Sampler(class_name="EulerDiscreteScheduler"),
    "euler_karras": Sampler(class_name="EulerDiscreteScheduler", changes=_KARRAS),
    "euler_ancestral": Sampler(class_name="EulerAncestralDiscreteScheduler"),
    "heun": Sampler(class_name="HeunDiscreteScheduler"),
    "ddim": Sampler(class_name="DDIMScheduler"),
    "ddpm": Sampler(class_name="DDPMScheduler"),
    "dpmpp_2m": Sampler(class_name="DPMSolverMultistepScheduler", changes={"algorithm_type": "dpmsolver++"}),
    "dpmpp_2m_karras": Sampler(
        class_name="DPMSolverMultistepScheduler",
        changes={"algorithm_type": "dpmsolver++", **_KARRAS},
    ),
    "dpmpp_2m_sde": Sampler(
        class_name="DPMSolverMultistepScheduler", changes={"algorithm_type": "sde-dpmsolver++"}
    ),
    "dpmpp_2m_sde_karras": Sampler(
        class_name="DPMSolverMultistepScheduler",
        changes={"algorithm_type": "sde-dpmsolver++", **_KARRAS},
    ),
    "unipc": Sampler(class_name="UniPCMultistepScheduler"),
    "lcm": Sampler(class_name="LCMScheduler"),
}
