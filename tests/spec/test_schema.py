"""The schemas that editors use: fresh, and of one opinion with the checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from ourvidz.spec.schema import MODELINE, SCHEMA_NAME, job_type_schema, settings_schema
from tests.spec.conftest import spec

REPOSITORY = Path(__file__).parent.parent.parent
JOB_TYPES = sorted((REPOSITORY / "jobtypes").glob("*.yaml"))

job_types = Draft7Validator(job_type_schema())
settings = Draft7Validator(settings_schema())


@pytest.mark.parametrize(
    ("path", "schema", "option"),
    [
        (f"jobtypes/{SCHEMA_NAME}", job_type_schema(), ""),
        ("docs/reference/ourvidz.schema.json", settings_schema(), " --settings"),
    ],
)
def test_the_committed_schema_is_fresh(path: str, schema: object, option: str) -> None:
    committed = json.loads((REPOSITORY / path).read_text())
    assert committed == schema, f"run: ourvidz jobtypes schema{option} > {path}"


def test_the_schemas_are_schemas() -> None:
    Draft7Validator.check_schema(job_type_schema())
    Draft7Validator.check_schema(settings_schema())


@pytest.mark.parametrize("path", JOB_TYPES, ids=lambda path: path.stem)
def test_every_job_type_of_the_repository_names_its_schema_and_fits_it(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(MODELINE + "\n")
    assert [error.message for error in job_types.iter_errors(yaml.safe_load(text))] == []


def test_a_mapping_of_job_types_fits_as_well() -> None:
    one = yaml.safe_load(spec())
    assert job_types.is_valid({"a": one, "b": one})
    assert not job_types.is_valid({"a": one, "B": one})
    assert not job_types.is_valid({"a": {**one, "steps": 0}})


@pytest.mark.parametrize(
    "changed",
    [
        {"steps": 0},
        {"stepz": 1},
        {"expected_time": 5},
        {"expected_time": "5 parsecs"},
        {"resolution": "big"},
        {"strength": 1.5},
        {"content_type": "gif"},
        {"queue": "Paint"},
        {"requires": ["image"]},
    ],
    ids=str,
)
def test_an_editor_refuses_what_validate_refuses(changed: dict[str, object]) -> None:
    assert not job_types.is_valid({**yaml.safe_load(spec()), **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"worker": "paint"},
        {"requires": "init_image_upload"},
        {"batch": [1, 2]},
        {"batch": 1},
        {"fallback": None},
    ],
    ids=str,
)
def test_an_editor_takes_what_validate_takes(changed: dict[str, object]) -> None:
    assert job_types.is_valid({**yaml.safe_load(spec()), **changed})


def test_the_repositorys_settings_fit_their_schema() -> None:
    assert settings.is_valid(yaml.safe_load((REPOSITORY / "ourvidz.yaml").read_text()))
    assert not settings.is_valid({"model": {}})
