"""Figures of the queue in docs/performance.md are those of a report of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.generate import queue_performance

REPORT = {
    "memory": {"worker": 30 * 2**20, "heartbeat": 20 * 2**20},
    "hand_over": {
        "ourvidz": {"p50": 1.234, "p99": 4.567, "count": 300},
        "polling": {"p50": 1000.4, "p99": 1990.0, "count": 20},
    },
    "rates": [
        {"name": "ourvidz", "settings": "one job at a time", "rates": [900.0, 1100.0, 1000.0], "ratio": 1.0},
        {"name": "other", "settings": "default", "rates": [240.0, 250.0, 260.0], "ratio": 4.0},
    ],
    "flatness": [{"waiting": 1000000, "claim": 201.2, "position": 150.0}],
    "versions": {"ourvidz": "0.1.0", "Redis": "7.0.15"},
    "cores": 2,
}


def test_a_report_becomes_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "redis.json"
    path.write_text(json.dumps(REPORT))
    monkeypatch.setattr(queue_performance, "REPORT", path)
    text = queue_performance.parts()["queue performance"]
    for line in (
        "ourvidz 0.1.0, Redis 7.0.15; 2 processor cores, shared with other programs.\n",
        "| ourvidz | 1.23 | 4.57 |\n",
        "| a look every 2 s | 1000 | 1990 |\n",
        "| other | default | 250 | 260 | × 4.00 |\n",
        "| 1,000,000 | 201 | 150 |\n",
        "worker 30 MiB, heartbeat 20 MiB, together 50 MiB.\n",
    ):
        assert line in text


def test_without_a_report_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_performance, "REPORT", tmp_path / "redis.json")
    assert queue_performance.parts() == {"queue performance": "Nothing was measured yet.\n"}
