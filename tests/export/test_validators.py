"""The validators in TypeScript, in node and in Deno, agree with Python about every body."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ourvidz.export.routing import as_typescript
from ourvidz.jobs.request_schemas import request_schema
from ourvidz.jobs.requests import JobRequest
from ourvidz.spec.catalog import Catalog
from tests.export import agreement
from tests.export.catalogs import PHASE_1, PHASE_2, catalog
from tests.export.compilation import compile_modules
from tests.servers.node import deno, deno_environment

JOB_TYPES = 50
REQUESTS = 600
CHANGED_OF_EACH = 200

_FIELDS = ", ".join(JobRequest.model_fields)

#: What a request of the plan's quickest picture is changed to, and how it is refused.
REASONS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"prompt": ""},
        "prompt",
        "found a text of 0 characters, expected a text of at least 1 and at most 10000",
    ),
    ({"num_images": 2}, "num_images", "found 2, expected one of 1, 3, 6"),
    ({"num_images": 17}, "num_images", "found 17, expected a whole number of at least 1 and at most 16"),
    (
        {"seed": "7"},
        "seed",
        "found a text of 1 characters, expected a whole number of at least 0 and at most",
    ),
    ({"bucket": "sdxl_fast"}, "bucket", f"no such field; known: {_FIELDS}"),
    (
        {"params": {"step": 1}},
        "params.step",
        "no such field; known: deterministic, guidance, resolution, steps",
    ),
    ({"params": {"steps": 20}}, "params.steps", "found 20, expected 15"),
    ({"params": {"Steps": 20}}, "params.Steps", "no such field"),
    ({"inputs": {"picture": "a/b"}}, "inputs.picture", "not a known name, expected one of init_image, "),
    ({"inputs": {"init_image": "a/b"}}, "inputs.init_image", "no such field; known: none"),
    ({"job_type": "sdxl_img2img"}, "inputs", "missing, expected an object"),
    (
        {"job_type": "sdxl_img2img", "inputs": {}},
        "inputs.init_image",
        "missing, expected a text that matches",
    ),
    (
        {"job_type": "sdxl"},
        "job_type",
        "found a job type that is not known, expected one of sdxl_image_fast, ",
    ),
    ({"metadata": {"a": [1, 10**19]}}, "metadata.a.1", "found a number of more than 19 digits"),
    ({"metadata": agreement.nested(2)}, "metadata", "found a list of 1, expected an object"),
    ({"metadata": {"a": "\ud800"}}, "metadata.a", "found half of a surrogate pair in a text"),
]

#: Runs each module's validators over its bodies; prints the problems of each body, none if it is accepted.
JUDGE = """
import { readFileSync } from "node:fs";
const { ending, cases } = JSON.parse(readFileSync("cases.json", "utf-8"));
const found = [];
for (const [module, kind, body] of cases) {
  const checks = await import(`${ending === ".js" ? "./out" : "."}/${module}${ending}`);
  const checked = checks[`check${kind}`](body);
  found.push(checked.ok ? null : checked.problems);
}
console.log(JSON.stringify(found));
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A body, the module and the validator that judge it, and what Python says."""

    module: str
    kind: str
    body: Any
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Every case with the problems that JavaScript found; None: none."""

    cases: list[Case]
    in_node: list[list[dict[str, str]] | None]
    in_deno: list[list[dict[str, str]] | None]
    catalogs: dict[str, Catalog]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    folder = tmp_path_factory.mktemp("validators")
    catalogs = {"plan": catalog(*PHASE_1, *PHASE_2), "any": _catalog(urls=False), "urls": _catalog(urls=True)}
    cases = [*_wire_cases(), *_request_cases(catalogs), *_reason_cases(catalogs["plan"])]
    complaints = compile_modules(folder, {f"{name}.ts": as_typescript(one) for name, one in catalogs.items()})
    assert complaints == ""
    (folder / "judge.mjs").write_text(JUDGE)
    node = _judge(folder, ["node", "judge.mjs"], ".js", cases)
    return Judged(
        cases=cases,
        in_node=node,
        in_deno=_judge(folder, [str(deno()), "run", "--no-check", "--allow-read", "judge.mjs"], ".ts", cases),
        catalogs=catalogs,
    )


def _judge(folder: Path, command: list[str], ending: str, cases: list[Case]) -> Any:
    asked = [(one.module, one.kind, one.body) for one in cases]
    (folder / "cases.json").write_text(json.dumps({"ending": ending, "cases": asked}))
    done = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, env=deno_environment(folder)
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _catalog(*, urls: bool) -> Catalog:
    """Job types with bounds and inputs of every kind, side by side."""
    drawn = _some(agreement.job_types("any"), JOB_TYPES)
    one = catalog(*(one.model_copy(update={"id": f"any_{number}"}) for number, one in enumerate(drawn)))
    return replace(one, settings=one.settings.model_copy(update={"input_urls": urls}))


def _wire_cases() -> list[Case]:
    bodies = list(agreement.named_bodies())
    for kind in agreement.RIGHT:
        bodies += [(kind, body) for body in _some(agreement.changed_bodies(kind), CHANGED_OF_EACH)]
    return [
        Case(module="plan", kind=kind, body=body, accepted=agreement.accepts(kind, body))
        for kind, body in bodies
    ]


def _request_cases(catalogs: dict[str, Catalog]) -> list[Case]:
    return [
        Case(module=name, kind="JobRequest", body=body, accepted=agreement.takes(known, body))
        for name, known in catalogs.items()
        for body in _some(agreement.requests([*known.job_types]), REQUESTS)
    ]


def _reason_cases(known: Catalog) -> list[Case]:
    right = {"job_type": "sdxl_image_fast", "prompt": "a harbour"}
    bodies = [right | change for change, _, _ in REASONS]
    return [
        Case(module="plan", kind="JobRequest", body=body, accepted=agreement.takes(known, body))
        for body in bodies
    ]


def _some(bodies: st.SearchStrategy[Any], count: int) -> list[Any]:
    found: list[Any] = []

    @_quietly(count)
    @given(bodies)
    def collect(body: Any) -> None:
        found.append(body)

    collect()
    return found


def _quietly(count: int) -> settings:
    return settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


@pytest.mark.parametrize("runtime", ["in_node", "in_deno"])
def test_both_sides_agree_on_every_case(judged: Judged, runtime: str) -> None:
    verdicts = getattr(judged, runtime)
    differing = [
        (case.module, case.kind, case.body, case.accepted, problems)
        for case, problems in zip(judged.cases, verdicts, strict=True)
        if case.accepted != (problems is None)
    ]
    assert differing == []


def test_many_cases_of_each_kind_are_accepted_and_many_refused(judged: Judged) -> None:
    count = Counter((case.kind, case.accepted) for case in judged.cases)
    few = {key: number for key, number in count.items() if number < 15}
    assert few.keys() <= {("CancelRequest", True), ("DownloadRequest", True)}
    assert count["JobRequest", True] > 150
    assert count["JobRequest", False] > 300


def test_every_refusal_names_a_field_and_a_reason_and_repeats_no_text_of_the_user(judged: Judged) -> None:
    for case, problems in zip(judged.cases, judged.in_node, strict=True):
        for one in problems or []:
            assert set(one) == {"field", "reason"}
            assert "harbour" not in one["reason"]
            assert "example.org" not in one["reason"]
            if isinstance(case.body, dict) and one["field"]:
                top = one["field"].split(".")[0]
                assert top in case.body or one["reason"].startswith("missing")


def test_the_published_schema_of_each_job_type_says_the_same(judged: Judged) -> None:
    schemas = {
        (name, one.id): Draft202012Validator(request_schema(one, input_urls=known.settings.input_urls))
        for name, known in judged.catalogs.items()
        for one in known.job_types.values()
        if one.takes_jobs
    }
    for case in judged.cases:
        if case.kind == "JobRequest" and case.accepted:
            schemas[case.module, case.body["job_type"]].validate(case.body)


def test_a_reason_says_what_was_found_and_what_was_expected(judged: Judged) -> None:
    said = judged.in_node[-len(REASONS) :]
    for (change, field, reason), problems in zip(REASONS, said, strict=True):
        assert problems is not None, change
        assert [(field, one["reason"][: len(reason)]) for one in problems] == [(field, reason)]
        assert problems[0]["field"] == field
