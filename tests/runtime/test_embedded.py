"""The embedded backends are opened by their URLs."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ourvidz.jobs.storage import ObjectKey
from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.builtin_backends import embedded
from ourvidz.runtime.locations import LocationInvalid
from ourvidz.runtime.queue.sqlite import SqliteQueue
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.settings import Settings
from tests.conformance.callback import entry
from tests.conformance.jobs import job_id, payload
from tests.runtime.sqlite_site import connection_of


def context(root: Path, url: str) -> BackendContext:
    catalog = Catalog(job_types={}, queues={}, buckets={}, models={}, settings=Settings())
    return BackendContext(url=url, root=root, catalog=catalog)


def test_relative_paths_start_from_the_root(tmp_path: Path) -> None:
    [queues], [storages], [callbacks] = (
        embedded.ourvidz_queues(),
        embedded.ourvidz_storages(),
        embedded.ourvidz_callbacks(),
    )
    with closing(queues.open(context(tmp_path, "sqlite:data/queue.sqlite3"))) as queue:
        queue.push("sdxl_queue", payload(1))
    storage = storages.open(context(tmp_path, "file:data/storage"))
    storage.put(ObjectKey("sdxl_fast", "a.png"), b"x", content_type="image/png")
    callback = callbacks.open(context(tmp_path, "file:data/records"))
    callback.deliver(entry("completed"))
    assert (tmp_path / "data" / "queue.sqlite3").exists()
    assert (tmp_path / "data" / "storage" / "sdxl_fast" / "a.png").exists()
    assert (tmp_path / "data" / "records" / f"{job_id(1)}.json").exists()
    assert queues.embedded
    assert storages.embedded
    assert callbacks.embedded


def test_absolute_paths_and_escapes_are_taken_as_they_are(tmp_path: Path) -> None:
    [queues] = embedded.ourvidz_queues()
    queues.open(context(Path("/nowhere"), f"sqlite:{tmp_path}/a%20queue.sqlite3")).close()
    assert (tmp_path / "a queue.sqlite3").exists()


@pytest.mark.parametrize(("query", "level"), [("", 2), ("?synchronous=full", 2), ("?synchronous=normal", 1)])
def test_a_url_says_how_durable_the_queue_is(tmp_path: Path, query: str, level: int) -> None:
    [queues] = embedded.ourvidz_queues()
    with closing(queues.open(context(tmp_path, f"sqlite:q.sqlite3{query}"))) as queue:
        assert isinstance(queue, SqliteQueue)
        queue.push("sdxl_queue", payload(1))
        assert connection_of(queue).execute("PRAGMA synchronous").fetchone()[0] == level


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:", "expected sqlite:data/name"),
        ("sqlite://data/queue.sqlite3", "expected sqlite:data/name"),
        ("sqlite:q.sqlite3#part", "expected sqlite:data/name"),
        ("sqlite:q.sqlite3?synchronus=full", "did you mean synchronous"),
        ("sqlite:q.sqlite3?synchronous=off", "expected full or normal"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(tmp_path: Path, url: str, message: str) -> None:
    [queues] = embedded.ourvidz_queues()
    with pytest.raises(LocationInvalid, match=message):
        queues.open(context(tmp_path, url))
    assert list(tmp_path.iterdir()) == []


def test_folders_take_no_options(tmp_path: Path) -> None:
    [storages], [callbacks] = embedded.ourvidz_storages(), embedded.ourvidz_callbacks()
    with pytest.raises(LocationInvalid, match="no option mode"):
        storages.open(context(tmp_path, "file:data?mode=ro"))
    with pytest.raises(LocationInvalid, match="no option mode"):
        callbacks.open(context(tmp_path, "file:data?mode=ro"))


def test_offering_the_backends_imports_none_of_them() -> None:
    program = (
        "import sys, ourvidz.runtime.builtin_backends.embedded as plugin\n"
        "plugin.ourvidz_queues(), plugin.ourvidz_storages(), plugin.ourvidz_callbacks()\n"
        "sys.exit(', '.join({'sqlite3', 'ourvidz.runtime.queue.sqlite'} & set(sys.modules)) or None)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, "")
