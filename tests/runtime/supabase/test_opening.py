"""Supabase's storage is opened by its URL, its secrets come from the environment, and jobs end up there."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ourvidz.errors import OurvidzError
from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.jobs.storage import ObjectKey, Storage
from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.backends import all_embedded, open_storage
from ourvidz.runtime.builtin_backends.supabase import ourvidz_storages
from ourvidz.runtime.callback.signing import Key
from ourvidz.runtime.client import Client
from ourvidz.runtime.client_libraries import ClientMissing
from ourvidz.runtime.storage.supabase.storage import SupabaseStorage
from ourvidz.runtime.supabase_access import ServiceAccess, SupabaseNotConfigured
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.settings import BucketEntry, Settings
from tests.conformance.storage import KEY
from tests.servers.signing import signing_endpoint
from tests.servers.supabase import Supabase
from tests.site import Site, site

__all__ = ["site"]

HIDDEN = "sb_secret_hidden"


def opened(url: str) -> Storage:
    buckets = {"sdxl_fast": BucketEntry(), "posters": BucketEntry(privacy="public")}
    catalog = Catalog(job_types={}, queues={}, buckets=buckets, models={}, settings=Settings())
    backends = {one.scheme: one for one in ourvidz_storages()}
    context = BackendContext(url=url, root=Path(), catalog=catalog)
    return backends[url.partition(":")[0]].open(context)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_URL", "https://project.supabase.co/")
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", HIDDEN)
    monkeypatch.setenv("OURVIDZ_CALLBACK_KEYS", f"july:{HIDDEN:0<32}")


@pytest.mark.usefixtures("configured")
def test_an_object_is_located_where_whoever_may_see_it_finds_it() -> None:
    with closing(opened("supabase:")) as storage:
        base = "https://project.supabase.co/storage/v1/object"
        assert storage.locate(KEY) == f"{base}/authenticated/{KEY}"
        assert storage.locate(ObjectKey("posters", "a.png")) == f"{base}/public/posters/a.png"
    with closing(opened("supabase-signed:https://project.supabase.co/functions/v1/urls")) as signed:
        assert signed.locate(KEY) == str(KEY)


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "url", [f"supabase:{HIDDEN}", "supabase://project.supabase.co", "supabase:?key=hidden"]
)
def test_nothing_stands_in_the_url_itself(url: str) -> None:
    with pytest.raises(OurvidzError, match="expected supabase: alone") as refused:
        opened(url)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "key", "told"),
    [
        (None, HIDDEN, "SUPABASE_URL: not set"),
        ("", HIDDEN, "SUPABASE_URL: not set"),
        ("https://project.supabase.co", None, "SUPABASE_SERVICE_ROLE_KEY: not set"),
        ("https://project.supabase.co", "hidden key", "SUPABASE_SERVICE_ROLE_KEY: found spaces"),
        ("http://project.supabase.co", HIDDEN, "SUPABASE_URL: found the scheme 'http', expected https"),
        ("https://me:hidden@project.supabase.co", HIDDEN, "SUPABASE_URL: found a user name"),
        ("project.supabase.co", HIDDEN, "SUPABASE_URL: found the scheme '', expected https"),
        ("https://[::1", HIDDEN, "SUPABASE_URL: found what is no URL"),
        ("https://project.supabase.co?apikey=hidden", HIDDEN, "SUPABASE_URL: found something after"),
    ],
)
def test_an_environment_that_does_not_do_is_told_of_without_its_secrets(
    url: str | None, key: str | None, told: str
) -> None:
    given = {"SUPABASE_URL": url, "SUPABASE_SERVICE_ROLE_KEY": key}
    with pytest.raises(SupabaseNotConfigured, match=told) as refused:
        ServiceAccess.read({name: value for name, value in given.items() if value is not None})
    assert "hidden" not in str(refused.value)


def test_the_key_is_not_shown() -> None:
    assert HIDDEN not in repr(ServiceAccess(url="https://project.supabase.co", key=HIDDEN))


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("url", ["supabase:", "supabase-signed:https://project.supabase.co/urls"])
def test_a_client_that_is_not_installed_is_told_of(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ourvidz.runtime.storage.supabase")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ClientMissing, match=r"httpx is missing; run: pip install ourvidz\[supabase\]"):
        opened(url)


def test_the_client_is_loaded_when_the_storage_is_opened_and_not_before() -> None:
    program = (
        "import ourvidz.runtime.builtin_backends.supabase, sys;"
        " sys.exit(bool({'httpx', 'storage3'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def make_one(site: Site) -> list[str]:
    """Let a worker make a picture; gives the paths of what it stored."""
    with (site.root / "ourvidz.yaml").open("a") as settings:
        settings.write("review: {outputs: elsewhere}\n")
    project = site.project()
    assert not all_embedded(project)
    with Client.open(project) as client:
        job = client.submit("placeholder_fast", prompt="a lighthouse")
        worker = site.worker("--burst")
        told = worker.communicate(timeout=60)[0]
        status = client.status(job)
    assert status.status == "completed", told
    assert status.result is not None
    return [asset.path for asset in status.result.assets]


def test_a_worker_stores_its_results_by_the_service_key(
    server: Supabase, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURVIDZ_STORAGE_URL", "supabase:")
    monkeypatch.setenv("SUPABASE_URL", server.url)
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", server.key)
    [path] = make_one(site)
    with closing(open_storage(site.project())) as storage:
        assert storage.read(ObjectKey("placeholder_fast", path), limit=8) == b"\x89PNG\r\n\x1a\n"
    stored = site.ourvidz("storage", "sweep", "--json")
    assert '"objects": []' in stored.stdout, stored.stderr


def test_a_worker_stores_its_results_without_any_key(
    server: Supabase, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Key("july", "worker-secret-of-32-characters-7")
    with signing_endpoint(server, key) as endpoint:
        endpoint.any_claim = True
        monkeypatch.setenv("OURVIDZ_STORAGE_URL", f"supabase-signed:{endpoint.url}")
        monkeypatch.setenv("OURVIDZ_CALLBACK_KEYS", f"{key.id}:{key.secret}")
        [path] = make_one(site)
        with closing(open_storage(site.project())) as storage:
            assert storage.read(ObjectKey("placeholder_fast", path), limit=8) == b"\x89PNG\r\n\x1a\n"


def test_a_bucket_that_the_project_lacks_is_found(server: Supabase) -> None:
    def diagnosed(key: str, *buckets: str) -> Diagnosis:
        entries = {name: BucketEntry() for name in buckets}
        catalog = Catalog(job_types={}, queues={}, buckets=entries, models={}, settings=Settings())
        with closing(SupabaseStorage(ServiceAccess(url=server.url, key=key))) as storage:
            [diagnosis] = storage.diagnose(catalog)
        return diagnosis

    assert diagnosed(server.key, "sdxl_fast", "sdxl_high").health == "ok"
    lacking = diagnosed(server.key, "sdxl_fast", "posters")
    assert (lacking.health, lacking.found) == ("failed", "the project lacks the buckets posters")
    with pytest.raises(OurvidzError, match="the buckets cannot be listed") as caught:
        diagnosed(HIDDEN, "sdxl_fast")
    assert HIDDEN not in str(caught.value)
