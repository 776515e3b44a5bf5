"""Lists the objects of a bucket, folder by folder and page by page, in order of their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

from ourvidz.jobs.storage import ObjectKey
from ourvidz.runtime.storage.supabase.answers import Refusal
from ourvidz.runtime.storage.supabase.connection import Retries, asking

#: Names that are asked for at a time.
PAGE: Final = 1000


class Bucket(Protocol):
    """What is used of the storage client's view on one bucket."""

    def list(self, path: str | None = None, options: Any = None) -> list[dict[str, Any]]: ...


def list_objects(bucket: Bucket, retries: Retries, name: str, prefix: str) -> Iterator[ObjectKey]:
    """Objects whose name begins with ``prefix``. Raises StorageUnavailable, StorageRefused.

    In memory are the names of one folder and of those above it.
    """
    start, _, _ = prefix.rpartition("/")
    for path in _walk(bucket, retries, name, f"{start}/" if start else "", prefix):
        if path.startswith(prefix):
            try:
                yield ObjectKey(name, path)
            except ValueError:
                # Somebody else put it there: no object of ours can have that name.
                continue


def _walk(bucket: Bucket, retries: Retries, name: str, folder: str, prefix: str) -> Iterator[str]:
    """Names below a folder, which is "" or ends with a slash; folders without the prefix are left out.

    The server sorts as its database's locale does, and a folder without its slash.
    """
    for path in sorted(_entries(bucket, retries, name, folder)):
        if not path.endswith("/"):
            yield path
        elif path.startswith(prefix) or prefix.startswith(path):
            yield from _walk(bucket, retries, name, path, prefix)


def _entries(bucket: Bucket, retries: Retries, name: str, folder: str) -> list[str]:
    """All names of a folder; those of its folders end with a slash."""
    found: list[str] = []
    while True:
        page = retries.insist(lambda: _page(bucket, name, folder, len(found)))
        found.extend(page)
        if len(page) < PAGE:
            return found


def _page(bucket: Bucket, name: str, folder: str, offset: int) -> list[str]:
    options = {"limit": PAGE, "offset": offset, "sortBy": {"column": "name", "order": "asc"}}
    try:
        with asking(f"{name}: cannot be listed", "no_bucket"):
            return [_path(folder, row["name"], row["id"]) for row in bucket.list(folder, options)]
    except Refusal:
        # A bucket that does not exist holds nothing.
        return []


def _path(folder: str, entry: str, id: str | None) -> str:
    """The whole name of an entry. A folder has no id."""
    # The small server for development lists whole names, also of what lies deeper.
    path = entry if "/" in entry else folder + entry
    return path if id else f"{path}/"
