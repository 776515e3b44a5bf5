"""URLs of databases that speak Upstash's REST protocol: ``https://NAME.upstash.io?namespace=ourvidz``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ourvidz.errors import NotReady
from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.https import is_loopback
from ourvidz.runtime.locations import LocationInvalid, options_of
from ourvidz.runtime.queue.redis.location import namespace_of

#: Where the token is looked for: ours, and the name that deployments of Upstash have already.
TOKEN_VARIABLES = ("OURVIDZ_QUEUE_TOKEN", "UPSTASH_REDIS_REST_TOKEN")

_TOKEN = re.compile(r"[!-~]+")


class QueueTokenMissing(NotReady):
    """The queue is reached over REST, and its token is not in the environment, or cannot be one."""

    code = "queue_token_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a request shows to be let in."""

    text: str = field(repr=False)
    variable: str
    """Where it comes from, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a database is reached over REST."""

    host: str
    port: int
    tls: bool = True
    token: Token
    ca: Path | None = None
    """Certificates of the authorities to trust; None: the system's."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = self.port == (443 if self.tls else 80)
        return f"{'https' if self.tls else 'http'}://{host}" + ("" if standard else f":{self.port}")


def endpoint_of(context: BackendContext) -> tuple[Endpoint, str]:
    """The endpoint that a URL names, and the namespace.

    Raises LocationInvalid, never with the URL, and QueueTokenMissing.
    """
    scheme = context.url.partition(":")[0]
    options = options_of(context, ["namespace", "ca"] if scheme == "https" else ["namespace"])
    namespace = namespace_of(scheme, options)
    parts = urlsplit(context.url)
    try:
        port = parts.port
    except ValueError:
        raise _invalid(scheme, "a port that is no port") from None
    host = parts.hostname
    if not host:
        raise _invalid(scheme, "no host")
    if parts.username is not None or parts.password is not None:
        raise _invalid(scheme, "a user or password")
    if parts.path.strip("/") or parts.fragment:
        raise _invalid(scheme, "a # after the host" if parts.fragment else "a path")
    if scheme == "http" and not is_loopback(host):
        raise LocationInvalid(
            f"the http URL: found {host}, where anybody between could read the token; expected https, "
            "or http to this machine itself"
        )
    endpoint = Endpoint(
        host=host,
        port=port or (443 if scheme == "https" else 80),
        tls=scheme == "https",
        token=_token(),
        ca=context.root / options["ca"] if "ca" in options else None,
    )
    return endpoint, namespace


def find_token(environment: Mapping[str, str] = os.environ) -> Token | None:
    """The token in the environment, if there is one. Raises QueueTokenMissing for one that is none."""
    for variable in TOKEN_VARIABLES:
        text = environment.get(variable)
        if text:
            if not _TOKEN.fullmatch(text):
                raise QueueTokenMissing(
                    f"{variable}: found a space or a character that is not ASCII, expected the token alone"
                )
            return Token(text=text, variable=variable)
    return None


def _token() -> Token:
    token = find_token()
    if token is None:
        raise QueueTokenMissing(
            f"a queue over REST needs a token: set {TOKEN_VARIABLES[0]}, or {TOKEN_VARIABLES[1]} as "
            "Upstash's console shows it"
        )
    return token


def _invalid(scheme: str, found: str) -> LocationInvalid:
    return LocationInvalid(
        f"the {scheme} URL: found {found}, expected {scheme}://HOST[:PORT]; the token belongs into "
        f"{TOKEN_VARIABLES[0]}"
    )
