"""Whatever stands in a file: problems or a job type, never another exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ourvidz.spec.checks import build_catalog
from ourvidz.spec.job_type import JobType
from ourvidz.spec.loading import Sources, read_sources
from ourvidz.spec.problems import SpecInvalid
from ourvidz.spec.strict_yaml import parse_document
from tests.spec.conftest import FAMILIES, PLAIN, spec


def read(data: bytes) -> Sources:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.yaml").write_bytes(data)
        return read_sources(Path(folder), None)


def judge(data: bytes) -> None:
    """Fails if a file gives neither a catalog nor problems with positions inside of it."""
    try:
        assert build_catalog(read(data), FAMILIES).job_types
    except SpecInvalid as error:
        problems = error.problems
    else:
        return
    lines = data.count(b"\n") + data.count(b"\r") + 2
    assert problems
    for problem in problems:
        assert 1 <= problem.line <= lines
        assert problem.column >= 1
        assert "\n" not in str(problem)


@given(st.binary(max_size=300))
@example(b"a: !!binary x")
@example(b"? ")
@example(b"--- |\n x")
@example(b"%YAML 9.9\n---\na: 1")
def test_any_bytes_are_a_job_type_or_have_problems(data: bytes) -> None:
    judge(data)


#: Texts of YAML's own characters, which get further than random bytes.
yaml_texts = st.text(alphabet="ab:-?[]{},&*!|>'\"#%@` \n\t~0.1x=<", max_size=60)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | yaml_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from([*JobType.model_fields, "stepz"])


@given(fields, yaml_texts)
def test_any_text_as_a_value_is_taken_or_has_problems(field: str, text: str) -> None:
    judge(spec(**{field: text}).encode())


@given(st.dictionaries(fields, values, max_size=4))
def test_any_value_of_any_field_is_taken_or_has_problems(changed: dict[str, object]) -> None:
    judge(json.dumps({**yaml.safe_load(spec()), **changed}).encode())


names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
seconds = st.integers(1, 10**6).map(lambda number: f"{number}s")
texts = st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=30)
job_types = st.fixed_dictionaries(
    {
        "id": names,
        "worker": st.sampled_from(["PAINT", "film"]),
        "queue": names,
        "content_type": st.sampled_from(["image", "video"]),
        "resolution": st.builds("{}x{}".format, st.integers(1, 9999), st.integers(1, 9999)),
        "steps": st.integers(1, 1000),
        "guidance": st.floats(0, 50, allow_subnormal=False).map(lambda number: round(number, 3)),
        "expected_time": seconds,
        "storage_bucket": names,
        "quality_tier": names,
    },
    optional={
        "duration": seconds,
        "frames": st.integers(1, 1000),
        "strength": st.sampled_from([0.25, 1.0]),
        "requires": st.just("init_image_upload"),
        "negative_prompt": texts,
        "display": st.builds(lambda name, badge: {"name": name, "badge": badge}, texts, texts),
        "batch": st.lists(st.integers(1, 16), max_size=3),
        "params": st.dictionaries(names, st.just({"choices": ["a", 1, 0.5, True]}), max_size=2),
        "vram": st.builds(lambda size: {"peak": f"{size}MB"}, st.integers(1, 10**6)),
    },
)


@given(job_types)
def test_a_job_type_written_as_yaml_is_read_back_equal(values: dict[str, object]) -> None:
    job_type = JobType.model_validate(values)
    written = job_type.model_dump(mode="json", exclude_none=True)
    text = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in written.items())
    document = parse_document(text.encode(), "x.yaml")
    assert document.problems == []
    again = JobType.model_validate(document.content)
    assert again == job_type
    assert again.digest == job_type.digest


@given(job_types)
def test_a_job_type_written_as_json_is_read_back_equal(values: dict[str, object]) -> None:
    job_type = JobType.model_validate(values)
    again = JobType.model_validate(json.loads(job_type.model_dump_json()))
    assert again == job_type
    assert again.digest == job_type.digest


def test_the_plain_job_type_of_these_tests_is_sound() -> None:
    assert set(PLAIN) <= set(JobType.model_fields)
    judge(spec().encode())
