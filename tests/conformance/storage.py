"""All that :class:`ourvidz.jobs.storage.Storage` promises, for a backend to inherit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ourvidz.jobs.storage import ObjectKey, ObjectNotFound, Storage, StorageRefused

PNG = b"\x89PNG\r\n\x1a\n and so on"
OTHER = b"\x89PNG\r\n\x1a\n and otherwise"
KEY = ObjectKey("sdxl_fast", "user/job/1-0.png")


class StorageConformance:
    """Inherit it, and give the ``open_storage`` fixture: it opens the same data every time."""

    @pytest.fixture
    def open_storage(self) -> Callable[[], Storage]:
        raise NotImplementedError("a backend's test class gives open_storage")

    @pytest.fixture
    def storage(self, open_storage: Callable[[], Storage]) -> Iterator[Storage]:
        storage = open_storage()
        yield storage
        storage.close()

    @pytest.fixture
    def other(self, open_storage: Callable[[], Storage]) -> Iterator[Storage]:
        """A second handle on the same data, as another process has it."""
        storage = open_storage()
        yield storage
        storage.close()

    def test_an_object_is_read_as_it_was_stored(self, storage: Storage, other: Storage) -> None:
        storage.put(KEY, PNG, content_type="image/png")
        assert other.read(KEY) == PNG

    def test_an_empty_and_a_large_object_are_stored_whole(self, storage: Storage) -> None:
        large = bytes(range(256)) * 8192
        storage.put(ObjectKey("sdxl_fast", "empty.bin"), b"", content_type="application/octet-stream")
        storage.put(ObjectKey("sdxl_fast", "large.bin"), large, content_type="application/octet-stream")
        assert storage.read(ObjectKey("sdxl_fast", "empty.bin")) == b""
        assert storage.read(ObjectKey("sdxl_fast", "large.bin")) == large

    def test_no_more_of_an_object_is_read_than_is_asked_for(self, storage: Storage) -> None:
        storage.put(KEY, PNG, content_type="image/png")
        read = {limit: storage.read(KEY, limit=limit) for limit in (1, len(PNG) - 1, len(PNG), 2 * len(PNG))}
        assert read == {limit: PNG[:limit] for limit in read}

    def test_the_same_bytes_may_be_stored_again(self, storage: Storage, other: Storage) -> None:
        storage.put(KEY, PNG, content_type="image/png")
        other.put(KEY, PNG, content_type="image/png")
        assert storage.read(KEY) == PNG

    def test_other_bytes_under_the_same_name_are_refused(self, storage: Storage, other: Storage) -> None:
        storage.put(KEY, PNG, content_type="image/png")
        with pytest.raises(StorageRefused):
            other.put(KEY, OTHER, content_type="image/png")
        assert storage.read(KEY) == PNG

    def test_of_several_that_store_under_one_name_at_once_one_wins(self, storage: Storage) -> None:
        def put(number: int) -> bool:
            try:
                storage.put(KEY, b"%d" % number, content_type="image/png")
            except StorageRefused:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(put, range(8)))
        assert won.count(True) == 1
        assert storage.read(KEY) == b"%d" % won.index(True)

    def test_the_same_name_in_another_bucket_is_another_object(self, storage: Storage) -> None:
        storage.put(KEY, PNG, content_type="image/png")
        storage.put(ObjectKey("sdxl_high", KEY.path), OTHER, content_type="image/png")
        assert storage.read(KEY) == PNG

    def test_an_object_that_is_not_there_is_not_found(self, storage: Storage) -> None:
        with pytest.raises(ObjectNotFound):
            storage.read(KEY)
        storage.put(KEY, PNG, content_type="image/png")
        with pytest.raises(ObjectNotFound):
            storage.read(ObjectKey("sdxl_fast", "user/job"))
        with pytest.raises(ObjectNotFound):
            storage.read(ObjectKey("sdxl_fast", "user/job/1-0.png/more"))

    def test_objects_are_listed_by_prefix_in_order_of_their_names(self, storage: Storage) -> None:
        paths = ["b/2.png", "a/1.png", "a.png", "a-b/1.png", "a/10.png"]
        for path in paths:
            storage.put(ObjectKey("sdxl_fast", path), PNG, content_type="image/png")
        storage.put(ObjectKey("sdxl_high", "a/1.png"), PNG, content_type="image/png")
        assert [key.path for key in storage.list("sdxl_fast")] == sorted(paths)
        assert [key.path for key in storage.list("sdxl_fast", "a/")] == ["a/1.png", "a/10.png"]
        assert [key.path for key in storage.list("sdxl_fast", "a/1")] == ["a/1.png", "a/10.png"]
        assert {key.bucket for key in storage.list("sdxl_fast")} == {"sdxl_fast"}

    def test_a_bucket_without_objects_lists_none(self, storage: Storage) -> None:
        assert list(storage.list("sdxl_fast")) == []
        assert list(storage.list("sdxl_fast", "user/")) == []

    def test_a_deleted_object_is_gone(self, storage: Storage, other: Storage) -> None:
        storage.put(KEY, PNG, content_type="image/png")
        other.delete(KEY)
        storage.delete(KEY)
        with pytest.raises(ObjectNotFound):
            storage.read(KEY)
        assert list(storage.list("sdxl_fast")) == []
        storage.put(KEY, OTHER, content_type="image/png")
        assert storage.read(KEY) == OTHER

    def test_an_object_can_be_located(self, storage: Storage) -> None:
        storage.put(KEY, PNG, content_type="image/png")
        assert "1-0.png" in storage.locate(KEY)

    def test_threads_may_share_a_handle(self, storage: Storage) -> None:
        keys = [ObjectKey("sdxl_fast", f"user/job/1-{number}.png") for number in range(24)]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda key: storage.put(key, PNG, content_type="image/png"), keys))
        assert sorted(storage.list("sdxl_fast")) == sorted(keys)
