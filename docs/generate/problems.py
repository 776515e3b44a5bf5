"""The table of the codes that problems of job types and settings have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ourvidz
from ourvidz.spec.validation import CODES, OTHER_CODE

from .tables import code, table

#: Where a call that reports a problem has its code.
_REPORTERS = {"Finding": 1, "Problem": 6, "problem": 1, "_refused": 1, "_report": 1}

_MEANINGS = {
    "alias": "An anchor or an alias of YAML.",
    "bad_bounds": "Bounds that allow nothing, or both a range and choices.",
    "bad_name": "A name that is none everywhere: in SQL, TypeScript and a path.",
    "bad_value": "A value that the field does not take.",
    "batch_unsupported": "A number of results at once that the model family does not make.",
    "bucket_conflict": "A bucket that does not take what the job type makes.",
    "bucket_of_inputs": "Results in the bucket that users put their own pictures into.",
    "content_unsupported": "The model family does not make such content.",
    "duplicate_id": "Two job types of one id.",
    "duplicate_key": "A key twice in one mapping.",
    "empty_file": "A file that says nothing.",
    "empty_value": "A key with nothing behind it.",
    "encoding": "Bytes that are not UTF-8, or a byte order mark.",
    "fallback_content_type": "A fallback that makes something else.",
    "fallback_lacks_batch": "A fallback that does not offer every batch of its job type.",
    "fallback_loop": "Fallbacks that lead back to where they began.",
    "fallback_needs_input": "A fallback that needs an input which its job type does not require.",
    "fallback_takes_no_jobs": "A fallback that is planned or retired.",
    "file_ending": "A file that ends in something else than `.yaml`.",
    "file_too_large": "A file too large for a spec.",
    "id_mismatch": "An id that differs from its file's name or its block's key.",
    "init_image_unused": "Rules for an init image that no request can bring along.",
    "input_unsupported": "The model family does not start from such an input.",
    "key_not_a_text": "A key that is a number, a list or nothing.",
    "length_invalid": "A number of frames that the content cannot have.",
    "length_missing": "A video without duration and frames.",
    "missing_key": "A key that every such block has.",
    "model_of_another_family": "A model that the job type's worker does not run.",
    "no_job_types": "A folder without a job type.",
    "no_steps_left": "A strength of which no step is left.",
    "not_a_file": "Something else where a file is expected.",
    "not_a_mapping": "A list or a single value where fields are expected.",
    "out_of_range": "A number or a text beyond the field's bounds.",
    "own_value_out_of_bounds": "Bounds for requests that leave out the job type's own value.",
    "parameter_refused": "A value, or a bound for requests, that the model family does not take.",
    "parameter_unconsumed": "A parameter that would have no effect.",
    "queue_of_two_workers": "A queue that another worker serves already.",
    "queue_replaced": "A queue that another one replaces.",
    "several_documents": "More than one document in a file.",
    "size_unsupported": "A resolution that is none of the model's.",
    "strength_missing": "An init image, and nothing that says how much of it is repainted.",
    "unknown_scheme": "A backend's URL with a scheme that no plugin serves.",
    "strength_without_image": "A strength without an init image.",
    "syntax": "Broken YAML.",
    "tab": "A tab where only spaces may stand.",
    "tag": "A tag of YAML.",
    "too_deep": "Mappings and lists in each other beyond any need.",
    "unknown_choice": "None of the values that the field has.",
    "unknown_fallback": "A fallback that does not exist.",
    "unknown_key": "A key that no such block has.",
    "unknown_model": "A model that `ourvidz.yaml` does not have.",
    "unknown_profile": "A profile that `ourvidz.yaml` does not have.",
    "unknown_worker": "A worker that no plugin offers.",
    "unprintable": "A character that editors do not show.",
    "unreadable": "A file or a folder that cannot be read.",
    "video_only": "A field of videos in a picture.",
    "vram_exceeded": "A model that, with the work of a job, takes more memory than its worker has.",
    "vram_invalid": "A peak that is less than the model, which it includes.",
    "vram_unknown": "A worker with declared memory, and a model of which nobody says what it takes.",
    "yaml_trap": "A plain text that YAML's versions read as different things.",
}


def parts() -> dict[str, str]:
    differing = set(_codes()) ^ set(_MEANINGS)
    if differing:
        raise ValueError(
            f"a problem's code without a meaning, or the reverse: {', '.join(sorted(differing))}"
        )
    return {"problems": table(("code", "meaning"), [(code(name), text) for name, text in _MEANINGS.items()])}


def _codes() -> Iterator[str]:
    """Every code that the sources have."""
    yield OTHER_CODE
    yield from CODES.values()
    package = Path(ourvidz.__file__).parent
    for path in (*package.glob("spec/*.py"), *package.glob("plugins/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _reported(node)


def _reported(call: ast.Call) -> Iterator[str]:
    """The codes that one call may report, written out in it."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    at = _REPORTERS.get(name)
    if at is not None and len(call.args) > at:
        for node in ast.walk(call.args[at]):
            if isinstance(node, ast.Constant):
                yield str(node.value)
