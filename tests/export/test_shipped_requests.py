"""What the families of the shipped job types take, the schemas of requests take as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ourvidz.errors import OurvidzError
from ourvidz.jobs.request_schemas import request_schema
from ourvidz.jobs.requests import JobRequest
from ourvidz.jobs.wire import make_envelope
from ourvidz.plugins.parameters import ParameterRefused, resolve_parameters
from ourvidz.project import Project
from ourvidz.runtime.making.inputs import check_inputs
from tests.conformance.jobs import SUBMITTED, USER, job_id

PROJECT = Project.open(jobtypes=Path(__file__).parents[2] / "jobtypes")
SCHEMAS = {
    one.id: Draft202012Validator(request_schema(one, input_urls=False))
    for one in PROJECT.catalog.job_types.values()
}
ANY = Draft202012Validator(JobRequest.model_json_schema())

_PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "steps": st.integers(1, 90),
        "guidance": st.integers(0, 16) | st.floats(0, 16, width=16),
        "strength": st.floats(0, 1.5, width=16),
        "scheduler": st.sampled_from(["euler", "unipc", "heun"]),
        "resolution": st.sampled_from(["1024x1024", "832x480", "480x832", "512x512"]),
        "duration": st.sampled_from([5, 6, 5.5]),
    },
)
REQUESTS = st.fixed_dictionaries(
    {"job_type": st.sampled_from([*SCHEMAS]), "prompt": st.just("a harbour"), "params": _PARAMS},
    optional={
        "num_images": st.sampled_from([1, 2, 3, 6]),
        "negative_prompt": st.sampled_from([None, "fog"]),
        "inputs": st.just({"init_image": f"init_images/{USER}/a.png"}),
    },
)


def _refusal(request: dict[str, Any]) -> OurvidzError | None:
    """Why a worker would not make it."""
    spec = PROJECT.catalog[request["job_type"]]
    made = make_envelope(request | {"job_id": job_id(1), "user_id": USER, "submitted_at": SUBMITTED})
    try:
        resolve_parameters(PROJECT.family(spec.family), spec, made)
        check_inputs(spec, made, urls=False)
    except OurvidzError as refusal:
        return refusal
    return None


@settings(max_examples=400, deadline=None)
@given(REQUESTS)
def test_a_request_that_a_worker_makes_is_never_refused_before(request: dict[str, Any]) -> None:
    refusal = _refusal(request)
    if ANY.is_valid(request) and SCHEMAS[request["job_type"]].is_valid(request):
        # What is left is the family's own knowledge of its parameters.
        assert refusal is None or isinstance(refusal, ParameterRefused)
    else:
        assert refusal is not None


@pytest.mark.parametrize("job_type", [*SCHEMAS])
def test_the_simplest_request_of_each_job_type_is_taken(job_type: str) -> None:
    request: dict[str, Any] = {"job_type": job_type, "prompt": "a harbour"}
    for name in PROJECT.catalog[job_type].required_inputs:
        request["inputs"] = {name: f"init_images/{USER}/a.png"}
    assert ANY.is_valid(request)
    assert SCHEMAS[job_type].is_valid(request)
    assert _refusal(request) is None
