"""The platform: takes what is signed, and remembers all of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from types import ModuleType

from tests.faults.judge import ENDS, Told
from tests.runtime.receivers import KEY_ID, SECRET, Function, Request


@dataclass(slots=True)
class Platform(Function):
    """Checks signatures as the documented receiver does, and goes by no sequence: the judge does."""

    module: ModuleType = field(kw_only=True)
    told: list[Told] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    """Jobs that have come to an end."""

    def take(self, request: Request) -> int:
        if not self.module.verify(request.headers, request.body, {KEY_ID: SECRET}, time.time()):
            return 401
        told = Told(time.monotonic(), json.loads(request.body))
        self.told.append(told)
        if told.event["status"] in ENDS:
            self.ended.add(told.job_id)
        return 204
