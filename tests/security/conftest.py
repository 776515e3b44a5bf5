"""The servers and the project folder that other tests have as well."""

from tests.runtime.conftest import (
    _front,
    _redis,
    certificates,
    client,
    front,
    key_watch,
    redis_server,
)
from tests.site import site

__all__ = ["_front", "_redis", "certificates", "client", "front", "key_watch", "redis_server", "site"]
