"""Where the Supabase project is, and the key to it: from the environment alone, and never shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ourvidz.errors import NotReady
from ourvidz.runtime.https import is_loopback

URL_VARIABLE = "SUPABASE_URL"
KEY_VARIABLE = "SUPABASE_SERVICE_ROLE_KEY"

#: The role that row level security does not bind.
SERVICE_ROLE = "service_role"


class SupabaseNotConfigured(NotReady):
    """The environment does not say where the Supabase project is, or holds no key to it."""

    code = "supabase_not_configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccess:
    """A project's address, without a slash at its end, and the key that may do everything there."""

    url: str
    key: str = field(repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> ServiceAccess:
        """Read both from environment variables. Raises SupabaseNotConfigured."""
        url = check_address(URL_VARIABLE, setting(environment, URL_VARIABLE))
        key = setting(environment, KEY_VARIABLE)
        role = _role_of(key)
        if role != SERVICE_ROLE:
            # Whoever may see less would take what he does not see for what is not there.
            raise SupabaseNotConfigured(
                f"{KEY_VARIABLE}: found a key of the role {role[:40]!a}, expected the service key"
            )
        return cls(url=url, key=key)


def setting(environment: Mapping[str, str], name: str) -> str:
    """A variable that must be set, and can stand in an HTTP header. Raises SupabaseNotConfigured."""
    value = environment.get(name, "").strip()
    if not value:
        raise SupabaseNotConfigured(f"{name}: not set; Supabase cannot be reached without it, so set it")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise SupabaseNotConfigured(f"{name}: found spaces or characters that are not ASCII; copy it anew")
    return value


def _role_of(key: str) -> str:
    """Whose key it is: the older ones are JWTs that say it, of the newer ones the name does.

    The server alone can tell whether a key is genuine; one of another form is left to it.
    """
    if key.startswith("sb_publishable_"):
        return "anon"
    try:
        _, payload, _ = key.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return SERVICE_ROLE
    return str(claims.get("role")) if isinstance(claims, dict) else SERVICE_ROLE


def check_address(name: str, url: str) -> str:
    """An address that secrets may be sent to: https, or http to this machine itself.

    ``name`` is what messages call it; they do not repeat the address, which may hold a password.
    Raises SupabaseNotConfigured.
    """
    expected = "expected https://HOST, or http:// and a loopback address"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SupabaseNotConfigured(f"{name}: found what is no URL, {expected}") from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        found = "a user name" if "@" in parts.netloc else "something after ? or #"
        raise SupabaseNotConfigured(f"{name}: found {found}, {expected}")
    if not is_safe(url):
        raise SupabaseNotConfigured(f"{name}: found the scheme {parts.scheme[:20]!r}, {expected}")
    return url.rstrip("/")


def is_safe(url: str) -> bool:
    """Whether what is sent there can be read by nobody else: https, or this machine itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))
