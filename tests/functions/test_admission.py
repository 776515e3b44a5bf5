"""Limits, credits and the push, where an operator's own hook charges and the queue fails in between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from tests.functions.deployment import Deployment, User, function
from tests.servers.faults import Answer, FaultFront, fault_front

REQUEST = {"job_type": "placeholder_fast", "prompt": "a harbour"}
FAILS = Answer(status=500, body=b"{}")

#: Who says so has no credits; what others pay stands in a table.
HOOK = """\
import type { SupabaseClient } from "npm:@supabase/supabase-js@2";
import type { JobRequest } from "../_shared/routing.ts";

export interface Charge {
  readonly jobId: string;
  readonly userId: string;
  readonly request: JobRequest;
}

export async function charge({ jobId, userId, request }: Charge, platform: SupabaseClient): Promise<boolean> {
  if (request.metadata?.["credits"] === 0) return false;
  const { error } = await platform.from("ledger").upsert({ job_id: jobId, user_id: userId });
  if (error !== null) throw error;
  return true;
}

export async function refund({ jobId }: Charge, platform: SupabaseClient): Promise<void> {
  const { error } = await platform.from("ledger").delete().eq("job_id", jobId);
  if (error !== null) throw error;
}
"""


@pytest.fixture(scope="module")
def charging(running_deployment: Deployment) -> Iterator[tuple[str, FaultFront]]:
    """Another queue-job, with such a hook and with a front of its queue that fails as it is told."""
    folder = running_deployment.folder / "charging"
    shutil.copytree(running_deployment.folder / "supabase", folder / "supabase")
    file = folder / "supabase" / "functions" / "queue-job" / "index.ts"
    (file.parent / "credits.ts").write_text(HOOK)
    with fault_front(running_deployment.rest) as front:
        environment = {**running_deployment.environment, "UPSTASH_REDIS_REST_URL": front.url}
        with function(file, running_deployment.folder, environment) as url:
            yield url, front


@pytest.fixture
def front(charging: tuple[str, FaultFront]) -> FaultFront:
    charging[1].on_fault = lambda: None
    return charging[1]


@pytest.fixture
def charges(deployed: Deployment, charging: tuple[str, FaultFront]) -> Deployment:
    """The same deployment as users see it who are charged."""
    return replace(deployed, urls={**deployed.urls, "queue-job": charging[0]})


def rows(deployed: Deployment, user: User) -> list[str]:
    return [str(row["id"]) for row in deployed.platform.rows().values() if row["user_id"] == user.id]


def paid(deployed: Deployment, user: User) -> list[str]:
    """The jobs that a user has paid for."""
    address = f"{deployed.platform.url}/rest/v1/ledger"
    answer = httpx.get(address, headers=deployed.platform.headers, trust_env=False).raise_for_status()
    return [line["job_id"] for line in answer.json() if line["user_id"] == user.id]


def test_who_has_too_few_credits_is_refused_and_nothing_is_left(charges: Deployment, user: User) -> None:
    answer = charges.call("queue-job", REQUEST | {"metadata": {"credits": 0}}, user.token)
    assert (answer.status_code, answer.json()["code"]) == (402, "too_few_credits")
    assert rows(charges, user) == paid(charges, user) == []
    assert not charges.waiting("placeholder_queue")


def test_a_job_is_paid_for_once_however_often_it_is_asked_for(charges: Deployment, user: User) -> None:
    keyed = REQUEST | {"idempotency_key": "paid-1"}
    jobs = {charges.call("queue-job", keyed, user.token).json()["jobId"] for _ in range(2)}
    assert {*rows(charges, user)} == {*paid(charges, user)} == jobs


def test_a_job_over_a_limit_is_not_paid_for(charges: Deployment, user: User) -> None:
    asked = REQUEST | {"job_type": "placeholder_two_wait"}
    answers = [charges.call("queue-job", asked, user.token) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert {*paid(charges, user)} == {one.json()["jobId"] for one in answers[:2]}


def test_a_push_that_fails_gives_the_credits_back(charges: Deployment, front: FaultFront, user: User) -> None:
    front.spoil(FAILS)
    answer = charges.call("queue-job", REQUEST | {"idempotency_key": "paid-2"}, user.token)
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert rows(charges, user) == paid(charges, user) == []


def test_of_two_requests_with_one_key_the_one_that_fails_leaves_the_others_job(
    charges: Deployment, deployed: Deployment, front: FaultFront, user: User
) -> None:
    keyed = REQUEST | {"idempotency_key": "paid-3"}
    others: list[httpx.Response] = []
    # While the first request's push is on its way, the second one is made.
    front.on_fault = lambda: others.append(deployed.call("queue-job", keyed, user.token))
    front.spoil(FAILS)
    assert charges.call("queue-job", keyed, user.token).status_code == 503
    (other,) = others
    assert other.status_code == 200
    job = other.json()["jobId"]
    assert [payload["job_id"] for payload in charges.waiting("placeholder_queue")] == [job]
    assert rows(charges, user) == paid(charges, user) == [job]
    assert charges.call("queue-job", keyed, user.token).json()["jobId"] == job
    assert len(charges.waiting("placeholder_queue")) == 1


def test_of_two_requests_with_one_key_that_both_fail_nothing_is_left(
    charges: Deployment, front: FaultFront, user: User
) -> None:
    keyed = REQUEST | {"idempotency_key": "paid-4"}
    statuses: list[int] = []

    def ask_again() -> None:
        front.on_fault = lambda: None
        statuses.append(charges.call("queue-job", keyed, user.token).status_code)

    front.on_fault = ask_again
    front.spoil(FAILS, FAILS)
    statuses.append(charges.call("queue-job", keyed, user.token).status_code)
    assert statuses == [503, 503]
    assert rows(charges, user) == paid(charges, user) == []
    assert not charges.waiting("placeholder_queue")


def test_a_job_that_a_worker_has_begun_is_not_pushed_again(deployed: Deployment, user: User) -> None:
    keyed = REQUEST | {"idempotency_key": "begun-1"}
    job = deployed.call("queue-job", keyed, user.token).json()["jobId"]
    with deployed.redis.client() as client:
        client.delete("placeholder_queue")
    # It waits for its second attempt.
    deployed.platform.update(job, sequence=1_000_005, attempts=1)
    answer = deployed.call("queue-job", keyed, user.token)
    assert (answer.status_code, answer.json()["jobId"]) == (200, job)
    assert not deployed.waiting("placeholder_queue")


def test_a_refused_request_that_is_sent_twice_at_once_slips_past_no_limit(
    charges: Deployment, user: User
) -> None:
    keyed = REQUEST | {"idempotency_key": "paid-5", "metadata": {"credits": 0}}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: charges.call("queue-job", keyed, user.token), range(4)))
    assert {one.status_code for one in answers} <= {402, 503}
    assert rows(charges, user) == []
    assert not charges.waiting("placeholder_queue")
