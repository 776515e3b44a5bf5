"""The embedded backends as a plugin: a queue in a file, results and records in folders. No server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ourvidz.plugins.backends import Backend, BackendContext
from ourvidz.plugins.hookspecs import hookimpl
from ourvidz.runtime.locations import LocationInvalid, options_of, path_of

if TYPE_CHECKING:
    from ourvidz.jobs.callback import Callback
    from ourvidz.jobs.queue import Queue
    from ourvidz.jobs.storage import Storage


@hookimpl
def ourvidz_queues() -> Sequence[Backend[Queue]]:
    """``sqlite:PATH[?synchronous=normal]``; full, the default, also survives a power cut."""
    return [Backend(scheme="sqlite", open=_open_queue, embedded=True)]


@hookimpl
def ourvidz_storages() -> Sequence[Backend[Storage]]:
    """``file:FOLDER``."""
    return [Backend(scheme="file", open=_open_storage, embedded=True)]


@hookimpl
def ourvidz_callbacks() -> Sequence[Backend[Callback]]:
    """``file:FOLDER``."""
    return [Backend(scheme="file", open=_open_callback, embedded=True)]


def _open_queue(context: BackendContext) -> Queue:
    from ourvidz.runtime.queue.sqlite import SqliteQueue

    path = path_of(context)
    match options_of(context, ["synchronous"]).get("synchronous", "full"):
        case "full":
            return SqliteQueue(path, synchronous="full")
        case "normal":
            return SqliteQueue(path, synchronous="normal")
        case other:
            raise LocationInvalid(f"the sqlite URL: synchronous: found {other!r}, expected full or normal")


def _open_storage(context: BackendContext) -> Storage:
    from ourvidz.runtime.storage.folder import FolderStorage

    options_of(context, [])
    return FolderStorage(path_of(context))


def _open_callback(context: BackendContext) -> Callback:
    from ourvidz.runtime.callback.records import FileRecords

    options_of(context, [])
    return FileRecords(path_of(context))
