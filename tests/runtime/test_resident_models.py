"""Several models in one worker: loaded when a job needs them, kept while there is declared room."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ourvidz.errors import OurvidzError
from ourvidz.runtime.client import Client
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.worker import Worker
from tests.site import JOB_TYPE, REPOSITORY, Site

SETTINGS = """\
plugins: [{plugins}, extra]
models:
{models}workers:
  placeholder: {{lease: 10s{vram}}}
"""

#: A plugin that keeps what the worker tells it.
LISTENER = """
from pathlib import Path

from ourvidz.plugins.hookspecs import hookimpl

@hookimpl
def ourvidz_worker_event(event):
    if event.kind.startswith("model_"):
        with Path(__file__).with_name("told").open("a") as file:
            file.write(f"{event.kind} {event.detail}\\n")
"""


@dataclass
class Memory(Observer):
    """What is in memory, as the worker tells it."""

    now: list[str] = field(default_factory=list)
    most: int = 0
    reasons: list[str] = field(default_factory=list)

    def model_loading(self, model: str) -> None:
        self.now.append(model)
        self.most = max(self.most, len(self.now))

    def model_unloaded(self, model: str, why: str) -> None:
        self.now.remove(model)
        self.reasons.append(f"{model} {why}")


def settle(site: Site, *, vram: str = "", **models: str) -> None:
    """Write settings with these models and their sizes, and a job type for each model."""
    entries = "".join(
        f"  {name}: {{family: placeholder, location: none, vram: {size}}}\n" for name, size in models.items()
    )
    room = f", vram: {vram}" if vram else ""
    text = SETTINGS.format(plugins=REPOSITORY / "plugins", models=entries, vram=room)
    (site.root / "ourvidz.yaml").write_text(text)
    for name in models:
        site.spec(f"of_{name}", f"{JOB_TYPE}model: {name}\n")


@pytest.fixture(autouse=True)
def _listens(site: Site) -> None:
    (site.root / "extra").mkdir()
    (site.root / "extra/listener.py").write_text(LISTENER)
    (site.root / "jobtypes/placeholder_fast.yaml").unlink()


def make(site: Site, worker: Worker, *models: str) -> None:
    """Make a job with each of these models, one after another."""
    with Client.open(site.project()) as client:
        for name in models:
            job_id = client.submit(f"of_{name}", prompt="a red barn")
            worker.run(burst=True)
            assert client.status(job_id).status == "completed"


def test_models_stay_while_there_is_room_and_the_one_unused_for_longest_goes_first(site: Site) -> None:
    settle(site, vram="12GB", oil="5GB", fresco="4GB", ink="3GB", chalk="6GB")
    memory = Memory()
    with Worker(site.project(), "placeholder", observer=memory) as worker:
        make(site, worker, "oil", "fresco", "ink", "oil")
        assert memory.now == ["oil", "fresco", "ink"]
        make(site, worker, "chalk")
        assert memory.now == ["oil", "chalk"]
    assert memory.reasons == [
        "fresco chalk is needed: fresco 4GB + ink 3GB + oil 5GB + chalk 6GB = 18GB, and the worker has 12GB",
        "ink chalk is needed: ink 3GB + oil 5GB + chalk 6GB = 14GB, and the worker has 12GB",
    ]


def test_room_is_left_for_the_work_of_the_heaviest_job(site: Site) -> None:
    settle(site, vram="12GB", oil="5GB", fresco="4GB", ink="3GB")
    site.spec("of_ink", f"{JOB_TYPE}model: ink\nvram: {{peak: 4GB}}\n")
    memory = Memory()
    with Worker(site.project(), "placeholder", observer=memory) as worker:
        make(site, worker, "oil", "fresco", "ink")
        assert memory.now == ["fresco", "ink"]
    assert memory.reasons == [
        "oil ink is needed: oil 5GB + fresco 4GB + ink 3GB + work of of_ink 1GB = 13GB, "
        "and the worker has 12GB"
    ]


def test_without_declared_memory_one_model_is_kept(site: Site) -> None:
    settle(site, oil="1GB", fresco="1GB")
    memory = Memory()
    with Worker(site.project(), "placeholder", observer=memory) as worker:
        make(site, worker, "oil", "oil", "fresco")
    assert memory.now == ["fresco"]
    assert memory.reasons == ["oil fresco is needed: one model is kept at a time where no vram is declared"]


def test_a_model_leaves_before_another_one_comes(site: Site) -> None:
    settle(site, vram="6GB", oil="3GB", fresco="3GB", ink="6GB")
    memory = Memory()
    with Worker(site.project(), "placeholder", observer=memory) as worker:
        make(site, worker, "oil", "fresco", "ink", "oil")
    assert memory.most == 2
    told = (site.root / "extra/told").read_text().splitlines()
    assert told == [
        "model_loaded oil",
        "model_loaded fresco",
        "model_unloaded oil",
        "model_unloaded fresco",
        "model_loaded ink",
        "model_unloaded ink",
        "model_loaded oil",
        "model_unloaded oil",
    ]


def test_changed_and_unneeded_models_leave_when_the_files_are_read_again(site: Site) -> None:
    settle(site, vram="12GB", oil="3GB", fresco="3GB", ink="3GB")
    memory = Memory()
    with Worker(site.project(), "placeholder", observer=memory) as worker:
        make(site, worker, "oil", "fresco", "ink")
        (site.root / "jobtypes/of_oil.yaml").unlink()
        settle(site, vram="12GB", fresco="4GB", ink="3GB")
        worker.run(burst=True)
        assert memory.now == ["ink"]
        make(site, worker, "fresco")
        assert memory.now == ["ink", "fresco"]
        settle(site, vram="4GB", fresco="4GB", ink="3GB")
        make(site, worker, "ink")
        assert memory.now == ["ink"]
    assert memory.reasons == [
        "oil no job type is made with it any more",
        "fresco its entry in ourvidz.yaml is another one",
        "ink ink 3GB + fresco 4GB = 7GB, and the worker has 4GB",
        "fresco ink is needed: fresco 4GB + ink 3GB = 7GB, and the worker has 4GB",
    ]


def test_a_model_of_one_job_type_that_is_served_alone_has_all_the_room(site: Site) -> None:
    settle(site, vram="6GB", oil="3GB", fresco="3GB")
    memory = Memory()
    with Worker(site.project(), "placeholder", job_type="of_oil", observer=memory) as worker:
        worker.prepare()
    assert memory.now == ["oil"]


def test_of_several_models_none_is_loaded_before_a_job_needs_it(site: Site) -> None:
    settle(site, vram="6GB", oil="3GB", fresco="3GB")
    memory = Memory()
    with Worker(site.project(), "placeholder", observer=memory) as worker:
        worker.prepare()
    assert memory.now == []


def test_a_model_that_can_never_have_room_stops_the_worker_at_its_start(site: Site) -> None:
    settle(site, vram="6GB", oil="3GB", fresco="7GB")
    with pytest.raises(OurvidzError, match="6GB, with fresco 7GB"):
        site.project()


def test_the_command_tells_what_left_and_why(site: Site) -> None:
    settle(site, oil="1GB", fresco="1GB")
    with Client.open(site.project()) as client:
        for name in ("oil", "fresco"):
            client.submit(f"of_{name}", prompt="a red barn")
    why = "fresco is needed: one model is kept at a time where no vram is declared"
    printed = site.ourvidz("run-worker", "--plugin", "placeholder", "--burst").stdout
    assert f"unloaded oil: {why}\nloaded fresco in " in printed
    with Client.open(site.project()) as client:
        for name in ("oil", "fresco"):
            client.submit(f"of_{name}", prompt="a red barn")
    lines = site.ourvidz("run-worker", "--plugin", "placeholder", "--burst", "--json").stdout
    assert f'{{"event": "model_unloaded", "model": "oil", "why": "{why}"}}' in lines.splitlines()
    assert (site.root / "extra/told").read_text().count("model_unloaded oil") == 2
