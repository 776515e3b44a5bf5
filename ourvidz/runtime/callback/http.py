"""The callback over HTTP: every event is one signed POST, whose bytes are the same at every try."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from ourvidz.jobs.callback import CallbackFailed
from ourvidz.jobs.deployed_callbacks import JULY_2025, LATEST, SHAPES, CallbackShape
from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.jobs.events import JobEvent
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.runtime.callback.posting import Receiver
from ourvidz.runtime.callback.signing import (
    HOW_TO_MAKE_ONE,
    KEYS_VARIABLE,
    TOKEN_VARIABLE,
    CallbackSecretInvalid,
    Key,
    read_keys,
    read_token,
    signatures,
)
from ourvidz.spec.catalog import Catalog

#: Of the latest deployed shape: HMAC-SHA256 over the body alone, by the first key.
DEPLOYED_SIGNATURE_HEADER = "X-Callback-Signature"

#: Jobs of which it is remembered what a function was told last.
REMEMBERED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What proves that an event is ours."""

    keys: tuple[Key, ...]
    token: str | None = field(repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str], shape: str) -> Secrets:
        """Read the environment. Raises CallbackSecretInvalid also for what the shape cannot do without."""
        secrets = cls(keys=read_keys(environment), token=read_token(environment))
        if shape == JULY_2025.name and secrets.token is None:
            raise CallbackSecretInvalid(
                f"{TOKEN_VARIABLE}: found nothing, expected the service key, since callbacks of the shape "
                f"{shape} are known by it"
            )
        if shape != JULY_2025.name and not secrets.keys:
            raise CallbackSecretInvalid(
                f"{KEYS_VARIABLE}: found nothing, expected id:secret, since callbacks of the shape {shape} "
                f"are signed; {HOW_TO_MAKE_ONE}"
            )
        return secrets


class HttpCallback:
    """See :class:`ourvidz.jobs.callback.Callback`. Whatever is not answered by 2xx was not accepted."""

    def __init__(
        self, receiver: Receiver, secrets: Secrets, *, shape: str, clock: Callable[[], float] = time.time
    ) -> None:
        """``shape`` is ``event`` or the name of a deployed one."""
        self._receiver = receiver
        self._secrets = secrets
        self._shape = SHAPES.get(shape)
        self._clock = clock
        self._told: OrderedDict[str, int] = OrderedDict()

    def deliver(self, entry: OutboxEntry) -> None:
        if self._shape is None:
            self._post(entry.body)
        else:
            self._deliver_deployed(self._shape, entry)

    def locate(self, job_id: str) -> str | None:
        """Nowhere: what a receiver keeps is its own affair."""
        return None

    def diagnose(self, catalog: Catalog) -> Iterator[Diagnosis]:
        """See :class:`ourvidz.jobs.diagnosis.Diagnosable`. Nothing is posted: an event would count."""
        self._receiver.reach()
        yield Diagnosis(
            check="callback",
            health="ok",
            found=f"{self._receiver} can be reached; whether it takes the secrets, the first event tells",
        )

    def close(self) -> None:
        """Nothing is held open."""

    def _deliver_deployed(self, shape: CallbackShape, entry: OutboxEntry) -> None:
        """A deployed function takes events as they come; so what came too late stays here."""
        try:
            event = JobEvent.model_validate_json(entry.body)
        except ValidationError as error:
            raise CallbackFailed(
                f"event {entry.id} of job {entry.job_id}: is not an event of version 1 "
                f"({error.error_count()} problems)"
            ) from None
        body = shape.body(event)
        if body is None or self._told.get(event.job_id, 0) >= event.sequence:
            return
        self._post(json.dumps(body).encode())
        self._told[event.job_id] = event.sequence
        self._told.move_to_end(event.job_id)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    def _post(self, body: bytes) -> None:
        self._receiver.post(body, self._headers(body))

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ourvidz",
            # Many receivers keep a connection open that nobody uses again.
            "Connection": "close",
        }
        # Signed anew at every try, since a receiver refuses what was signed long ago.
        headers |= signatures(self._secrets.keys, int(self._clock()), body) if self._secrets.keys else {}
        if self._shape is LATEST:
            headers[DEPLOYED_SIGNATURE_HEADER] = f"sha256={self._secrets.keys[0].sign(body)}"
        if self._secrets.token is not None:
            headers["Authorization"] = f"Bearer {self._secrets.token}"
        return headers
