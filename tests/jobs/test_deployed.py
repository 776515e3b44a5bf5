"""The two shapes that deployed edge functions push become envelopes, by a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ourvidz.jobs.deployed import CONTAINERS, JULY_2025, LATEST, SHAPES, Shape
from ourvidz.jobs.envelope import Envelope, EnvelopeInvalid
from ourvidz.jobs.wire import read_envelope
from tests.jobs import deployed_payloads as deployed
from tests.jobs.deployed_payloads import JOB, USER, changed, encoded, wrapped

NOON = datetime(2025, 7, 1, 12, 0, tzinfo=UTC)


def refusal(fields: object) -> str:
    with pytest.raises(EnvelopeInvalid) as caught:
        read_envelope(encoded(fields))
    return str(caught.value)


def test_the_shape_of_july_2025_is_read() -> None:
    assert read_envelope(encoded(deployed.JULY_2025)) == Envelope(
        job_id=JOB,
        job_type="sdxl_image_fast",
        user_id=USER,
        prompt="a lighthouse above the sea",
        num_images=3,
        submitted_at=NOON,
        metadata={
            "project": "demo",
            "deployed": {
                "shape": "july-2025",
                "imageId": deployed.IMAGE,
                "format": "image",
                "quality": "fast",
                "modelType": "sdxl_image_fast",
                "modelVariant": "lustify_sdxl",
                "isSDXL": True,
                "bucket": "sdxl_image_fast",
            },
        },
    )


@pytest.mark.parametrize("encode", [encoded, wrapped])
def test_the_latest_shape_is_read_plain_or_wrapped(encode: Any) -> None:
    assert read_envelope(encode(deployed.LATEST), received_at=NOON) == Envelope(
        job_id=JOB,
        job_type="sdxl_image_high",
        user_id=USER,
        prompt="a lighthouse above the sea",
        negative_prompt="blurry",
        seed=42,
        num_images=6,
        params={"steps": 25, "guidance": 7.5, "resolution": "1024x1024"},
        submitted_at=NOON,
        metadata={
            "project": "demo",
            "deployed": {
                "shape": "latest",
                "config.denoise_strength": 0.6,
                "job_id": JOB,
                "job_type": "sdxl_image_high",
                "quality": "high",
                "format": "image",
                "content_type": "image",
            },
        },
    )


def test_a_strength_counts_where_there_is_a_picture_to_start_from() -> None:
    fields = changed(deployed.LATEST, "config.image", f"init_images/{USER}/cliff.png")
    read = read_envelope(encoded(fields))
    assert read.params["strength"] == 0.6
    assert read.inputs == {"init_image": f"init_images/{USER}/cliff.png"}


@pytest.mark.parametrize(
    "timestamp",
    [
        "2025-07-01T12:00:00.000Z",
        "2025-07-01T14:00:00+02:00",
        "2025-07-01T12:00:00+0000",
        "2025-07-01T12:00Z",
        1751371200000,
        1751371200000.0,
    ],
)
def test_a_timestamp_is_iso_or_milliseconds(timestamp: object) -> None:
    fields = changed(deployed.JULY_2025, "timestamp", timestamp)
    assert read_envelope(encoded(fields)).submitted_at == NOON


@pytest.mark.parametrize("timestamp", [True, "yesterday", "1751371200000", "2025-07-01T12:00:00", 1e300, []])
def test_any_other_timestamp_is_refused(timestamp: object) -> None:
    refused = refusal(changed(deployed.JULY_2025, "timestamp", timestamp))
    assert refused.startswith("timestamp: found ")
    assert "expected a time from 2000 to 2999 with its zone" in refused


def test_a_shape_without_a_timestamp_was_submitted_when_it_arrived() -> None:
    before = datetime.now(UTC)
    assert before <= read_envelope(encoded(deployed.LATEST)).submitted_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("name", "into"),
    [
        ("config.image", "init_image"),
        ("config.first_frame", "first_frame"),
        ("config.last_frame", "last_frame"),
        ("metadata.reference_image_url", "reference_image"),
    ],
)
class TestInputs:
    def test_a_storage_key_is_used(self, name: str, into: str) -> None:
        fields = changed(deployed.LATEST, name, f"uploads/{USER}/photo.png")
        assert read_envelope(encoded(fields)).inputs == {into: f"uploads/{USER}/photo.png"}

    def test_an_https_url_is_passed_on(self, name: str, into: str) -> None:
        """Whether it is read is a setting of the worker's."""
        fields = changed(deployed.LATEST, name, "https://example.org/a.png?token=x")
        assert read_envelope(encoded(fields)).inputs == {into: "https://example.org/a.png?token=x"}

    @pytest.mark.parametrize(
        "url", ["http://example.org/a.png", "http://localhost/a.png", "data:image/png;base64,AA", "blob:x"]
    )
    def test_a_url_of_another_scheme_is_an_error_that_says_so(self, name: str, into: str, url: str) -> None:
        refused = refusal(changed(deployed.LATEST, name, url))
        assert refused.startswith(f"{name}: found a URL, expected a storage key")
        assert url not in refused, "expected no URL in a message, it may hold a signature"

    @pytest.mark.parametrize("value", [7, "photo.png", "../etc/passwd", "uploads/../x", ["a"], ""])
    def test_anything_else_is_an_error(self, name: str, into: str, value: object) -> None:
        assert refusal(changed(deployed.LATEST, name, value)).startswith(f"{name}: found no storage key")


@pytest.mark.parametrize("name", ["bucket", "format", "quality", "content_type"])
def test_what_the_spec_decides_is_never_taken_from_a_client(name: str) -> None:
    lying = changed(deployed.LATEST, name, "anything at all")
    plain = {key: value for key, value in deployed.LATEST.items() if key != name}
    read, expected = (read_envelope(encoded(fields), received_at=NOON) for fields in (lying, plain))
    assert read.model_dump(exclude={"metadata"}) == expected.model_dump(exclude={"metadata"})
    recorded = read.metadata["deployed"]
    assert isinstance(recorded, dict)
    assert recorded[name] == "anything at all"


@pytest.mark.parametrize(
    ("fields", "name", "same"),
    [
        (deployed.JULY_2025, "modelType", "jobType"),
        (deployed.LATEST, "job_type", "type"),
        (deployed.LATEST, "job_id", "id"),
    ],
)
def test_a_field_that_repeats_another_must_agree_with_it(
    fields: dict[str, Any], name: str, same: str
) -> None:
    assert refusal(changed(fields, name, USER)) == (
        f"{name}: found another value than in {same}, expected the same"
    )


def test_a_field_that_would_be_ignored_is_an_error() -> None:
    refused = refusal(changed(deployed.JULY_2025, "characterId", USER))
    assert refused == "characterId: no job type can draw a saved character; leave it out"


@pytest.mark.parametrize(
    ("fields", "wrong", "meant"),
    [
        (deployed.JULY_2025, "jobtype", "jobType"),
        (deployed.JULY_2025, "user_id", "userId"),
        (deployed.LATEST, "negativePrompt", "negative_prompt"),
        (deployed.LATEST, "config.inference_steps", "config.num_inference_steps"),
        (deployed.LATEST, "config.guidance", "config.guidance_scale"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_known(
    fields: dict[str, Any], wrong: str, meant: str
) -> None:
    assert f"'{wrong}': the " in refusal(changed(fields, wrong, 1))
    assert refusal(changed(fields, wrong, 1)).endswith(f"did you mean {meant}?")


def test_a_wrong_value_is_named_as_the_producer_calls_it() -> None:
    assert refusal(changed(deployed.LATEST, "config.num_images", 99)) == (
        "config.num_images: found 99, expected a whole number from 1 to 16"
    )
    assert refusal(changed(deployed.LATEST, "config.num_inference_steps", [1])) == (
        "config.num_inference_steps: found a list of 1, expected a number, a text or a boolean"
    )
    assert refusal(changed(deployed.JULY_2025, "userId", "me")) == "userId: found 'me', expected a UUID"


def test_metadata_may_not_bear_the_name_under_which_fields_are_recorded() -> None:
    assert "metadata.deployed" in refusal(changed(deployed.LATEST, "metadata.deployed", {}))


@pytest.mark.parametrize(("name", "value"), [("config", []), ("metadata", "x"), ("config", 3)])
def test_a_container_must_be_an_object(name: str, value: object) -> None:
    assert refusal(deployed.LATEST | {name: value}).startswith(f"{name}: found ")


@pytest.mark.parametrize("name", ["config.seed", "metadata.project", "metadata.*", "*", ""])
def test_a_name_that_only_looks_like_an_inner_field_is_unknown(name: str) -> None:
    assert "the latest shape has no such field" in refusal(deployed.LATEST | {name: 1})


@pytest.mark.parametrize("name", ["", "a.b", "*", "seed"])
def test_metadata_of_any_name_is_carried_along(name: str) -> None:
    fields = deployed.LATEST | {"metadata": {name: 1}}
    assert read_envelope(encoded(fields)).metadata[name] == 1


@pytest.mark.parametrize("fields", [deployed.JULY_2025, deployed.LATEST])
def test_null_means_that_a_field_was_not_sent(fields: dict[str, Any]) -> None:
    needed = {"jobId", "userId", "jobType", "id", "user_id", "type", "prompt", "metadata", "config"}
    bare = {name: value for name, value in fields.items() if name in needed - {"metadata", "config"}}
    nulls = {name: value if name in bare else None for name, value in fields.items()}
    assert read_envelope(encoded(nulls), received_at=NOON) == read_envelope(encoded(bare), received_at=NOON)


@pytest.mark.parametrize(("shape", "fields"), [(JULY_2025, deployed.JULY_2025), (LATEST, deployed.LATEST)])
class TestTables:
    def test_every_deployed_field_has_its_line(self, shape: Shape, fields: dict[str, Any]) -> None:
        for name in fields:
            for inner in fields[name] if name in CONTAINERS else [None]:
                assert shape.rule(name, inner), f"{name}.{inner}"

    def test_every_line_says_why_and_stands_once(self, shape: Shape, fields: dict[str, Any]) -> None:
        assert len({rule.field for rule in shape.rules}) == len(shape.rules)
        for rule in shape.rules:
            assert rule.reason
            assert bool(rule.into) == (rule.use == "used")
            assert rule.into.partition(".")[0] in ("", *Envelope.model_fields)


def test_the_shapes_are_told_apart_by_one_field() -> None:
    for shape in SHAPES:
        others = [other for other in SHAPES if other is not shape]
        assert all(other.rule(shape.told_by) is None for other in others)
