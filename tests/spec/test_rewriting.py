"""One value of a file changes, and nothing else."""

from __future__ import annotations

import pytest

from ourvidz.spec.rewriting import CannotRewrite, with_quantity

TIME = ("expected_time",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# why\nsteps: 4\nexpected_time: 5s   # not 6s\nqueue: a\n",
            "# why\nsteps: 4\nexpected_time: 7.5s   # not 6s\nqueue: a\n",
        ),
        ("expected_time:   '5 min'\r\nqueue: a\r\n", "expected_time:   7.5s\r\nqueue: a\r\n"),
        ('{queue: a, expected_time: "250ms", steps: 5}', "{queue: a, expected_time: 7.5s, steps: 5}"),
        ("expected_time: 5s", "expected_time: 7.5s"),
    ],
)
def test_everything_around_a_value_stays(before: str, after: str) -> None:
    assert with_quantity(before.encode(), "a.yaml", TIME, "7.5s") == after.encode()


def test_a_value_within_a_block_is_found_by_its_path() -> None:
    before = b"a:\n  expected_time: 5s\nb:\n  expected_time: 5s\n"
    after = b"a:\n  expected_time: 5s\nb:\n  expected_time: 9s\n"
    assert with_quantity(before, "a.yaml", ("b", *TIME), "9s") == after


@pytest.mark.parametrize(
    "text",
    [
        "expected_time: >-\n  5s\n",
        "queue: a\n",
        "expected_time: 5s\nexpected_time: 6s\n",
        'expected_time: "\\x35s"\n',
    ],
)
def test_what_cannot_be_changed_in_its_place_is_refused(text: str) -> None:
    with pytest.raises(CannotRewrite, match=r"a\.yaml:.*write 9s there yourself"):
        with_quantity(text.encode(), "a.yaml", TIME, "9s")
