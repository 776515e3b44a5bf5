"""Which job types SDXL takes, and what a profile makes of their parameters. None of it needs torch."""

from __future__ import annotations

import pytest

from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.spec.settings import ModelEntry, Profile
from ourvidz.spec.units import Resolution
from tests.plugins.sdxl.conftest import job_type, parameters

FAMILY = SdxlFamily()


def findings(changes: dict[str, object], model: ModelEntry = FAMILY.default_model) -> list[tuple[str, str]]:
    """Field and complete complaint about a job type that is sound but for its ``changes``."""
    found = FAMILY.check(job_type(**changes), model)
    return [(".".join(map(str, one.field)), f"{one.code}: {one.found} / {one.expected}") for one in found]


@pytest.mark.parametrize(
    "changes",
    [
        {"resolution": "1024x1024", "steps": 15},
        {"resolution": "1280x1280", "steps": 40, "guidance": 8.5},
        {"resolution": "1024x1024", "steps": 20, "strength": 0.75, "requires": "init_image_upload"},
        {"accepts": "init_image", "params": {"strength": {"min": 0.4, "max": 1.0}}},
        {"accepts": "init_image", "strength": 0.5, "init_image": {"fit": "pad", "max_pixels": 1_000_000}},
        {"scheduler": "dpmpp_2m_karras", "negative_prompt": "blurry"},
        {"loras": [{"file": "loras/snow.safetensors", "scale": -0.5}, {"file": "film.safetensors"}]},
        {"params": {"steps": {"min": 1, "max": 30}, "scheduler": {"choices": ["euler", "ddim"]}}},
    ],
)
def test_a_job_type_that_sdxl_can_make_has_no_findings(changes: dict[str, object]) -> None:
    assert findings(changes) == []


@pytest.mark.parametrize(
    ("field", "changes", "words"),
    [
        ("resolution", {"resolution": "1020x1024"}, "a width and a height that 8 divides"),
        ("resolution", {"resolution": "56x1024"}, "sides of at least 64 pixels"),
        ("resolution", {"resolution": "4096x4096"}, "at most 4194304 pixels"),
        ("scheduler", {"scheduler": "eulr"}, "did you mean euler?"),
        ("strength", {"strength": 0.02, "steps": 20, "requires": "init_image_upload"}, "at least 0.05"),
        ("strength", {"requires": "init_image_upload"}, "strength_missing"),
        ("strength", {"accepts": "init_image"}, "strength_missing"),
        ("content_type", {"content_type": "video"}, "image from SDXL"),
        ("accepts", {"accepts": "last_frame"}, "last_frame"),
        ("guidance", {"guidance": 1.0, "negative_prompt": "blurry"}, "no effect without guidance"),
        ("frames", {"frames": 81}, "parameter_unconsumed"),
        ("duration", {"duration": "5s"}, "parameter_unconsumed"),
        ("fps", {"fps": 16}, "parameter_unconsumed"),
        ("flow_shift", {"flow_shift": 3.0}, "parameter_unconsumed"),
        ("loras", {"loras": [{"file": "snow.ckpt"}]}, "files that end in .safetensors"),
        ("loras", {"loras": [{"file": "snow.safetensors"}] * 2}, "each file once"),
        (
            "loras",
            {"loras": [{"file": "snow.safetensors"}, {"file": "./loras/..//snow.safetensors"}]},
            "each file once",
        ),
        ("params.loras", {"params": {"loras": {}}}, "does not choose files"),
        ("params.scheduler.choices", {"params": {"scheduler": {"choices": ["eulr"]}}}, "did you mean euler?"),
        ("params.flow_shift", {"params": {"flow_shift": {"max": 3.0}}}, "parameter_unconsumed"),
    ],
)
def test_what_sdxl_cannot_make_is_found(field: str, changes: dict[str, object], words: str) -> None:
    [(found, complaint)] = findings(changes)
    assert found == field
    assert words in complaint


def test_a_checkpoint_may_have_legal_sizes_of_its_own() -> None:
    model = ModelEntry(
        family="sdxl", location="models/x", sizes=(Resolution(832, 1216), Resolution(1216, 832))
    )
    override = {"resolution": {"choices": ["1216x832", "1024x1024"]}}
    assert findings({"resolution": "1024x1024", "params": override}, model) == [
        ("resolution", "size_unsupported: 1024x1024 / 832x1216 or 1216x832"),
        ("params.resolution.choices", "size_unsupported: 1024x1024 / 832x1216 or 1216x832"),
    ]


@pytest.mark.parametrize(
    ("profile", "size", "steps"),
    [
        (Profile(), "1024x1216", 20),
        (Profile(scale=0.25), "256x304", 20),
        (Profile(scale=0.3, steps=0.5), "304x352", 10),
        (Profile(scale=0.01, steps=0.01, frames=0.1), "64x64", 1),
    ],
)
def test_a_profile_reduces_to_what_sdxl_can_make(profile: Profile, size: str, steps: int) -> None:
    reduced = FAMILY.reduce(parameters(resolution="1024x1216", steps=20), profile)
    assert (str(reduced.resolution), reduced.steps) == (size, steps)


def test_a_profile_leaves_a_step_to_repaint_an_init_image_with() -> None:
    reduced = FAMILY.reduce(parameters(steps=20, strength=0.3), Profile(steps=0.05))
    assert int(reduced.steps * 0.3) == 1
