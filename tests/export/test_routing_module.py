"""The generated module in the hands of the real compiler and of node.

One compiler run takes all modules, so that the layer's tests stay quick.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import Phase, given, settings

from ourvidz.export.routing import PLAN_TYPES, TABLE_TYPES, as_json, as_typescript, routing
from ourvidz.jobs import requests
from ourvidz.runtime.client import JobStatus
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import Limits
from ourvidz.spec.settings import Settings
from tests.export.catalogs import PHASE_1, PHASE_2, catalog, job_type
from tests.export.compilation import check_with_deno, compile_modules, evaluate
from tests.export.hostile import HOSTILE_TEXTS, catalogs

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
HOSTILE_CATALOGS = 25

PLAN = catalog(*PHASE_1, *PHASE_2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """What became of all modules at once."""

    catalogs: dict[str, Catalog]
    exports: dict[str, dict[str, Any]]
    complaints: str
    complaints_of_deno: str


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compilation:
    folder = tmp_path_factory.mktemp("routing")
    named = {"routing": PLAN, "empty": catalog()}
    named |= {f"hostile_{index}": one for index, one in enumerate(_hostile_catalogs())}
    sources = {f"{name}.ts": as_typescript(one) for name, one in named.items()}
    sources["consumer.ts"] = (HERE / "consumer.ts").read_text()
    sources |= _edge_functions_of_the_documentation()
    complaints = compile_modules(folder, sources)
    return Compilation(
        catalogs=named,
        exports=evaluate(folder, list(named)),
        complaints=complaints,
        complaints_of_deno=check_with_deno(folder, sources),
    )


def _hostile_catalogs() -> list[Catalog]:
    display = [{"name": text, "badge": text} for text in HOSTILE_TEXTS]
    found = [catalog(*(job_type(f"hostile_{i}", display=one) for i, one in enumerate(display)))]

    @settings(max_examples=HOSTILE_CATALOGS, database=None, derandomize=True, phases=[Phase.generate])
    @given(catalogs)
    def collect(one: Catalog) -> None:
        found.append(one)

    collect()
    return found


def _edge_functions_of_the_documentation() -> dict[str, str]:
    page = (REPOSITORY / "docs" / "reference" / "routing.md").read_text()
    examples = re.findall(r"```typescript\n// (\S+\.ts)\n(.*?)```", page, re.DOTALL)
    shared = {"supabase/functions/_shared/routing.ts": as_typescript(PLAN)}
    return shared | {name: f"{text}export {{}};\n" for name, text in examples}


def test_strict_tsc_has_no_complaint(compiled: Compilation) -> None:
    assert compiled.complaints == ""


def test_deno_check_has_no_complaint(compiled: Compilation) -> None:
    assert compiled.complaints_of_deno == ""


def test_the_hostile_catalogs_are_many(compiled: Compilation) -> None:
    assert len(compiled.catalogs) > HOSTILE_CATALOGS


def test_node_reads_the_same_tables_as_the_json_format_has(compiled: Compilation) -> None:
    for name, one in compiled.catalogs.items():
        from_json = json.loads(as_json(one))
        assert from_json.pop("JobType") == list(routing(one)["WORKER_TYPES"])
        assert from_json.pop("JobStatus")["type"] == "object"
        exported = compiled.exports[name]
        assert {table: exported[table] for table in from_json} == from_json


def test_hostile_texts_arrive_as_they_were_written(compiled: Compilation) -> None:
    names = [entry["name"] for entry in compiled.exports["hostile_0"]["JOB_TYPES"]]
    assert sorted(names) == sorted(HOSTILE_TEXTS)


def test_the_tables_say_what_the_catalog_says(compiled: Compilation) -> None:
    for name, one in compiled.catalogs.items():
        exported = compiled.exports[name]
        met = {key: spec for key, spec in one.job_types.items() if spec.status != "planned"}
        assert exported["SPECS"].keys() == met.keys()
        for key, spec in met.items():
            said = exported["SPECS"][key]
            assert said["digest"] == spec.digest
            assert said["queue"] == spec.queue
            assert said["storage_bucket"] == spec.storage_bucket
            assert said["timeout"] == spec.timeout_seconds
            assert tuple(said["batch"]) == spec.batch_sizes
            assert tuple(said["requires"]) == spec.required_inputs
            assert (said["worker"], said["status"]) == (spec.worker, spec.status)
            assert (said["content_type"], said["quality_tier"]) == (spec.content_type, spec.quality_tier)
            assert said["expected_time"] == spec.expected_time
            assert said["max_attempts"] == spec.max_attempts
            assert said["limits"] == one.limits(spec).model_dump()
            assert said["params"].keys() == spec.params.keys()
            for parameter, bound in spec.params.items():
                lowest, highest = (said["params"][parameter].get(key) for key in ("minimum", "maximum"))
                assert bound.min is None or lowest == bound.min, (key, parameter)
                assert bound.max is None or highest == bound.max, (key, parameter)
        assert exported["QUEUES"].keys() == one.queues.keys()
        for queue, entry in one.queues.items():
            said = exported["QUEUES"][queue]
            assert (said["purpose"], said["polling_interval"]) == (entry.purpose, entry.polling_interval)
            assert said["push"] == {"left": "LPUSH", "right": "RPUSH"}[entry.push]
        assert exported["BUCKETS"].keys() == one.buckets.keys()
        for bucket, rules in one.buckets.items():
            said = exported["BUCKETS"][bucket]
            assert tuple(said["file_types"]) == rules.file_types
            assert (said["max_size"], said["privacy"]) == (rules.max_size, rules.privacy)
        assert exported["CATALOG_DIGEST"] == one.digest
        waiting = {(queue, key) for queue, said in exported["QUEUES"].items() for key in said["job_types"]}
        assert waiting == {(spec.queue, key) for key, spec in met.items() if spec.takes_jobs}


def test_limits_of_the_settings_hold_where_a_job_type_gives_none() -> None:
    settings = Settings(limits=Limits(waiting=5, per_minute=30))
    two = replace(catalog(job_type("a"), job_type("b", limits={"waiting": 1})), settings=settings)
    specs = routing(two)["SPECS"]
    assert specs["a"]["limits"] == {"waiting": 5, "per_minute": 30}
    assert specs["b"]["limits"]["waiting"] == 1


def test_an_empty_catalog_has_empty_tables(compiled: Compilation) -> None:
    empty = {name: compiled.exports["empty"][name] for name in ("SPECS", "QUEUES", "BUCKETS", *PLAN_TYPES)}
    assert empty == {
        "SPECS": {},
        "QUEUES": {},
        "BUCKETS": {},
        "QUEUE_ROUTING": {},
        "PHASE_2_ROUTING": {},
        "STORAGE_BUCKET_MAPPING": {},
        "COMPLETION_TIMES": {},
        "JOB_TYPES": [],
        "FALLBACK_STRATEGIES": {},
        "WORKER_TYPES": {},
    }


def test_the_module_imports_nothing() -> None:
    assert not re.search(r"\b(import|require)\b", as_typescript(PLAN))


def test_the_header_names_the_catalog_and_the_command_and_no_time() -> None:
    header = as_typescript(PLAN).splitlines()[:2]
    assert header == [
        f"// Generated by `ourvidz export-routing` from the catalog {PLAN.digest}.",
        "// Not to be edited: change the job types and run it again.",
    ]
    assert as_typescript(PLAN) == as_typescript(catalog(*PHASE_2, *PHASE_1))


def test_a_status_is_described_for_other_languages() -> None:
    schema = json.loads(as_json(PLAN))["JobStatus"]
    status = {"jobId": "1", "jobType": "video_fast", "status": "queued", "estimatedTime": 180.5}
    jsonschema.validate(status | {"workerType": "WAN", "queuePosition": 3}, schema)
    with pytest.raises(jsonschema.ValidationError, match="workerType"):
        jsonschema.validate(status, schema)
    with pytest.raises(jsonschema.ValidationError, match="video_fats"):
        jsonschema.validate(status | {"workerType": "WAN", "jobType": "video_fats"}, schema)


def test_the_command_line_shows_a_status_with_the_same_fields() -> None:
    shown = {field.serialization_alias or name for name, field in JobStatus.model_fields.items()}
    assert {field.alias or name for name, field in requests.JobStatus.model_fields.items()} <= shown


def test_json_is_one_object_with_the_plans_names_as_keys() -> None:
    assert set(json.loads(as_json(PLAN))) == {
        *TABLE_TYPES,
        "QUEUE_ROUTING",
        "PHASE_2_ROUTING",
        "STORAGE_BUCKET_MAPPING",
        "COMPLETION_TIMES",
        "JOB_TYPES",
        "FALLBACK_STRATEGIES",
        "WORKER_TYPES",
        "JobType",
        "JobStatus",
    }
