"""Which job types WAN 2.1 can make."""

from __future__ import annotations

from typing import Any

import pytest

from ourvidz.plugins.family import ModelFamily
from ourvidz.plugins.parameters import ParameterRefused, validate_parameters
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
            {"frames": 81, "params": {"frames": {"choices": [1, 81]}}},
            (("params", "frames", "choices"), "1", "5 or more in a video"),
        ),
        (
            {"frames": 81, "params": {"frames": {"max": 81}}},
            (("params", "frames"), "no min", "5 or more in a video"),
        ),
        ({"duration": "0.1s"}, (("duration",), "0.1", "from 0.312 to 256 s at 16 fps")),
        ({"duration": "300s"}, (("duration",), "300.0", "from 0.312 to 256 s at 16 fps")),
        (
            {"duration": "5s", "params": {"duration": {"min": 0.1, "max": 6}}},
            (("params", "duration", "min"), "0.1", "from 0.312 to 256 s at 16 fps"),
        ),
        ({"frames": 4097}, (("frames",), "4097", "a whole number from 1 to 4093")),
        (
            {"duration": "5s", "params": {"fps": {"min": 8, "max": 240}}},
            (("params", "fps", "max"), "240", "a whole number from 1 to 120"),
        ),
        (
            {"duration": "5s", "guidance": 1.0, "negative_prompt": "blur"},
            (
                ("guidance",),
                "1.0",
                "more than 1, since a negative prompt has no effect without guidance",
            ),
        ),
        (
            {"duration": "5s", "batch": [1, 3]},
            (("batch",), "1, 3", "1, since a job makes one video"),
        ),
        (
            {"duration": "5s", "accepts": "first_frame"},
            (("accepts",), "first_frame", "none, since WAN starts from text alone"),
        ),
        (
            {"content_type": "image", "requires": "init_image_upload"},
            (("requires",), "init_image", "none, since WAN starts from text alone"),
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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frames": 82}, "frames: found 82, expected 4k+1 frames, such as 81 or 85"),
        ({"frames": 0}, "frames: found 0, expected a whole number from 1 to 4093"),
        ({"frames": 97, "duration": 5.0}, "frames: found 97, expected 81, which is 5 s at 16 fps"),
        ({"duration": 0.05}, "duration: found 0.05, expected from 0.312 to 256 s at 16 fps"),
        ({"duration": 0.2, "fps": 10}, "duration: found 0.2, expected from 0.5 to 409 s at 10 fps"),
        ({"resolution": "840x480"}, "expected a width and a height that 16 divides"),
        ({"resolution": "480x488"}, "expected a width and a height that 16 divides"),
        ({"resolution": "16400x480"}, "expected sides of at most 16384 pixels"),
        ({"fps": 0}, "fps: found 0, expected a whole number from 1 to 120"),
        ({"fps": 121}, "fps: found 121, expected a whole number from 1 to 120"),
        ({"steps": 0}, "steps: found 0, expected a whole number from 1 to 1000"),
        ({"steps": 1001}, "steps: found 1001, expected a whole number from 1 to 1000"),
        ({"scheduler": "euler"}, "scheduler: found euler, expected unipc"),
        ({"flow_shift": 0.0}, "flow_shift: found 0.0, expected"),
        ({"guidance": 1.0, "negative_prompt": "fog"}, "no effect without guidance"),
        ({"strength": 0.5}, "strength: this model does not take it"),
    ],
)
def test_what_wan_cannot_make_is_refused_in_a_request(values: dict[str, Any], message: str) -> None:
    given = {"prompt": "waves", "resolution": "832x480", "steps": 25, "guidance": 8.0}
    with pytest.raises(ParameterRefused) as refusal:
        validate_parameters(WanParameters, given | values)
    assert message in str(refusal.value)


def test_a_video_for_small_machines_is_a_quarter_of_the_size_and_two_seconds_long() -> None:
    video = _parameters(resolution="480x832", duration=5.0, steps=15)
    small = FAMILY.reduce(video, Profile(scale=0.5, frames=0.4))
    assert (small.resolution, small.frame_count, small.steps) == (Resolution(240, 416), 33, 15)
    assert WanParameters.model_validate(small.model_dump()) == small


def test_a_profile_scales_to_what_wan_can_make() -> None:
    small = FAMILY.reduce(_parameters(duration=5.0), Profile(scale=0.25, frames=0.1, steps=0.1))
    assert (small.resolution, small.frame_count, small.steps) == (Resolution(208, 112), 9, 2)
    assert WanParameters.model_validate(small.model_dump()) == small


def test_a_profile_never_scales_to_nothing_and_leaves_a_picture_a_picture() -> None:
    tiny = Profile(scale=0.001, frames=0.001, steps=0.001)
    video, picture = FAMILY.reduce(_parameters(frames=81), tiny), FAMILY.reduce(_parameters(), tiny)
    assert (video.resolution, video.frame_count, video.steps) == (Resolution(16, 16), 5, 1)
    assert picture.frame_count == 1
