"""JSON Schemas for editors: of a job type's file, in both of its forms, and of ``ourvidz.yaml``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from ourvidz.spec.identifiers import IDENTIFIER_PATTERN
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import Settings

#: The name under which the schema lies beside job types.
SCHEMA_NAME = "job-type.schema.json"

#: Makes editors with the YAML language server check a file that begins with it.
MODELINE = f"# yaml-language-server: $schema={SCHEMA_NAME}"

#: What editors understand best.
_DIALECT = "http://json-schema.org/draft-07/schema#"


class _Untitled(GenerateJsonSchema):
    """Leaves out titles, which only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def job_type_schema() -> dict[str, Any]:
    """JSON Schema of a file with one job type, or with a mapping of ids to job types."""
    job_type = _schema_of(JobType)
    definitions = job_type.pop("$defs")
    # The file's name or the key says it.
    job_type["required"].remove("id")
    several = {
        "type": "object",
        "description": "Job types by id.",
        "minProperties": 1,
        "propertyNames": {"pattern": IDENTIFIER_PATTERN},
        "additionalProperties": {"$ref": "#/$defs/JobType"},
    }
    return {
        "$schema": _DIALECT,
        "title": "Job type of ourvidz",
        "description": "Written by `ourvidz jobtypes schema`. Not to be edited.",
        "anyOf": [{"$ref": "#/$defs/JobType"}, several],
        "$defs": {"JobType": job_type, **definitions},
    }


def settings_schema() -> dict[str, Any]:
    """JSON Schema of ``ourvidz.yaml``."""
    about = {
        "$schema": _DIALECT,
        "title": "Settings of ourvidz",
        "description": "Written by `ourvidz jobtypes schema --settings`. Not to be edited.",
    }
    return {**_schema_of(Settings), **about}


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema: dict[str, Any] = _without_bounds(model.model_json_schema(schema_generator=_Untitled))
    return schema


def _without_bounds(node: Any) -> Any:
    """Drop pydantic's bounds of quantities, which are texts here and have no such keyword."""
    if isinstance(node, list):
        return [_without_bounds(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {key: _without_bounds(one) for key, one in node.items() if key not in ("gt", "ge", "lt", "le")}
