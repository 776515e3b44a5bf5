"""Two families under ``ourvidz up``: it is killed while it works, and nothing is lost."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from ourvidz.runtime.client import Client
from ourvidz.runtime.supervisor.control import NotUp, ask
from tests.runtime.brittle_site import BRITTLE
from tests.site import REPOSITORY, Site, site, until

__all__ = ["site"]

#: Jobs of each family.
JOBS = 3

SETTINGS = f"""\
plugins: ["{REPOSITORY / "plugins"}", "{REPOSITORY / "tests/runtime/brittle"}"]
up: {{first_wait: 20ms, longest_wait: 50ms}}
workers:
  placeholder: {{lease: 1s, device: cpu}}
  brittle: {{lease: 1s, device: cpu}}
"""


def test_nothing_is_lost_when_a_supervisor_is_killed_and_started_again(site: Site) -> None:
    (site.root / "ourvidz.yaml").write_text(SETTINGS)
    site.spec("brittle_fast", BRITTLE)
    up, jobs = _up(site), list[str]()
    with Client.open(site.project()) as client:
        for _ in range(JOBS):
            jobs.append(client.submit("placeholder_fast", prompt="a barn", params={"step_time": 0.1}))
            jobs.append(client.submit("brittle_fast", prompt="a barn"))
        workers = _working(site, "placeholder")
        up.kill()
        up.wait()
        until(partial(_are_gone, workers.values()))
        up = _up(site)
        until(lambda: Counter(client.status(one).status for one in jobs) == {"completed": len(jobs)})
        assert not client.queue.dead_letters.list()
    _working(site)
    up.send_signal(signal.SIGTERM)
    assert up.wait() == 0


def _are_gone(pids: Iterable[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def _up(site: Site) -> subprocess.Popen[str]:
    return site.start("up", "--json", stdout=subprocess.DEVNULL)


def _working(site: Site, *busy: str) -> dict[str, int]:
    """The process of each worker, once both are up and those that are named here make a job."""
    pids: dict[str, int] = {}

    def are_up() -> bool:
        nonlocal pids
        try:
            workers = ask(site.root, "ps")["workers"]
        except NotUp:
            return False
        up = [one for one in workers if one["state"] in ("ready", "working")]
        pids = {one["worker"]: one["pid"] for one in up}
        return len(up) == 2 and all(one["job"] for one in up if one["worker"] in busy)

    until(are_up)
    return pids
