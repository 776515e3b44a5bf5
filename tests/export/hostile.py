"""Texts that would break out of a careless generator."""

from __future__ import annotations

from hypothesis import strategies as st

from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import Display, JobType
from tests.export.catalogs import catalog, job_type

HOSTILE_TEXTS = (
    '"; throw new Error("out"); "',
    "'; throw new Error('out'); '",
    "`${process.exit(1)}`",
    "*/ throw new Error('out'); /*",
    "</script><script>",
    "<!--",
    "line\nbreak",
    "carriage\rreturn",
    "line\u2028separator",
    "paragraph\u2029separator",
    "\\",
    '\\"',
    "\\u0022",
    "nul\x00",
    "\u202egnp.elif",
    "\ufeff",
    "// comment",
    "pêche 🍑",
    "__proto__",
)

_texts = st.sampled_from(HOSTILE_TEXTS) | st.text(min_size=1)
_ids = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True) | st.sampled_from(
    ["constructor", "prototype", "default", "class", "a__proto__"]
)


_params = st.dictionaries(
    _ids | st.sampled_from(["steps", "scheduler"]),
    st.fixed_dictionaries({"choices": st.lists(_texts | st.booleans() | st.integers(), max_size=3)}),
    max_size=2,
)


@st.composite
def _job_types(draw: st.DrawFn, ids: list[str]) -> list[JobType]:
    return [
        job_type(
            name,
            worker=draw(st.sampled_from(["SDXL", "WAN", "NULL"])),
            queue=draw(_ids),
            storage_bucket=draw(_ids),
            expected_time=draw(st.floats(0.001, 1e9)),
            phase=draw(st.sampled_from([1, 2])),
            params=draw(_params),
            negative_prompt=draw(st.none() | _texts),
            batch=draw(st.sampled_from([(), (1,), (2, 16)])),
            limits=draw(st.sampled_from([None, {"waiting": 3}])),
            status=draw(st.sampled_from(["active", "planned", "retired"])),
            fallback=draw(st.none() | st.sampled_from(ids)),
            display=Display(name=draw(_texts)[:80], badge=draw(_texts)[:40]),
        )
        for name in ids
    ]


#: Catalogs as hostile as a spec can be, small enough to compile many of them.
catalogs: st.SearchStrategy[Catalog] = (
    st.lists(_ids, max_size=4, unique=True).flatmap(_job_types).map(lambda some: catalog(*some))
)
