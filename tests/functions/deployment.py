"""A whole deployment: functions in Deno, Supabase with our migrations, Redis behind Upstash's REST."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ourvidz.export.migration.files import next_files
from ourvidz.export.routing import as_typescript
from ourvidz.project import Project
from ourvidz.runtime.callback.signing import read_keys, signatures
from tests.runtime.redis_server import RedisServer
from tests.servers.node import NODE_FOLDER, deno, deno_environment, node_packages
from tests.servers.processes import free_port, listens, running
from tests.servers.supabase import PUBLIC_KEY, Supabase, supabase
from tests.servers.upstash import TOKEN, upstash_front
from tests.site import REPOSITORY, until

FUNCTIONS = ("queue-job", "job-callback", "sign-upload", "cancel-job")

#: The one in use, and the one that takes over.
KEYS = f"july:{'5e' * 16},august:{'a7' * 16}"

#: A table of an operator's own, for what jobs cost.
LEDGER = {
    "20990101000000_ledger.sql": "create table public.ledger (job_id uuid primary key, user_id uuid);\n"
    "grant all on public.ledger to service_role;\n"
}


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has signed up, with an access token."""

    id: str
    token: str


@dataclass(slots=True)
class Deployment:
    """Everything that runs. Redis may be stopped and started by a test."""

    platform: Supabase
    redis: RedisServer
    folder: Path
    urls: Mapping[str, str]
    """Where each function answers."""
    rest: str
    """Where Redis is asked over Upstash's REST."""
    project: Project
    environment: Mapping[str, str]
    """Of the functions."""

    def sign_up(self) -> User:
        """A new user, so that tests do not meet each other's jobs."""
        account = {"email": f"{uuid.uuid4().hex}@example.com", "password": "correct horse battery"}
        answer = httpx.post(
            f"{self.platform.url}/auth/v1/signup",
            headers={"apikey": PUBLIC_KEY},
            json=account,
            trust_env=False,
        )
        session = answer.raise_for_status().json()
        return User(session["user"]["id"], session["access_token"])

    def call(self, function: str, body: object, token: str | None = None) -> httpx.Response:
        """POST a body as JSON, or as it is if it is bytes."""
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post(function, content, headers)

    def post(self, function: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        return httpx.post(
            self.urls[function], content=content, headers=dict(headers), timeout=30, trust_env=False
        )

    def tell(self, event: Mapping[str, Any], keys: str = KEYS, at: int | None = None) -> httpx.Response:
        """Deliver an event as a worker does."""
        return self._signed("job-callback", event, keys, at)

    def sign(self, request: Mapping[str, Any], keys: str = KEYS, at: int | None = None) -> httpx.Response:
        """Ask for a signed URL as a worker does."""
        return self._signed("sign-upload", request, keys, at)

    def _signed(self, function: str, told: Mapping[str, Any], keys: str, at: int | None) -> httpx.Response:
        body = json.dumps(told).encode()
        read = read_keys({"OURVIDZ_CALLBACK_KEYS": keys})
        return self.post(function, body, signatures(read, int(time.time()) if at is None else at, body))

    def row(self, id: str) -> dict[str, Any] | None:
        return self.platform.rows().get(id)

    def waiting(self, queue: str) -> list[dict[str, Any]]:
        """What lies on a list, the next to be read last."""
        with self.redis.client() as client:
            return [json.loads(payload) for payload in client.lrange(queue, 0, -1)]

    def upload(self, user: User, path: str, data: bytes, bucket: str = "init_images") -> httpx.Response:
        """Store a picture as a frontend does."""
        return httpx.post(
            f"{self.platform.url}/storage/v1/object/{bucket}/{path}",
            headers=as_user(user) | {"content-type": "image/png"},
            content=data,
            trust_env=False,
        )

    def fetch(self, user: User | None, bucket: str, path: str) -> httpx.Response:
        """Read an object as a frontend does; None: somebody who has not signed in."""
        headers = {"apikey": PUBLIC_KEY} if user is None else as_user(user)
        return httpx.get(
            f"{self.platform.url}/storage/v1/object/{bucket}/{path}",
            headers=headers,
            trust_env=False,
        )

    @contextmanager
    def queue_away(self) -> Iterator[None]:
        """Redis does not run until the block ends."""
        self.redis.stop()
        try:
            yield
        finally:
            self.redis.start()
            with httpx.Client(headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False) as client:
                until(lambda: client.post(self.rest, json=["PING"]).is_success)

    def worker_environment(self) -> dict[str, str]:
        """What a worker of this deployment has in its environment."""
        return {
            "OURVIDZ_QUEUE_URL": self.redis.url,
            "OURVIDZ_STORAGE_URL": f"supabase-signed:{self.urls['sign-upload']}",
            "OURVIDZ_CALLBACK_URL": self.urls["job-callback"],
            "OURVIDZ_CALLBACK_KEYS": KEYS,
        }


def as_user(user: User) -> dict[str, str]:
    return {"apikey": PUBLIC_KEY, "authorization": f"Bearer {user.token}"}


@contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    """Run everything until the block ends; ``folder`` has the job types and settings."""
    project = Project.open(jobtypes=folder / "jobtypes", config=folder / "ourvidz.yaml")
    functions = folder / "supabase" / "functions"
    for part in ("functions", "client"):
        shutil.copytree(REPOSITORY / "supabase" / part, folder / "supabase" / part)
    (functions / "_shared" / "routing.ts").write_text(as_typescript(project.catalog))
    link_packages(folder)
    server = RedisServer(folder / "redis")
    server.start()
    with ExitStack() as stack:
        stack.callback(server.stop)
        platform = stack.enter_context(supabase({**next_files(project.catalog, {}), **LEDGER}))
        front = stack.enter_context(upstash_front(server.port))
        environment = deno_environment(NODE_FOLDER / "node_modules") | {
            "SUPABASE_URL": platform.url,
            "SUPABASE_ANON_KEY": PUBLIC_KEY,
            "SUPABASE_SERVICE_ROLE_KEY": platform.key,
            "UPSTASH_REDIS_REST_URL": f"http://127.0.0.1:{front.server_port}",
            "UPSTASH_REDIS_REST_TOKEN": TOKEN,
            "OURVIDZ_CALLBACK_KEYS": KEYS,
        }
        urls = {
            name: stack.enter_context(function(functions / name / "index.ts", folder, environment))
            for name in FUNCTIONS
        }
        yield Deployment(
            platform, server, folder, urls, environment["UPSTASH_REDIS_REST_URL"], project, environment
        )


@contextmanager
def function(file: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run one function in Deno until the block ends; where it answers."""
    port = free_port()
    command: list[str | Path] = [deno(), "run", "--allow-net", "--allow-env", "--quiet", file]
    with running(
        command,
        lambda: listens(port),
        log=folder / f"{file.parent.name}-{port}.log",
        cwd=folder,
        env={**environment, "DENO_SERVE_ADDRESS": f"tcp:127.0.0.1:{port}"},
    ):
        yield f"http://127.0.0.1:{port}"


def link_packages(folder: Path) -> None:
    """Let Deno take the pinned packages of ``tests/node`` instead of asking a registry."""
    (folder / "node_modules").symlink_to(node_packages())
    shutil.copy(NODE_FOLDER / "package.json", folder)
    (folder / "deno.json").write_text(json.dumps({"nodeModulesDir": "manual"}))
