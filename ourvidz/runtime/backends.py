"""Opens the queue, the storage and the callback that the settings or the environment name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

from ourvidz.errors import NotReady
from ourvidz.jobs.callback import Callback
from ourvidz.jobs.queue import Queue
from ourvidz.jobs.storage import Storage
from ourvidz.plugins.backends import Backend, BackendContext
from ourvidz.project import Project

B = TypeVar("B")


class BackendUnknown(NotReady):
    """A URL whose scheme no plugin serves."""

    code = "backend_unknown"


def open_queue(project: Project) -> Queue:
    """Open the queue of ``OURVIDZ_QUEUE_URL`` or ``backends.queue``. Raises BackendUnknown."""
    return _open(project, "queue", project.plugins.queues())


def open_storage(project: Project) -> Storage:
    """Open the storage of ``OURVIDZ_STORAGE_URL`` or ``backends.storage``. Raises BackendUnknown."""
    return _open(project, "storage", project.plugins.storages())


def open_callback(project: Project) -> Callback:
    """Open the callback of ``OURVIDZ_CALLBACK_URL`` or ``backends.callback``. Raises BackendUnknown."""
    return _open(project, "callback", project.plugins.callbacks())


def all_embedded(project: Project) -> bool:
    """Whether nothing that is made here leaves this machine: queue, storage and callback are embedded."""
    return (
        _choose(project, "queue", project.plugins.queues())[1].embedded
        and _choose(project, "storage", project.plugins.storages())[1].embedded
        and _choose(project, "callback", project.plugins.callbacks())[1].embedded
    )


def _open(project: Project, kind: str, offered: Mapping[str, Backend[B]]) -> B:
    url, backend = _choose(project, kind, offered)
    return backend.open(BackendContext(url=url, root=project.root, catalog=project.catalog))


def _choose(project: Project, kind: str, offered: Mapping[str, Backend[B]]) -> tuple[str, Backend[B]]:
    variable = f"OURVIDZ_{kind.upper()}_URL"
    named = os.environ.get(variable)
    url: str = named or getattr(project.settings.backends, kind)
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in offered:
        # The URL may hold a secret; its scheme does not.
        found = f"the scheme {scheme!r}, which no plugin serves" if colon else "no URL"
        expected = " or ".join(f"{one}:…" for one in offered)
        raise BackendUnknown(
            f"{variable if named else f'backends.{kind}'}: found {found}, expected {expected}"
        )
    return url, offered[scheme]
