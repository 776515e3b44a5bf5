"""Signs what a worker says over HTTP: HMAC-SHA256 over ``timestamp.body``, by every key that is in use.

While a key is exchanged there are two, and every request carries a signature by each. So a receiver
may change over to the new key at any moment between, and none of its moments refuses anything.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ourvidz.errors import NotReady
from ourvidz.jobs.callback import SIGNATURE_HEADER, TIMESTAMP_HEADER

KEYS_VARIABLE = "OURVIDZ_CALLBACK_KEYS"
TOKEN_VARIABLE = "OURVIDZ_CALLBACK_TOKEN"

#: One in use, and a second one while it is exchanged.
MOST_KEYS = 2

#: As many characters as 16 random bytes have in hexadecimal.
SHORTEST_SECRET = 32

_KEY = re.compile(r"([A-Za-z0-9_-]{1,32}):([!-~]+)")
_TOKEN = re.compile(r"[!-~]+")


class CallbackSecretInvalid(NotReady):
    """A secret that signs or admits is missing from the environment, or cannot be used as it is."""

    code = "callback_secret_invalid"


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that the receiver knows as well, and the name by which it finds it."""

    id: str
    secret: str = field(repr=False)

    def sign(self, message: bytes) -> str:
        """HMAC-SHA256 in hexadecimal."""
        return hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()


def read_keys(environment: Mapping[str, str]) -> tuple[Key, ...]:
    """The keys of OURVIDZ_CALLBACK_KEYS, one or two of ``id:secret``, by commas. None: empty.

    Raises CallbackSecretInvalid, which names the place and never the text.
    """
    text = environment.get(KEYS_VARIABLE, "").strip()
    if not text:
        return ()
    found = [_KEY.fullmatch(part.strip()) for part in text.split(",")]
    keys = [Key(match[1], match[2]) for match in found if match]
    expected = f"expected id:secret, or while a key is exchanged id:secret,id:secret; {HOW_TO_MAKE_ONE}"
    if len(keys) < len(found):
        number = found.index(None) + 1
        raise CallbackSecretInvalid(f"{KEYS_VARIABLE}: key {number} cannot be read; {expected}")
    if len(keys) > MOST_KEYS:
        raise CallbackSecretInvalid(f"{KEYS_VARIABLE}: found {len(keys)} keys; {expected}")
    if len({key.id for key in keys}) < len(keys):
        raise CallbackSecretInvalid(f"{KEYS_VARIABLE}: found two keys of one id; {expected}")
    for key in keys:
        if len(key.secret) < SHORTEST_SECRET:
            raise CallbackSecretInvalid(
                f"{KEYS_VARIABLE}: the secret of key {key.id} has {len(key.secret)} characters, expected at "
                f"least {SHORTEST_SECRET}; {HOW_TO_MAKE_ONE}"
            )
    return tuple(keys)


HOW_TO_MAKE_ONE = "openssl rand -hex 32 makes a secret"


def read_token(environment: Mapping[str, str]) -> str | None:
    """What OURVIDZ_CALLBACK_TOKEN holds; None if nothing. Raises CallbackSecretInvalid."""
    token = environment.get(TOKEN_VARIABLE, "").strip()
    if token and not _TOKEN.fullmatch(token):
        raise CallbackSecretInvalid(f"{TOKEN_VARIABLE}: expected one word of ASCII, found something else")
    return token or None


def signatures(keys: Sequence[Key], timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that prove a body: the time in seconds since the epoch, and ``id=hex`` by commas."""
    message = b"%d.%b" % (timestamp, body)
    return {
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: ",".join(f"{key.id}={key.sign(message)}" for key in keys),
    }
