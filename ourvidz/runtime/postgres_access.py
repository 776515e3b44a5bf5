"""Where the platform's PostgreSQL is: from the environment alone, never shown, and never without TLS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ourvidz.runtime.https import is_loopback
from ourvidz.runtime.supabase_access import SupabaseNotConfigured, setting

URL_VARIABLE = "SUPABASE_DB_URL"

_EXPECTED = "expected postgres://USER:PASSWORD@HOST:5432/postgres"


def connection_parameters(environment: Mapping[str, str]) -> dict[str, Any]:
    """What libpq connects by. A server elsewhere has to prove who it is, by a certificate for its name.

    Trusted is what the system trusts, or the file that ``sslrootcert`` in the address or ``PGSSLROOTCERT``
    names. Raises SupabaseNotConfigured; messages do not repeat the address, which holds a password.
    """
    try:
        parts = conninfo_to_dict(setting(environment, URL_VARIABLE))
    except psycopg.ProgrammingError:
        raise SupabaseNotConfigured(f"{URL_VARIABLE}: found what is no such address, {_EXPECTED}") from None
    hosts = [host for name in ("host", "hostaddr") if parts.get(name) for host in str(parts[name]).split(",")]
    if not hosts:
        raise SupabaseNotConfigured(f"{URL_VARIABLE}: found no host, {_EXPECTED}")
    if all(is_loopback(host) or host.startswith("/") for host in hosts):
        return parts
    if parts.get("sslmode", "verify-full") != "verify-full":
        raise SupabaseNotConfigured(
            f"{URL_VARIABLE}: found a sslmode by which anybody could be the server, expected verify-full, "
            "which is the default"
        )
    trusted = environment.get("PGSSLROOTCERT") or "system"
    return {"sslrootcert": trusted, **parts, "sslmode": "verify-full"}
