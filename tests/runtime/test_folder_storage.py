"""The folder does all that a storage promises, and lets nothing out of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ourvidz.jobs.storage import ObjectKey, ObjectNotFound, Storage, StorageRefused, StorageUnavailable
from ourvidz.runtime.storage.folder import FolderStorage
from tests.conformance.storage import KEY, PNG, StorageConformance


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def storage(folder: Path) -> FolderStorage:
    return FolderStorage(folder)


class TestFolderStorage(StorageConformance):
    @pytest.fixture
    def open_storage(self, folder: Path) -> Callable[[], Storage]:
        return lambda: FolderStorage(folder)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_object_lies_where_its_key_says(folder: Path, storage: FolderStorage) -> None:
    storage.put(KEY, PNG, content_type="image/png")
    assert storage.locate(KEY) == str(folder / "sdxl_fast" / "user" / "job" / "1-0.png")
    assert files(folder) == ["sdxl_fast/user/job/1-0.png"]


def test_files_get_the_permissions_of_the_users_umask(folder: Path, storage: FolderStorage) -> None:
    before = os.umask(0o027)
    try:
        storage.put(KEY, PNG, content_type="image/png")
    finally:
        os.umask(before)
    assert Path(storage.locate(KEY)).stat().st_mode & 0o777 == 0o640
    assert (folder / "sdxl_fast").stat().st_mode & 0o777 == 0o750


def test_a_name_that_ends_otherwise_than_its_content_is_refused(storage: FolderStorage) -> None:
    with pytest.raises(StorageRefused, match="video/mp4, expected image/png"):
        storage.put(KEY, PNG, content_type="video/mp4")


@pytest.mark.parametrize(
    "path",
    ["../out.png", "/out.png", "a/../../out.png", "a//b.png", ".hidden", "a\x00b", "a\\b", "", "ü.png"],
)
def test_no_key_leads_out_of_its_bucket(path: str) -> None:
    with pytest.raises(ValueError, match="not an object's name"):
        ObjectKey("sdxl_fast", path)


@pytest.mark.parametrize("linked", ["sdxl_fast", "sdxl_fast/user", "sdxl_fast/user/job/1-0.png"])
def test_a_link_is_never_followed(tmp_path: Path, folder: Path, storage: FolderStorage, linked: str) -> None:
    outside = tmp_path / "outside"
    (outside / "user" / "job").mkdir(parents=True)
    (outside / "job").mkdir()
    for secret in (outside / "user" / "job" / "1-0.png", outside / "job" / "1-0.png"):
        secret.write_bytes(b"secret")
    link = folder / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(outside if link.suffix == "" else outside / "job" / "1-0.png")
    before = files(outside)
    for forbidden in (
        lambda: storage.read(KEY),
        lambda: storage.put(KEY, PNG, content_type="image/png"),
        lambda: storage.delete(KEY),
    ):
        with pytest.raises(StorageRefused, match="symbolic link"):
            forbidden()
    assert list(storage.list("sdxl_fast")) == [], "expected nothing behind the link to be listed"
    assert files(outside) == before


def test_the_folder_itself_may_be_a_link(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "disk").mkdir()
    folder.symlink_to(tmp_path / "disk")
    FolderStorage(folder).put(KEY, PNG, content_type="image/png")
    assert files(tmp_path / "disk") == ["sdxl_fast/user/job/1-0.png"]


def test_a_name_below_an_object_is_refused(storage: FolderStorage) -> None:
    storage.put(KEY, PNG, content_type="image/png")
    with pytest.raises(StorageRefused, match="an object"):
        storage.put(ObjectKey(KEY.bucket, KEY.path + "/more"), PNG, content_type="image/png")
    with pytest.raises(StorageRefused, match="a folder"):
        storage.put(ObjectKey(KEY.bucket, "user/job"), PNG, content_type="image/png")


def test_what_no_key_can_name_is_not_listed(folder: Path, storage: FolderStorage) -> None:
    storage.put(KEY, PNG, content_type="image/png")
    for name in (".DS_Store", "with space.png"):
        (folder / "sdxl_fast" / name).write_bytes(b"")
    assert list(storage.list("sdxl_fast")) == [KEY]


def test_a_full_disk_stores_nothing_and_leaves_nothing_behind(folder: Path) -> None:
    """A limit on file sizes in a process of its own fails a write as a full disk does: halfway."""
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from ourvidz.jobs.storage import ObjectKey, StorageUnavailable\n"
        "from ourvidz.runtime.storage.folder import FolderStorage\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    FolderStorage(Path(sys.argv[1])).put(\n"
        "        ObjectKey('sdxl_fast', 'a.png'), b'x' * 5000, content_type='image/png')\n"
        "except StorageUnavailable as error:\n"
        "    sys.exit(str(error))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr.strip()) == (
        1,
        "sdxl_fast/a.png: cannot be stored: File too large",
    )
    assert files(folder) == []


def test_what_a_killed_writer_left_behind_is_swept_when_it_is_old(
    folder: Path, storage: FolderStorage
) -> None:
    storage.put(KEY, PNG, content_type="image/png")
    old, young = folder / ".drafts" / "old", folder / ".drafts" / "young"
    for draft in (old, young):
        draft.write_bytes(PNG[:4])
    hours_ago = time.time() - 2 * 3600
    os.utime(old, (hours_ago, hours_ago))
    assert FolderStorage(folder).read(KEY) == PNG
    assert files(folder) == [".drafts/young", "sdxl_fast/user/job/1-0.png"]


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("a file")
    storage = FolderStorage(tmp_path / "storage" / "deeper")
    with pytest.raises((StorageUnavailable, StorageRefused)):
        storage.put(KEY, PNG, content_type="image/png")
    with pytest.raises(ObjectNotFound):
        storage.read(KEY)
