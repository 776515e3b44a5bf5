"""Strict YAML: values with positions, and everything that is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ourvidz.spec.strict_yaml import MAX_SIZE, parse_document, read_document


def test_values_and_keys_have_places() -> None:
    document = parse_document(
        b"# name\nsteps: 15\nparams:\n  steps: {min: 1, max: 30}\nloras:\n- file: a\n", "x.yaml"
    )
    assert document.problems == []
    assert document.content == {
        "steps": 15,
        "params": {"steps": {"min": 1, "max": 30}},
        "loras": [{"file": "a"}],
    }
    assert document.value_position(("steps",)) == (2, 8)
    assert document.value_position(("params", "steps", "max")) == (4, 24)
    assert document.key_position(("params", "steps")) == (4, 3)
    assert document.value_position(("loras", 0, "file")) == (6, 9)


def test_columns_count_characters() -> None:
    document = parse_document("{\"ä\": 'öü', b: 1}".encode(), "x.yaml")
    assert document.value_position(("b",)) == (1, 16)


def test_the_place_of_what_is_absent_is_what_is_around_it() -> None:
    document = parse_document(b"a:\n  b: 1\n", "x.yaml")
    assert document.value_position(("a", "c")) == (1, 1)
    assert document.value_position(("a", "b", "c")) == (2, 3)


BROKEN = [
    ("a duplicate key", b"steps: 1\nguidance: 2\nsteps: 3\n", 3, 1, "duplicate_key"),
    ("base 60", b"a: 16:9\n", 1, 4, "yaml_trap"),
    ("octal", b"a: 015\n", 1, 4, "yaml_trap"),
    ("a word for false", b"a:\n- no\n", 2, 3, "yaml_trap"),
    ("an exponent", b"a: 1e3\n", 1, 4, "yaml_trap"),
    ("not a number", b"a: .nan\n", 1, 4, "yaml_trap"),
    ("a key that is a trap", b"on: 1\n", 1, 1, "yaml_trap"),
    ("a merge", b"a: 1\n<<: {b: 1}\n", 2, 1, "yaml_trap"),
    ("a tab as indentation", b"a:\n\tb: 1\n", 2, 1, "tab"),
    ("a tab before a value", b"a:\tb\n", 1, 3, "tab"),
    ("an anchor", b"a: &x 1\n", 1, 4, "alias"),
    ("a tag", b"a: !!str 1\n", 1, 4, "tag"),
    ("an empty file", b"", 1, 1, "empty_file"),
    ("comments alone", b"# nothing\n", 1, 1, "empty_file"),
    ("a list", b"- a\n- b\n", 1, 1, "not_a_mapping"),
    ("a single value", b"hello\n", 1, 1, "not_a_mapping"),
    ("Latin-1", "a: 1\nb: ü\n".encode("latin-1"), 2, 4, "encoding"),
    ("a byte order mark", b"\xef\xbb\xbfa: 1\n", 1, 1, "encoding"),
    ("UTF-16", "a: 1\n".encode("utf-16"), 1, 1, "encoding"),
    ("a control character", b"a: 'x\x07'\n", 1, 6, "unprintable"),
    ("an invisible line break", "a: 'x\u2028'\n".encode(), 1, 6, "unprintable"),
    ("two documents", b"a: 1\n---\nb: 2\n", 2, 1, "several_documents"),
    ("a key that is a list", b"? [a]\n: b\n", 1, 3, "key_not_a_text"),
    ("a key that is a number", b"5: b\n", 1, 1, "key_not_a_text"),
    ("broken YAML", b"a: [1\nb: 2\n", 2, 2, "syntax"),
    ("a colon too many", b"a: b: c\n", 1, 5, "syntax"),
    ("deep nesting", b"a: " + b"[" * 500_000, 1, 15, "too_deep"),
]


@pytest.mark.parametrize(
    ("data", "line", "column", "code"), [pytest.param(*row[1:], id=row[0]) for row in BROKEN]
)
def test_is_refused_at_its_place(data: bytes, line: int, column: int, code: str) -> None:
    (problem,) = parse_document(data, "jobtypes/x.yaml").problems
    assert (problem.line, problem.column, problem.code) == (line, column, code)
    assert str(problem).startswith(f"jobtypes/x.yaml:{line}:{column}: ")


def test_an_alias_bomb_is_refused_without_being_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    document = parse_document("\n".join(lines).encode(), "x.yaml")
    assert {problem.code for problem in document.problems} == {"alias"}
    assert len(document.positions) < 200


def test_tabs_in_comments_do_no_harm() -> None:
    assert parse_document(b"# a\tb\na: 1 #\tc\n", "x.yaml").content == {"a": 1}


def test_all_problems_of_a_file_are_found() -> None:
    document = parse_document(b"a: 015\nb: no\na: 1\nc: *d\n", "x.yaml")
    assert [(one.line, one.code) for one in document.problems] == [
        (1, "yaml_trap"),
        (2, "yaml_trap"),
        (3, "duplicate_key"),
        (4, "alias"),
    ]


def test_ten_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with path.open("wb") as file:
        file.truncate(10 * MAX_SIZE)
    (problem,) = read_document(path).problems
    assert problem.code == "file_too_large"
    assert problem.found == f"{10 * MAX_SIZE} bytes"


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a link to nowhere"])
def test_what_is_not_a_file_is_a_problem(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.yaml"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
    (problem,) = read_document(path).problems
    assert problem.code == ("unreadable" if kind == "a link to nowhere" else "not_a_file")


def test_a_long_value_is_not_repeated_in_full() -> None:
    (problem,) = parse_document(b"a: " + b"1" * 100_000, "x.yaml").problems
    assert len(str(problem)) < 300
