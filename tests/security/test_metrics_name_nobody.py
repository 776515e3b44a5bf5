"""What a worker tells whoever watches it names no job, user or prompt, and is told on the loopback alone."""

from __future__ import annotations

import socket
import urllib.request

from ourvidz.runtime.client import Client
from tests.conformance.jobs import USER
from tests.site import Site, until

WISH = "a harbour of the wished-for kind"


def test_metrics_name_nobody_and_take_no_stranger(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Client.open(site.project()) as client:
        made = client.submit("placeholder_fast", prompt=WISH, user_id=USER)
        refused = client.submit("placeholder_fast", prompt=WISH, user_id=USER, params={"steps": 1000})
        client.queue.cancel(refused)
        site.worker("--health", str(port), heard=False)
        client.wait(made, timeout=30)

    def said() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    until(lambda: 'outcome="completed"} 1.0' in said())
    text = said()
    assert not [one for one in (WISH, "harbour", USER, made, refused) if one in text]
    # Every address 127.0.0.0/8 is this machine; one that was bound to all would answer here as well.
    with socket.socket() as stranger:
        assert stranger.connect_ex(("127.0.0.2", port)) != 0
