"""What is generated beside the module: JSON Schemas, the OpenAPI document, and the page for people."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from openapi_spec_validator import OpenAPIV31SpecValidator

from ourvidz.export.openapi import as_openapi
from ourvidz.export.reference import as_markdown
from ourvidz.export.schema import as_json_schema
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import JobType
from tests.conformance.jobs import envelope, job_id
from tests.export.catalogs import PHASE_1, PHASE_2, catalog, job_type
from tests.export.hostile import HOSTILE_TEXTS, catalogs

PLAN = catalog(*PHASE_1, *PHASE_2)
RIGHT = {"job_type": "video_fast", "prompt": "a harbour"}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(as_json_schema(PLAN))
    return document


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(as_openapi(PLAN))
    return document


def _validator(document: dict[str, Any], reference: str) -> Draft202012Validator:
    return Draft202012Validator({**document, "$ref": reference})


def test_the_schemas_are_schemas(schemas: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schemas)
    for one in schemas["$defs"].values():
        Draft202012Validator.check_schema(one)


def test_a_request_is_checked_by_its_job_types_own_schema(schemas: dict[str, Any]) -> None:
    validator = _validator(schemas, "#/$defs/JobRequest.video_fast")
    validator.validate(RIGHT)
    for change in ({"job_type": "video_high"}, {"num_images": 3}, {"prompt": ""}, {"bucket": "video_fast"}):
        assert not validator.is_valid(RIGHT | change), change


def test_an_envelope_is_checked_by_its_schema(schemas: dict[str, Any]) -> None:
    written = json.loads(envelope(1).to_payload())
    validator = _validator(schemas, "#/$defs/Envelope")
    validator.validate(written)
    assert not validator.is_valid(written | {"job_id": "1"})


@pytest.mark.parametrize("some", [(*PHASE_1, *PHASE_2), PHASE_1[:1], ()], ids=["plan", "one", "none"])
def test_the_openapi_document_is_one(some: tuple[JobType, ...]) -> None:
    assert list(OpenAPIV31SpecValidator(json.loads(as_openapi(catalog(*some)))).iter_errors()) == []


def test_the_openapi_document_has_every_function_with_what_it_takes_and_answers(api: dict[str, Any]) -> None:
    assert set(api["paths"]) == {"/queue-job", "/cancel-job", "/job-callback", "/sign-upload"}
    asked = api["paths"]["/queue-job"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    queue_job = Draft202012Validator({**asked, "components": api["components"]})
    queue_job.validate(RIGHT)
    with pytest.raises(jsonschema.ValidationError):
        queue_job.validate(RIGHT | {"job_type": "sdxl_img2img"})
    cancelled = Draft202012Validator({**api, "$ref": "#/components/schemas/CancelRequest"})
    cancelled.validate({"job_id": job_id(1)})


def test_retired_and_planned_job_types_take_no_requests() -> None:
    some = catalog(job_type("a", status="retired"), job_type("b", status="planned"), job_type("c"))
    for text in (as_json_schema(some), as_openapi(some)):
        assert set(re.findall(r"JobRequest\.(\w+)\"", text)) == {"c"}


@pytest.mark.parametrize("render", [as_json_schema, as_openapi, as_markdown])
def test_the_same_job_types_in_any_order_give_the_same_bytes(render: Callable[[Catalog], str]) -> None:
    assert render(PLAN) == render(catalog(*PHASE_2, *reversed(PHASE_1)))


def _cells(page: str) -> list[str]:
    """Every text of a rendered page's tables and lists, as a reader sees it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    return [
        "".join(one.content for one in token.children or ()) for token in tokens if token.type == "inline"
    ]


def test_the_page_tells_people_of_every_job_type_planned_ones_too() -> None:
    page = as_markdown(
        catalog(
            job_type("painting", params={"steps": {"min": 5, "max": 25}}, limits={"waiting": 3}),
            job_type("mural", status="planned", fallback="painting", expected_time="2min"),
        )
    )
    cells = _cells(page)
    assert cells.index("painting") < cells.index("mural")
    assert "from 5 to 25" in cells
    assert "waiting for one user: 3" in cells
    assert "when it fails: painting can take over" in cells
    assert "planned" in cells


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_text_on_the_page_is_read_as_it_was_written(text: str) -> None:
    page = as_markdown(catalog(job_type("painting", display={"name": text, "badge": "X"})))
    shown = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    assert f"name: {shown}, X" in _cells(page)
    assert "<script" not in MarkdownIt("commonmark").render(page)


@settings(max_examples=50, deadline=None)
@given(catalogs)
def test_whatever_a_catalog_says_every_document_is_whole(one: Catalog) -> None:
    json.loads(as_json_schema(one))
    json.loads(as_openapi(one))
    headings = [line for line in as_markdown(one).split("\n") if line.startswith("## ")]
    assert len(headings) == len(one.job_types)
