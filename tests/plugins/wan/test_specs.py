"""Which job types WAN 2.1 can make."""

from __future__ import annotations

from typing import Any

import pytest

from ourvidz.plugins.family import ModelFamily
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.plugins.wan.parameters import WanParameters, frames_of
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import Profile
from ourvidz.spec.units import Resolution

FAMILY: ModelFamily[WanParameters] = WanFamily()

VIDEO = {
    "id": "video_test",
    "worker": "WAN",
    "queue": "wan_queue",
    "content_type": "video",
    "resolution": "480x832",
    "steps": 15,
    "guidance": 6.5,
    "expected_time": "180s",
    "storage_bucket": "video_test",
    "quality_tier": "fast",
}


def findings(**fields: Any) -> list[tuple[Any, ...]]:
    job_type = JobType.model_validate(VIDEO | fields)
    return [(one.field, one.found, one.expected) for one in FAMILY.check(job_type, FAMILY.default_model)]


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": "5s"},
        {"frames": 81},
        {"duration": "5s", "frames": 81},
        {"duration": "6s", "frames": 97, "fps": 16},
        {"duration": "5s", "scheduler": "unipc", "flow_shift": 8.0, "negative_prompt": "blur"},
        {"duration": "5s", "resolution": "832x480"},
        {"content_type": "image"},
        {"duration": "5s", "params": {"steps": {"min": 4, "max": 40}, "scheduler": {"choices": ["unipc"]}}},
    ],
)
def test_what_wan_can_make_is_accepted(fields: dict[str, Any]) -> None:
    assert findings(**fields) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"frames": 82}, (("frames",), "82", "4k+1 frames, such as 81 or 85")),
        (
            {"frames": 97, "duration": "5s"},
            (("frames",), "97", "81, which is 5 s at 16 fps; give one of the two"),
        ),
        ({"frames": 1}, (("frames",), "1", "5 or more in a video")),
        ({"duration": "5s", "resolution": "1024x1024"}, (("resolution",), "1024x1024", "832x480 or 480x832")),
        ({"duration": "5s", "scheduler": "euler"}, (("scheduler",), "euler", "unipc")),
        (
            {"content_type": "image", "params": {"frames": {"max": 81}}},
            (("params", "frames"), "a choice", "none, since a picture has one frame"),
        ),
        (
            {"frames": 81, "params": {"frames": {"choices": [81, 82]}}},
            (("params", "frames", "choices"), "82", "4k+1 frames, such as 81 or 85"),
        ),
        (
            {"duration": "5s", "params": {"resolution": {"choices": ["832x480", "64x64"]}}},
            (("params", "resolution", "choices"), "64x64", "832x480 or 480x832"),
        ),
        (
            {"duration": "5s", "params": {"stepps": {"min": 1}}},
            (("params", "stepps"), "what WAN does not use", "steps"),
        ),
    ],
)
def test_what_wan_cannot_make_is_found_before_a_user_waits(
    fields: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    assert findings(**fields) == [expected]


@pytest.mark.parametrize(("field", "value"), [("strength", 0.5), ("loras", [{"file": "style.safetensors"}])])
def test_a_field_that_wan_does_not_use_is_not_ignored(field: str, value: object) -> None:
    [(path, found, expected)] = findings(duration="5s", **{field: value})
    assert (path, found) == ((field,), "what WAN does not use")
    assert "flow_shift" in expected


@pytest.mark.parametrize(("duration", "frames"), [(5.0, 81), (6.0, 97), (1.0, 17), (0.1, 1)])
def test_frames_follow_from_the_duration(duration: float, frames: int) -> None:
    assert frames_of(duration, 16) == frames


def _parameters(**values: Any) -> WanParameters:
    given = {"prompt": "waves", "resolution": "832x480", "steps": 25, "guidance": 8.0}
    return WanParameters.model_validate(given | values)


def test_a_profile_scales_to_what_wan_can_make() -> None:
    small = FAMILY.reduce(_parameters(duration=5.0), Profile(scale=0.25, frames=0.1, steps=0.1))
    assert (small.resolution, small.frame_count, small.steps) == (Resolution(208, 112), 9, 2)
    assert WanParameters.model_validate(small.model_dump()) == small


def test_a_profile_never_scales_to_nothing_and_leaves_a_picture_a_picture() -> None:
    tiny = Profile(scale=0.001, frames=0.001, steps=0.001)
    video, picture = FAMILY.reduce(_parameters(frames=81), tiny), FAMILY.reduce(_parameters(), tiny)
    assert (video.resolution, video.frame_count, video.steps) == (Resolution(16, 16), 5, 1)
    assert picture.frame_count == 1
