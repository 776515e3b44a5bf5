"""Real servers for what is live: Supabase's own on a PostgreSQL, and a Redis."""

from __future__ import annotations

from tests.runtime.conftest import _redis, redis_server
from tests.runtime.supabase.conftest import running_supabase, server
from tests.site import site

__all__ = ["_redis", "redis_server", "running_supabase", "server", "site"]
