"""What becomes of a picture that a request brings along, before a worker has it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ourvidz.errors import RequestInvalid
from ourvidz.jobs.envelope import LOCAL_USER, Envelope
from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.jobs.storage import ObjectKey, StorageRefused
from ourvidz.plugins.init_images.header import InputInvalid
from ourvidz.plugins.parameters import ParameterRefused, resolve_parameters
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.runtime.client import Client
from ourvidz.runtime.making.inputs import InputRefused, fetch_inputs
from ourvidz.runtime.queue.sqlite import SqliteQueue
from ourvidz.runtime.storage.folder import FolderStorage
from tests.plugins.init_images.files import landscape, saved
from tests.runtime.sqlite_site import connection_of
from tests.site import Site

RESTYLE = """\
worker: SDXL
queue: sdxl_queue
content_type: image
resolution: 64x64
steps: 10
guidance: 6.0
expected_time: 5s
storage_bucket: sdxl_img2img
quality_tier: img2img
"""

REQUIRED = RESTYLE + "strength: 0.5\nrequires: init_image_upload\n"
CHOSEN = "params:\n  steps: {min: 2, max: 30}\n  strength: {min: 0.1, max: 1.0}\n"
OPTIONAL = RESTYLE + "accepts: init_image\n" + CHOSEN

USER = "7d444840-9dc0-11d1-b245-5ffdce74fad2"


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    site.spec("restyle", REQUIRED + CHOSEN)
    site.spec("optional", OPTIONAL)
    site.spec("optional_half", RESTYLE + "accepts: init_image\nstrength: 0.5\n" + CHOSEN)
    with Client.open(site.project()) as client:
        yield client


@pytest.fixture
def photo(site: Site) -> Path:
    landscape(80, 60).save(site.root / "photo.png")
    return site.root / "photo.png"


def stored(site: Site) -> list[str]:
    """Everything that is in storage."""
    folder = site.root / "data/storage"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*") if path.is_file())


@pytest.mark.parametrize(("kind", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_it_is_put_below_its_owner_and_its_job_and_named_in_the_request(
    site: Site, client: Client, kind: str, ending: str
) -> None:
    data = saved(landscape(80, 60), kind)
    # What a file is called says nothing about what it is.
    (site.root / "photo.bin").write_bytes(data)
    job_id = client.submit(
        "restyle", prompt="a barn", image=site.root / "photo.bin", user_id=USER.upper(), num_images=3
    )
    path = f"init_images/{USER}/{job_id}/init_image.{ending}"
    assert stored(site) == [path]
    assert (site.root / "data/storage" / path).read_bytes() == data
    claim = client.queue.claim(["sdxl_queue"], worker="w", lease_seconds=60, nonce="n")
    assert claim is not None
    assert json.loads(claim.payload)["inputs"] == {"init_image": path}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file, expected a PNG, JPEG or WebP picture"),
        (b"<html>404</html>", "found an HTML page"),
        (saved(landscape(80, 60), "PNG")[:-40], "the PNG is cut off"),
        (saved(landscape(80, 60), "JPEG")[:-400], "the JPEG is damaged: image file is truncated"),
        (saved(landscape(80, 60), "WEBP")[:-40], "the WebP is damaged"),
    ],
)
def test_what_is_no_sound_picture_is_refused_before_anything_is_stored_or_queued(
    site: Site, client: Client, content: bytes, message: str
) -> None:
    path = site.root / "photo.png"
    path.write_bytes(content)
    with pytest.raises(InputInvalid, match=f"{path}: {message}"):
        client.submit("restyle", prompt="a barn", image=path)
    with pytest.raises(InputInvalid, match="cannot be read: Is a directory"):
        client.submit("restyle", prompt="a barn", image=site.root)
    assert stored(site) == []
    assert client.jobs() == []


def test_the_rules_are_those_of_the_job_type(site: Site, photo: Path) -> None:
    site.spec("stamp", REQUIRED + "init_image: {max_pixels: 4799, max_size: 1MB}\n")
    with (
        Client.open(site.project()) as client,
        pytest.raises(InputInvalid, match="80x60 are 4800 pixels, expected at most 4799"),
    ):
        client.submit("stamp", prompt="a barn", image=photo)


def test_of_an_object_that_is_too_large_no_more_is_read_than_tells_so(site: Site, tmp_path: Path) -> None:
    site.spec("restyle", REQUIRED)
    key = ObjectKey("sdxl_high", f"{LOCAL_USER}/{USER}/1-0.mp4")
    storage = FolderStorage(tmp_path / "storage")
    storage.put(key, b"", content_type="video/mp4")
    # More than any machine's memory, and nothing on the disk.
    os.truncate(storage.locate(key), 2**42)
    request = Envelope(
        job_id=USER,
        job_type="restyle",
        user_id=LOCAL_USER,
        prompt="a barn",
        inputs={"init_image": str(key)},
        submitted_at=datetime.now(UTC),
    )
    restyle = site.project().catalog["restyle"]
    with pytest.raises(InputInvalid, match=r"inputs.init_image: found a file of more than 20MB"):
        fetch_inputs(storage, restyle, request, tmp_path, urls=False)


def test_a_request_that_is_refused_leaves_no_picture_behind(site: Site, client: Client, photo: Path) -> None:
    with pytest.raises(RequestInvalid, match="num_images: 2 is not offered"):
        client.submit("restyle", prompt="a barn", image=photo, num_images=2)
    with pytest.raises(RequestInvalid, match="user_id"):
        client.submit("restyle", prompt="a barn", image=photo, user_id="../bob")
    assert stored(site) == []


def test_a_job_type_that_takes_no_picture_refuses_it_unseen(client: Client, photo: Path) -> None:
    with pytest.raises(InputRefused, match=r"lost.png: placeholder_fast does not take an init image"):
        client.submit("placeholder_fast", prompt="a barn", image=photo.with_name("lost.png"))


def test_a_picture_and_a_storage_key_are_one_too_many(client: Client, photo: Path) -> None:
    key = f"init_images/{LOCAL_USER}/photo.png"
    with pytest.raises(InputRefused, match="found a storage key and an image, expected one of the two"):
        client.submit("restyle", prompt="a barn", image=photo, inputs={"init_image": key})


def test_a_required_picture_has_to_be_there_and_the_users_own(client: Client) -> None:
    with pytest.raises(InputRefused, match="restyle needs init_image"):
        client.submit("restyle", prompt="a barn")
    with pytest.raises(InputRefused, match="does not belong to the user"):
        client.submit("restyle", prompt="a barn", inputs={"init_image": f"init_images/{USER}/photo.png"})
    own_result = f"sdxl_high/{LOCAL_USER}/{USER}/1-0.png"
    assert client.submit("restyle", prompt="a barn", inputs={"init_image": own_result})


def test_the_bucket_has_its_say(site: Site, photo: Path) -> None:
    site.spec("restyle", REQUIRED)
    settings = (site.root / "ourvidz.yaml").read_text()
    for entry, message in (
        ("{file_types: [image/jpeg]}", "the bucket uploads takes image/jpeg, not image/png"),
        ("{max_size: 20B}", "and the bucket uploads takes 20"),
    ):
        (site.root / "ourvidz.yaml").write_text(
            f"{settings}input_bucket: uploads\nbuckets:\n  uploads: {entry}\n"
        )
        with Client.open(site.project()) as client, pytest.raises(StorageRefused, match=message):
            client.submit("restyle", prompt="a barn", image=photo)
    (site.root / "ourvidz.yaml").write_text(f"{settings}input_bucket: uploads\n")
    with Client.open(site.project()) as client:
        job_id = client.submit("restyle", prompt="a barn", image=photo)
    assert stored(site) == [f"uploads/{LOCAL_USER}/{job_id}/init_image.png"]


def fill(client: Client, photo: Path) -> None:
    """Submit jobs until the queue takes no more."""
    for _ in range(1000):
        client.submit("restyle", prompt="a barn " * 1000, image=photo)


def test_a_picture_outlives_a_queue_that_is_full_and_can_be_used_again(
    site: Site, client: Client, photo: Path
) -> None:
    assert isinstance(client.queue, SqliteQueue)
    connection = connection_of(client.queue)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(QueueUnavailable) as refused:
        fill(client, photo)
    connection.execute(f"PRAGMA max_page_count = {10 * pages}")
    advice = str(refused.value)
    assert "the picture stays in storage" in advice
    key = advice.split("init_image=")[1].split()[0]
    assert key in stored(site)
    assert client.submit("restyle", prompt="a barn", inputs={"init_image": key})


class TestStrength:
    """It belongs to an init image, and an init image to it."""

    def submit(self, client: Client, job_type: str, image: Path | None = None, **params: float) -> str:
        return client.submit(job_type, prompt="a barn", image=image, params=params)

    def test_without_an_init_image_it_is_refused(self, client: Client) -> None:
        with pytest.raises(ParameterRefused, match=r"strength: .* this request has none; add one, or leave"):
            self.submit(client, "optional_half", strength=0.5)

    def test_without_it_an_init_image_is_refused(self, client: Client, photo: Path) -> None:
        with pytest.raises(ParameterRefused, match="strength: nothing says how much"):
            self.submit(client, "optional", photo)
        assert self.submit(client, "optional", photo, strength=0.5)

    def test_that_of_a_spec_counts_only_where_a_request_brings_a_picture(
        self, site: Site, client: Client
    ) -> None:
        project = site.project()
        request = Envelope(
            job_id=USER,
            job_type="optional_half",
            user_id=USER,
            prompt="a barn",
            submitted_at=datetime.now(UTC),
        )
        with_picture = request.model_copy(update={"inputs": {"init_image": f"sdxl_high/{USER}/a.png"}})
        strengths = [
            resolve_parameters(SdxlFamily(), project.catalog["optional_half"], one).strength
            for one in (request, with_picture)
        ]
        assert strengths == [None, 0.5]

    def test_steps_and_strength_that_leave_no_step_are_both_named(
        self, site: Site, client: Client, photo: Path
    ) -> None:
        with pytest.raises(ParameterRefused) as refused:
            self.submit(client, "restyle", photo, steps=5, strength=0.1)
        assert str(refused.value) == (
            "strength: found 0.1 (of 5 steps a strength of 0.1 runs none), "
            "expected a strength of at least 0.2, or at least 10 steps"
        )
        assert stored(site) == []
        assert self.submit(client, "restyle", photo, steps=10, strength=0.1)
        assert self.submit(client, "restyle", photo, steps=5, strength=0.2)


def test_nothing_is_asked_of_a_pipe(site: Site, client: Client) -> None:
    os.mkfifo(site.root / "pipe.png")
    with pytest.raises(InputInvalid, match="found a pipe or a device"):
        client.submit("restyle", prompt="a barn", image=site.root / "pipe.png")
