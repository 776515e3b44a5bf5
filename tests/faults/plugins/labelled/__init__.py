"""What the workers under test load: labels on every backend, and a family without a model."""

from __future__ import annotations

from typing import Any

from ourvidz.plugins.backends import Backend
from ourvidz.plugins.hookspecs import hookimpl

from .backends import open_callback, open_queue, open_storage
from .family import BlankFamily


@hookimpl
def ourvidz_model_families() -> list[BlankFamily]:
    return [BlankFamily()]


@hookimpl
def ourvidz_queues() -> list[Backend[Any]]:
    return [Backend(scheme="labelled", open=open_queue)]


@hookimpl
def ourvidz_storages() -> list[Backend[Any]]:
    return [Backend(scheme="labelled", open=open_storage)]


@hookimpl
def ourvidz_callbacks() -> list[Backend[Any]]:
    return [Backend(scheme="labelled", open=open_callback)]
