"""One file, one job type: what each field takes, and how a problem with it reads."""

from __future__ import annotations

import pytest

from tests.spec.conftest import Write, build, only_problem, problems

UNITS = [
    ("expected_time", "5"),
    ("expected_time", "5.0"),
    ("expected_time", "5 parsecs"),
    ("timeout", "5m"),
    ("vram", "{peak: 10}"),
    ("vram", "{peak: 10.5XB}"),
    ("resolution", "1024"),
    ("resolution", "1024 x 1024"),
    ("resolution", "512x0"),
]

VALUES = [
    ("steps", "0", "out_of_range"),
    ("steps", "-3", "out_of_range"),
    ("steps", "1001", "out_of_range"),
    ("steps", "15.5", "bad_value"),
    ("steps", '"15"', "bad_value"),
    ("steps", "true", "bad_value"),
    ("steps", "[15]", "bad_value"),
    ("steps", "null", "bad_value"),
    ("steps", "1e3", "yaml_trap"),
    ("resolution", "16:9", "yaml_trap"),
    ("guidance", "-0.5", "out_of_range"),
    ("guidance", "50.5", "out_of_range"),
    ("guidance", ".nan", "yaml_trap"),
    ("strength", "0.0", "out_of_range"),
    ("strength", "1.5", "out_of_range"),
    ("duration", "0s", "out_of_range"),
    ("content_type", "picture", "unknown_choice"),
    ("status", "off", "yaml_trap"),
    ("phase", "3", "unknown_choice"),
    ("requires", "init_image", "unknown_choice"),
    ("queue", "Paint-Queue", "bad_value"),
    ("storage_bucket", "sketches/fast", "bad_value"),
    ("quality_tier", "2nd", "bad_value"),
    ("fallback", "image fast", "bad_value"),
    ("worker", "9", "bad_value"),
    ("negative_prompt", "5", "bad_value"),
]


@pytest.mark.parametrize(("field", "value", "code"), [*VALUES, *((*unit, "bad_value") for unit in UNITS)])
def test_a_wrong_value_is_found_at_its_place(write: Write, field: str, value: str, code: str) -> None:
    text = write("x.yaml", **{field: value}).read_text()
    line = next(n for n, one in enumerate(text.splitlines(), 1) if one.startswith(f"{field}: "))
    problem = only_problem()
    column = len(field) + (10 if value.startswith("{peak") else 3)
    assert (problem.file, problem.line, problem.column, problem.code) == (
        "jobtypes/x.yaml",
        line,
        column,
        code,
    )
    assert problem.expected


@pytest.mark.parametrize(
    ("field", "value", "reads"),
    [
        ("steps", "0", "5:8: steps: found 0, expected a whole number from 1 to 1000"),
        ("strength", "2", "10:11: strength: found 2, expected a number above 0 and up to 1"),
        ("content_type", "gif", "3:15: content_type: found gif, expected one of image, video"),
        (
            "resolution",
            "big",
            "4:13: resolution: found big, expected WIDTHxHEIGHT in pixels, such as 1024x1024",
        ),
        (
            "expected_time",
            "5",
            "7:16: expected_time: found 5 (the unit is missing), "
            "expected a time with its unit, such as 5s, 250ms, 2min or 1h",
        ),
        (
            "expected_time",
            "016:9",
            "7:16: expected_time: found 016:9, which some readers take for 969, in base 60, "
            'expected a number in plain digits, or "016:9" in quotes for a text',
        ),
    ],
)
def test_a_problem_reads_as_a_sentence(write: Write, field: str, value: str, reads: str) -> None:
    write("x.yaml", **{field: value})
    assert str(only_problem()) == f"jobtypes/x.yaml:{reads}"


def test_an_unknown_key_is_refused_and_the_nearest_known_one_offered(write: Write) -> None:
    write("x.yaml", stepz="5")
    assert str(only_problem()) == (
        "jobtypes/x.yaml:10:1: stepz: found an unknown key, expected a known one; did you mean steps?"
    )


def test_an_unknown_key_deeper_down_is_found_there(write: Write) -> None:
    write("x.yaml", params="{steps: {mim: 1}}")
    problem = only_problem()
    assert (problem.line, problem.column, problem.field) == (10, 18, "params.steps.mim")
    assert "did you mean min?" in problem.expected


def test_a_missing_key_is_named(write: Write) -> None:
    write("x.yaml", steps=None)
    assert str(only_problem()) == (
        "jobtypes/x.yaml:1:1: steps: found no such key, expected a whole number from 1 to 1000"
    )


def test_a_value_that_was_forgotten_is_a_problem(write: Write) -> None:
    write("x.yaml", strength="")
    problem = only_problem()
    assert (problem.line, problem.column, problem.code) == (10, 1, "empty_value")
    assert problem.expected == "a number above 0 and up to 1, or no such line"


def test_null_is_the_absence_of_an_optional_value(write: Write) -> None:
    write("x.yaml", strength="null", fallback="null")
    assert build()["x"].strength is None


def test_an_empty_section_is_an_absent_one(write: Write) -> None:
    write("x.yaml", params="\n  # steps: {min: 1}")
    assert build()["x"].params == {}


def test_all_problems_of_a_file_come_in_its_order(write: Write) -> None:
    write("x.yaml", content_type="gif", steps="0", guidance="015", stepz="1")
    assert [problem.field for problem in problems()] == ["content_type", "steps", "guidance", "stepz"]


def test_one_value_stands_for_a_list_of_one(write: Write) -> None:
    write(
        "x.yaml", requires="init_image_upload", strength="0.5", batch="1", params="{scheduler: {choices: a}}"
    )
    job_type = build()["x"]
    assert job_type.requires == ("init_image_upload",)
    assert job_type.batch == (1,)
    assert job_type.params["scheduler"].choices == ("a",)


def test_the_worker_is_matched_without_regard_to_case(write: Write) -> None:
    write("x.yaml", worker="Paint")
    assert build()["x"].worker == "PAINT"
    assert build()["x"].family == "paint"


def test_a_long_or_secret_value_is_not_repeated(write: Write) -> None:
    write("x.yaml", queue='"https://name:secret@example.org/' + "x" * 500 + '"')
    assert "secret" not in str(only_problem())
    assert len(only_problem().found) < 80
