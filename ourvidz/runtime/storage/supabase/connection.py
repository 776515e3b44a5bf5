"""The one HTTP connection of a storage: its time-outs, and how often what failed is tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx

from ourvidz.jobs.storage import StorageRefused, StorageUnavailable
from ourvidz.runtime.back_off import back_off
from ourvidz.runtime.storage.supabase.answers import Meaning, Refusal, raise_refusals

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds: to connect, to wait for the next bytes, to get rid of the next ones, for a free connection.
TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=120.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a call is made before it counts as failed, with pauses between, in seconds.

    An upload that fails costs the job another generation: an outage of about a minute is waited out.
    """

    tries: int = 8
    first_pause: float = 0.5
    longest_pause: float = 20.0

    def insist(self, action: Callable[[], T]) -> T:
        """Repeat what storage is not ready for. Raises what the last try raised."""
        failures = 0
        while True:
            try:
                return action()
            except StorageUnavailable as error:
                failures += 1
                if failures >= self.tries:
                    raise
                log.warning("%s; trying again", error)
                time.sleep(back_off(failures, first=self.first_pause, longest=self.longest_pause))


def connect(headers: Mapping[str, str], timeouts: httpx.Timeout = TIMEOUTS) -> httpx.Client:
    """A client that raises Refusal for every answer but success, and follows nobody elsewhere.

    Safe to use from several threads, as HTTP/1.1 is and HTTP/2 in this library is not.
    """
    # It logs the address of every request, and a signed one is a secret; below it, even headers.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(
        headers=headers,
        timeout=timeouts,
        follow_redirects=False,
        trust_env=False,
        event_hooks={"response": [raise_refusals]},
    )


@contextmanager
def asking(what: str, *expected: Meaning) -> Iterator[None]:
    """Say what went wrong with a request in the words of the storage protocol.

    A refusal of a meaning that is ``expected`` passes through. Raises StorageUnavailable,
    StorageRefused, Refusal.
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.meaning in expected:
            raise
        kind = (
            StorageRefused if refusal.meaning in ("refused", "missing", "no_bucket") else StorageUnavailable
        )
        raise kind(f"{what}: storage answered {refusal}") from None
    except httpx.TimeoutException as error:
        raise StorageUnavailable(f"{what}: no answer in time ({type(error).__name__})") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Its text may repeat an address, and a signed one is a secret.
        raise StorageUnavailable(f"{what}: the connection failed ({type(error).__name__})") from None
    except (ValueError, LookupError, TypeError):
        # The client library takes every success for JSON of the right shape.
        raise StorageUnavailable(f"{what}: the answer is none of a storage server") from None
