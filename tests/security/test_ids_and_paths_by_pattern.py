"""Ids and paths are held to patterns before anything is named by them: no name leads out of its place."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from ourvidz.jobs.envelope import EnvelopeInvalid
from ourvidz.jobs.storage import ObjectKey
from ourvidz.jobs.wire import read_envelope
from ourvidz.runtime.backends import open_queue
from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import Worker
from ourvidz.spec.identifiers import check_identifier
from ourvidz.spec.problems import SpecInvalid
from tests.conformance.jobs import OTHER_USER, USER, envelope, job_id
from tests.plugins.init_images.files import landscape, saved
from tests.runtime.test_own_pictures import REQUIRED
from tests.site import JOB_TYPE, Site

FIELDS: dict[str, Any] = json.loads(envelope(1).to_payload())

#: What leads elsewhere in a path, a URL, SQL, a shell, a log or a script's index.
HOSTILE = [
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "a/../b",
    "a//b",
    "a\\..\\b",
    "%2e%2e%2f",
    ".hidden",
    "a\0b",
    "a\nb",
    "a\r\nX-Other: 1",
    "a:b",
    "a b",
    "a;b",
    "a'b",
    'a"b',
    "a$(b)",
    "a`b`",
    "a*",
    "a?b",
    "a#b",
    "\u202ea",
    "ａ",
    "é",
    "\u0130",
    "-a",
    "a" * 2000,
    "",
]


@pytest.mark.parametrize("field", ["job_id", "user_id", "job_type"])
@pytest.mark.parametrize("text", HOSTILE)
def test_ids_by_pattern(field: str, text: str) -> None:
    for value in (text, f"{FIELDS[field]}{text}", f"{text}{FIELDS[field]}"):
        if value != FIELDS[field]:
            with pytest.raises(EnvelopeInvalid, match=f"^(payload|{field}): "):
                read_envelope(json.dumps(FIELDS | {field: value}).encode())


@pytest.mark.parametrize("text", HOSTILE)
def test_paths_by_pattern(text: str) -> None:
    for path in {text, f"{USER}/{text}", f"{text}/{USER}", f"{USER}/{text}/0.png"}:
        with pytest.raises(ValueError, match="not an object's name"):
            ObjectKey("sdxl_fast", path)
        with pytest.raises(EnvelopeInvalid, match=r"^(payload|inputs\.init_image): "):
            read_envelope(json.dumps(FIELDS | {"inputs": {"init_image": f"init_images/{path}"}}).encode())


@pytest.mark.parametrize("text", HOSTILE)
def test_names_in_specs_by_pattern(site: Site, text: str) -> None:
    with pytest.raises(ValueError, match="expected a name"):
        check_identifier(text)
    for field in ("queue: placeholder_queue", "storage_bucket: placeholder_fast"):
        name = field.partition(":")[0]
        site.spec("hostile", JOB_TYPE.replace(field, f"{name}: {json.dumps(text)}"))
        with pytest.raises(SpecInvalid, match=f"{name}: "):
            site.project()


@pytest.mark.parametrize(
    "place",
    [
        f"init_images/{OTHER_USER}/photo.png",
        f"init_images/{USER}x/photo.png",
        "init_images/photo.png",
        f"{USER}/photo.png",
    ],
)
def test_no_job_reads_what_is_another_users(site: Site, place: str) -> None:
    site.spec("restyle", REQUIRED)
    photo = site.root / "data/storage" / place
    photo.parent.mkdir(parents=True)
    photo.write_bytes(saved(landscape(80, 60), "PNG"))
    fields = FIELDS | {"job_type": "restyle", "inputs": {"init_image": place}}
    project = site.project()
    with Client.open(project) as client, Worker(project, "sdxl") as worker:
        client.queue.push("sdxl_queue", json.dumps(fields).encode())
        worker.run(burst=True)
        letters = client.queue.dead_letters.list()
        error = letters[0].failure if letters else client.status(job_id(1)).error
    assert error is not None
    assert error.code in ("input_refused", "envelope_invalid")


def test_a_result_lies_where_the_server_says_whatever_a_request_says(site: Site) -> None:
    """Names are made of checked ids; what a request calls itself is carried along and names nothing."""
    hostile = dict.fromkeys(("bucket", "path", "filename", "storage_bucket"), "../../../../escaped")
    fields = FIELDS | {"job_type": "placeholder_fast", "metadata": hostile, "user_id": USER.upper()}
    with closing(open_queue(site.project())) as queue:
        queue.push("placeholder_queue", json.dumps(fields).encode())
    with Worker(site.project(), "placeholder") as worker:
        assert worker.run(burst=True) == 1
    storage = site.root / "data/storage"
    stored = {str(one.parent.relative_to(storage)) for one in storage.rglob("*.png")}
    assert stored == {f"placeholder_fast/{USER}/{job_id(1)}"}
