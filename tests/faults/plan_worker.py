"""The worker that the plan began with: RPOP, make, store, tell; two seconds of sleep when nothing is there.

It has the labels of ours, so that it can be killed at the same steps.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from pathlib import Path
from urllib.request import Request, urlopen

import redis
from PIL import Image

from ourvidz.runtime.callback.signing import read_keys, signatures
from tests.faults.plugins.labelled.steps import reach
from tests.faults.producers import QUEUE

POLL = 2.0


def make() -> bytes:
    picture = io.BytesIO()
    Image.linear_gradient("L").resize((32, 32)).convert("RGB").save(picture, "PNG")
    return picture.getvalue()


def main() -> None:
    queue = redis.Redis.from_url(os.environ["PLAN_REDIS"])
    callback = os.environ["OURVIDZ_CALLBACK_URL"].removeprefix("labelled:")
    while True:
        payload = queue.rpop(QUEUE)
        if payload is None:
            time.sleep(POLL)
            continue
        assert isinstance(payload, bytes)
        job = json.loads(payload)
        job_id = job["job_id"]
        reach("claimed", job_id)
        data = make()
        reach("generating", job_id)
        path = f"{job['user_id']}/{job_id}.png"
        reach("storing", job_id)
        file = Path("storage/placeholder_fast") / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        reach("completing", job_id)
        asset = {"bucket": "placeholder_fast", "path": path, "sha256": hashlib.sha256(data).hexdigest()}
        event = {"job_id": job_id, "sequence": 1, "status": "completed", "result": {"assets": [asset]}}
        body = json.dumps(event).encode()
        reach("telling", job_id)
        headers = signatures(read_keys(os.environ), int(time.time()), body)
        urlopen(Request(callback, body, headers)).close()
        reach("told", job_id)


if __name__ == "__main__":
    main()
