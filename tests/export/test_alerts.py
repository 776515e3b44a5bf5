"""Alert rules ask for what workers serve and nothing else; `make test-alerts` lets promtool try them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ourvidz.export.alerts import as_rules
from ourvidz.runtime.backends import open_queue
from ourvidz.runtime.client import Client
from ourvidz.runtime.telemetry.metrics import Metrics
from ourvidz.spec.catalog import Catalog
from tests.export.catalogs import PHASE_1, PHASE_2, catalog, job_type
from tests.site import Site, site

__all__ = ["site"]

#: A metric's name, and what stands in braces behind it.
ASKED = re.compile(r"\b(ourvidz_\w+)(?:\{(.*?)\})?")


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client.open(site.project()) as client:
        yield client


def rules(of: Catalog) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(as_rules(of))["groups"] for rule in group["rules"]]


def named(of: Catalog, alert: str) -> list[dict[str, Any]]:
    return [rule for rule in rules(of) if rule["alert"] == alert]


def test_every_rule_asks_for_what_a_worker_serves_before_its_first_job(site: Site, client: Client) -> None:
    project = site.project()
    client.submit("placeholder_fast", prompt="a barn")
    metrics = Metrics("placeholder", project.catalog, lambda: open_queue(project))
    families = text_string_to_metric_families(metrics.text().decode())
    served = [(one.name, one.labels) for family in families for one in family.samples]
    asked = [found for rule in rules(project.catalog) for found in ASKED.findall(rule["expr"])]
    assert len({name for name, _ in asked}) == 6
    for name, matchers in asked:
        wanted = re.findall(r'(\w+)=~?"(.*?)"', matchers)
        assert any(
            name == known and all(re.fullmatch(value, labels.get(label, "")) for label, value in wanted)
            for known, labels in served
        ), (name, matchers)


def test_every_family_queue_and_job_type_that_takes_jobs_has_its_rules() -> None:
    some = catalog(
        job_type("a"), job_type("b", worker="WAN", queue="wan_queue"), job_type("c", status="retired")
    )
    assert [rule["labels"]["family"] for rule in named(some, "OurvidzWorkerDown")] == ["sdxl", "wan"]
    assert [rule["labels"]["queue"] for rule in named(some, "OurvidzQueueAge")] == ["sdxl_queue", "wan_queue"]
    for alert in ("OurvidzErrorRate", "OurvidzTooSlow", "OurvidzJobTypeStopped"):
        assert [rule["labels"]["job_type"] for rule in named(some, alert)] == ["a", "b"]


def test_a_queue_may_age_by_ten_of_its_slowest_jobs_and_five_minutes_at_least() -> None:
    slow = catalog(job_type("a", expected_time="3s"), job_type("b", expected_time="90s"))
    assert [rule["expr"].split()[-1] for rule in named(slow, "OurvidzQueueAge")] == ["900"]
    quick = catalog(job_type("a", expected_time="3s"))
    assert [rule["expr"].split()[-1] for rule in named(quick, "OurvidzQueueAge")] == ["300"]


def test_without_job_types_there_is_a_queue_to_watch_and_nothing_else() -> None:
    assert [rule["alert"] for rule in rules(catalog())] == ["OurvidzQueueUnreachable"]


def test_the_same_job_types_in_any_order_give_the_same_bytes() -> None:
    assert as_rules(catalog(*PHASE_1, *PHASE_2)) == as_rules(catalog(*PHASE_2, *reversed(PHASE_1)))
