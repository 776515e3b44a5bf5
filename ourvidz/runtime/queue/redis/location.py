"""URLs of Redis servers: ``rediss://user:password@host:6380/0?namespace=ourvidz&ca=/etc/ca.pem``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ourvidz.jobs.redis.scripts import NAMESPACE, NAMESPACE_PATTERN
from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.locations import LocationInvalid, options_of

_EXPECTED = "expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a Redis server listens, and how it is spoken to."""

    host: str
    port: int = 6379
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca: Path | None = None
    """Certificates of the authorities to trust; None: the system's."""

    def __str__(self) -> str:
        """Without user and password, for messages."""
        return f"{'rediss' if self.tls else 'redis'}://{self.host}:{self.port}/{self.database}"


def server_of(context: BackendContext) -> tuple[Server, str]:
    """The server that a URL names, and the namespace. Raises LocationInvalid, never with the URL."""
    scheme = context.url.partition(":")[0]
    options = options_of(context, ["namespace", "ca"] if scheme == "rediss" else ["namespace"])
    namespace = namespace_of(scheme, options)
    parts = urlsplit(context.url)
    try:
        port = parts.port
    except ValueError:
        raise LocationInvalid(f"the {scheme} URL: found a port that is no port, {_EXPECTED}") from None
    database = parts.path.strip("/")
    if not parts.hostname or parts.fragment or (database and not database.isdecimal()):
        found = (
            "no host" if not parts.hostname else "a #" if parts.fragment else "a database that is no number"
        )
        raise LocationInvalid(
            f"the {scheme} URL: found {found}, {_EXPECTED}; a password is written in %-escapes"
        )
    server = Server(
        host=parts.hostname,
        port=6379 if port is None else port,
        database=int(database or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=scheme == "rediss",
        ca=context.root / options["ca"] if "ca" in options else None,
    )
    return server, namespace


def namespace_of(scheme: str, options: Mapping[str, str]) -> str:
    """What stands in front of every key, by the options of a URL. Raises LocationInvalid."""
    namespace = options.get("namespace", NAMESPACE)
    if not NAMESPACE_PATTERN.fullmatch(namespace):
        raise LocationInvalid(
            f"the {scheme} URL: namespace: expected 1 to 64 of A-Z, a-z, 0-9, _, . and -, beginning with "
            "a letter or a digit"
        )
    return namespace
