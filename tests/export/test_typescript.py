"""Whatever a value says, it stays inside its literal."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ourvidz.export.typescript import interface, literal, union
from tests.export.hostile import HOSTILE_TEXTS

LONE_SURROGATES = ("\ud800", "half a peach \udf51")
any_text = st.text() | st.sampled_from(HOSTILE_TEXTS + LONE_SURROGATES)
any_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
)


@given(any_value)
def test_a_literal_reads_back_as_the_value_it_was_written_for(value: object) -> None:
    assert json.loads(literal(value)) == value


@given(any_text)
def test_a_text_becomes_one_line_of_plain_ascii_without_markup(text: str) -> None:
    written = literal(text)
    assert written.isascii()
    assert written.isprintable()
    assert "<" not in written


@given(any_text)
def test_only_an_escaped_quote_stands_between_a_texts_quotes(text: str) -> None:
    inside = literal(text)[1:-1]
    assert '"' not in inside.replace("\\\\", "").replace('\\"', "")


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_number_that_json_does_not_have_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        literal(number)


def test_a_union_of_nothing_is_never() -> None:
    assert union("JobType", []) == "export type JobType = never;\n"


def test_a_field_that_may_be_absent_keeps_its_question_mark() -> None:
    fields = {"id": ("string", "Its name."), "position?": ("number", "From 1.")}
    assert interface("Place", fields) == (
        "export interface Place {\n  /** Its name. */\n  readonly id: string;\n"
        "  /** From 1. */\n  readonly position?: number;\n}\n"
    )
