"""Callbacks over HTTP as a plugin: signed events for whoever runs the platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ourvidz.plugins.backends import Backend, BackendContext
from ourvidz.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from ourvidz.jobs.callback import Callback


@hookimpl
def ourvidz_callbacks() -> Sequence[Backend[Callback]]:
    """``https://HOST/PATH``, and ``http://`` to this machine itself. Secrets come from the environment."""
    return [Backend(scheme="https", open=_open), Backend(scheme="http", open=_open)]


def _open(context: BackendContext) -> Callback:
    import os

    from ourvidz.runtime.callback.http import HttpCallback, Secrets
    from ourvidz.runtime.callback.posting import Receiver

    shape = context.catalog.settings.callback.shape
    return HttpCallback(Receiver.of(context.url), Secrets.read(os.environ, shape), shape=shape)
