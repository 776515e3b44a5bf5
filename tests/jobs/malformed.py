"""Payloads that are almost jobs, and payloads that are nothing like it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.conformance.jobs import envelope
from tests.jobs.deployed_payloads import JULY_2025, LATEST, encoded, wrapped

_SHAPES: list[dict[str, Any]] = [json.loads(envelope(1).to_payload()), JULY_2025, LATEST]

_ODD: list[Any] = [None, True, -1, 2**70, 1e308, "", "\0", "\ud800", "x" * 11_000, [], {}, [[[]]], {"": {}}]

_VALUES = st.one_of(
    st.sampled_from(_ODD),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
)


@st.composite
def _almost(draw: st.DrawFn) -> bytes:
    """One of the three shapes with some fields changed, removed or added, perhaps wrapped or cut."""
    fields = dict(draw(st.sampled_from(_SHAPES)))
    known = sorted({name for shape in _SHAPES for name in shape} | {"config", "params", "inputs", "seed"})
    for name in draw(st.lists(st.sampled_from(known) | st.text(max_size=8), max_size=4)):
        if draw(st.booleans()):
            fields[name] = draw(_VALUES)
        else:
            fields.pop(name, None)
    encode = draw(st.sampled_from([_escaped, _escaped, encoded_or_escaped, wrapped_or_escaped]))
    payload = encode(fields)
    if draw(st.integers(0, 9)) == 0:
        payload = payload[: draw(st.integers(0, len(payload)))]
    return payload


def _escaped(fields: object) -> bytes:
    return json.dumps(fields).encode()


def encoded_or_escaped(fields: object) -> bytes:
    """UTF-8, unless half a surrogate pair is in it, which only an escape can carry."""
    try:
        return encoded(fields)
    except UnicodeEncodeError:
        return _escaped(fields)


def wrapped_or_escaped(fields: object) -> bytes:
    try:
        return wrapped(fields)
    except UnicodeEncodeError:
        return _escaped([json.dumps(fields)])


def malformed_payloads() -> st.SearchStrategy[bytes]:
    """Some of them turn out to be right."""
    return st.one_of(st.binary(max_size=200), _VALUES.map(_escaped), _almost())
