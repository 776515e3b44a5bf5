"""Every field of our event is where the tables say, in the bodies that deployed functions read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ourvidz.jobs.deployed_callbacks import SHAPES, CallbackShape, event_fields
from ourvidz.jobs.events import JobEvent, Progress, final_sequence
from ourvidz.jobs.results import Asset, Fallback, Result, StoredFile
from ourvidz.jobs.states import Failure, Reason
from tests.conformance.jobs import USER, job_id


def asset(index: int) -> Asset:
    path = f"{USER}/{job_id(1)}/1-{index}"
    thumbnail = StoredFile(
        bucket=f"small-{index}",
        path=f"{path}.thumb.webp",
        mime="image/webp",
        size=21 + index,
        sha256="a" * 64,
    )
    return Asset(
        bucket=f"videos-{index}",
        path=f"{path}.mp4",
        mime="video/mp4",
        size=901 + index,
        sha256="b" * 64,
        type="video",
        index=index,
        seed=77001 + index,
        width=832,
        height=480,
        frames=81,
        duration=5.0625,
        thumbnail=thumbnail,
    )


def event(assets: int = 2, **values: Any) -> JobEvent:
    """An event in which every field has a value of its own. Of a real one, some are always absent."""
    result = Result(
        job_type="video_fast",
        effective_job_type="video_high",
        fallback=Fallback(
            because=Reason(code="generation_failed", message="the weather"), dropped={"guidance": 6.25}
        ),
        spec_digest="sha256:" + "c" * 64,
        submitted_digest="sha256:" + "d" * 64,
        attempt=3,
        assets=tuple(asset(index) for index in range(assets)),
        parameters={"steps": 25},
        profile="laptop",
        fingerprint={"device": "cpu"},
        reviews={"policy": "passed"},
        seconds={"denoise": 12.5},
        peak_memory=12345678,
    )
    whole: dict[str, Any] = {
        "job_id": job_id(1),
        "sequence": final_sequence(4),
        "status": "completed",
        "at": datetime(2025, 7, 1, 12, 5, tzinfo=UTC),
        "user_id": USER,
        "job_type": "video_fast",
        "effective_job_type": "video_high",
        "attempt": 3,
        "started_at": datetime(2025, 7, 1, 12, 4, tzinfo=UTC),
        "result": result,
        "error": Failure(
            code="output_invalid",
            message="the first one was black",
            before=Reason(code="timed_out", message="no progress for 120 s"),
        ),
        "metadata": {"project": "démo"},
    }
    return JobEvent(**whole | values)


def values_at(node: Any, path: str) -> list[Any]:
    """Everything that stands at a place such as ``assets[].url``."""
    name, _, rest = path.partition(".")
    if name.endswith("[]"):
        nodes = node.get(name[:-2], []) or []
    else:
        nodes = [node[name]] if node.get(name) is not None else []
    return [found for one in nodes for found in values_at(one, rest)] if rest else nodes


def leaves(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [found for one in node.values() for found in leaves(one)]
    return [found for one in node for found in leaves(one)] if isinstance(node, list) else [node]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: str(shape.name))
@pytest.mark.parametrize("field", [name for name in event_fields() if not name.startswith("progress.")])
def test_a_field_is_said_where_the_table_says_or_nowhere(shape: CallbackShape, field: str) -> None:
    ours = values_at(event().model_dump(mode="json"), field)
    assert ours, "the event of this test lacks the field"
    body = shape.body(event())
    assert body is not None
    into = shape.place(field).into
    if field == "metadata" and into:
        assert ours[0].items() <= body["metadata"].items()
    elif into:
        assert values_at(body, into.removeprefix("filePath or ")) == ours
    elif field == "metadata" or isinstance(ours[0], dict):
        assert not set(leaves(ours)) & set(leaves(body))
    else:
        assert not _only_here(field, ours) & {str(one) for one in leaves(body)}


def _only_here(field: str, values: list[Any]) -> set[str]:
    """Values that no other field of the event has, and that no other text is."""
    others = [
        str(one)
        for name in event_fields()
        if name != field
        for one in values_at(event().model_dump(mode="json"), name)
    ]
    return {str(one) for one in values} - set(others)


def test_the_fields_of_an_event_are_found_to_their_depth() -> None:
    fields = list(event_fields())
    assert {"job_id", "progress.stage", "result.assets[].thumbnail.sha256", "error.code"} <= set(fields)
    assert len(fields) == len(set(fields))


def test_one_file_of_july_2025_is_a_path_and_several_are_a_list() -> None:
    one, several = SHAPES["july-2025"].body(event(1)), SHAPES["july-2025"].body(event(3))
    assert one is not None
    assert several is not None
    assert one["filePath"] == f"{USER}/{job_id(1)}/1-0.mp4"
    assert "imageUrls" not in one
    assert several["imageUrls"] == [f"{USER}/{job_id(1)}/1-{index}.mp4" for index in range(3)]
    assert "filePath" not in several


@pytest.mark.parametrize(("name", "field"), [("july-2025", "errorMessage"), ("latest", "error_message")])
def test_a_cancelled_job_has_failed_for_deployed_functions_and_the_message_says_why(
    name: str, field: str
) -> None:
    body = SHAPES[name].body(event(status="cancelled", result=None, error=None))
    assert body is not None
    assert (body["status"], body[field]) == ("failed", "cancelled by its user")


def test_a_running_job_is_told_of_without_anything_made() -> None:
    started = event(status="processing", result=None, error=None)
    july, latest = SHAPES["july-2025"].body(started), SHAPES["latest"].body(started)
    assert july == {"jobId": job_id(1), "status": "processing"}
    assert latest is not None
    assert (latest["status"], latest["assets"], latest["error_message"]) == ("processing", [], None)


def test_progress_is_not_told_to_deployed_functions() -> None:
    running = event(status="processing", result=None, progress=Progress(stage="denoise", step=1, steps=4))
    assert [shape.body(running) for shape in SHAPES.values()] == [None, None]
