"""Client libraries of backends, which are installed by extras and loaded when a backend is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ourvidz.errors import NotReady


class ClientMissing(NotReady):
    """A backend's client library is not installed."""

    code = "client_missing"


@contextmanager
def client_needed(extra: str) -> Iterator[None]:
    """Frames the import of what needs the libraries of an extra. Raises ClientMissing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "ourvidz":
            raise
        raise ClientMissing(
            f"the package {error.name} is missing; run: pip install ourvidz[{extra}]"
        ) from error
