"""What a payload turns out to be when it arrives, before any queue is locked for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from ourvidz.jobs.envelope import Envelope, EnvelopeInvalid
from ourvidz.jobs.states import Failure
from ourvidz.jobs.wire import read_envelope


def read(payload: bytes, now: float) -> Envelope | EnvelopeInvalid:
    """Read a payload; ``now`` is when it arrived, in seconds since the epoch."""
    try:
        return read_envelope(payload, received_at=datetime.fromtimestamp(now, UTC))
    except EnvelopeInvalid as error:
        return error


def metadata_of(envelope: Envelope) -> str:
    """An envelope's metadata as JSON."""
    return json.dumps(envelope.metadata)


def failure_of(error: EnvelopeInvalid) -> Failure:
    """Why a payload that cannot be read is kept as a dead letter."""
    return Failure(code=error.code, message=str(error))
