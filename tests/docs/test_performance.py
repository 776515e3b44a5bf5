"""Figures in docs/performance.md are those of a report that `ourvidz bench --json` printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.generate import performance
from ourvidz.jobs.results import Asset, Result
from ourvidz.runtime.bench.measurements import Measurement, Run, report


def run(*, denoise: float, total: float) -> Run:
    asset = Asset(
        bucket="b",
        path="p",
        mime="video/mp4",
        size=3 * 2**20,
        sha256="0" * 64,
        type="video",
        index=0,
        seed=1,
        width=832,
        height=480,
    )
    result = Result(
        job_type="film",
        effective_job_type="film",
        spec_digest="sha256:" + "0" * 64,
        submitted_digest=None,
        attempt=1,
        assets=(asset,),
        parameters={"resolution": "832x480", "frames": 81, "steps": 25, "seeds": [1]},
        fingerprint={"device": "Some GPU", "precision": "bf16", "libraries": {"torch": "2.9"}},
        reviews={},
        seconds={"denoise": denoise, "load": 0.0, "generate": denoise},
        peak_memory=12 * 2**30,
    )
    return Run(seed=1, total=total, result=result)


def write(folder: Path, name: str, *, load: float = 7.891) -> None:
    runs = [run(denoise=20.04, total=22.5), run(denoise=120.4, total=123.4), run(denoise=20.0, total=22.4)]
    measured = Measurement(model="wan", weights="random", load_seconds=load, warm_up=[], runs=runs)
    (folder / name).write_text(json.dumps(report([measured])))


def test_reports_of_one_machine_become_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "FOLDER", tmp_path)
    write(tmp_path, "pictures.json")
    write(tmp_path, "videos.json")
    text = performance.parts()["performance"]
    assert text.count("### Some GPU\n") == 1
    made = "| `film` | 832x480, 81 frames, 25 steps; 3 runs | random, bf16 |"
    assert text.count(f"{made} 20 | **22.5** | 12.0 GiB | 3.0 MiB |\n") == 2
    assert "Loading: `wan` 7.89 s." in text


def test_a_model_that_was_loaded_for_several_reports_has_all_times_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "FOLDER", tmp_path)
    write(tmp_path, "pictures.json", load=12.06)
    write(tmp_path, "videos.json", load=17.02)
    assert "Loading: `wan` 12.1 and 17 s.\n" in performance.parts()["performance"]


def test_without_a_report_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "FOLDER", tmp_path)
    assert performance.parts() == {"performance": "Nothing was measured yet.\n"}
