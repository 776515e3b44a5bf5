"""How hooks are asked, and that every one of them is documented."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ourvidz.plugins import hookspecs
from ourvidz.plugins.discovery import PluginInvalid
from ourvidz.plugins.manager import Plugins
from ourvidz.plugins.registry import HOOKS
from ourvidz.plugins.worker_events import WorkerEvent
from ourvidz.spec.job_type import JobType
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import Settings
from tests.plugins.conftest import WritePlugin

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "hooks.md"

REVIEWER = """
    from ourvidz.plugins.reviewers import Verdict

    class Reviewer:
        name = {name!r}
        def review_request(self, request):
            return Verdict(allowed=True)

    @hookimpl
    def ourvidz_request_reviewers(settings, root):
        return [Reviewer()]
"""

LIGHTHOUSE = JobType.model_validate(
    {
        "id": "lighthouse",
        "worker": "clay",
        "queue": "clay_queue",
        "content_type": "image",
        "resolution": "64x64",
        "steps": 4,
        "guidance": 0.0,
        "expected_time": "1s",
        "storage_bucket": "clay",
        "quality_tier": "fast",
    }
)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_typed_and_says_what_it_is_for(hook: str) -> None:
    function = getattr(hookspecs, hook)
    signature = inspect.signature(function)
    assert inspect.getdoc(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(one.annotation is not inspect.Parameter.empty for one in signature.parameters.values())


@pytest.mark.parametrize("hook", HOOKS)
def test_the_reference_has_every_hook_with_its_signature_and_its_words(hook: str) -> None:
    function = getattr(hookspecs, hook)
    # Annotations are texts in that module; the reference has them without the quotes.
    signature = str(inspect.signature(function)).replace("'", "")
    reference = REFERENCE.read_text(encoding="utf-8")
    assert f"def {hook}{signature}" in reference
    assert _plain(inspect.getdoc(function) or "").split(". ")[0].rstrip(".") in _plain(reference)


def test_the_reference_has_no_hook_that_does_not_exist() -> None:
    named = set(re.findall(r"def (ourvidz_\w+)", REFERENCE.read_text(encoding="utf-8")))
    assert named == set(HOOKS)


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def test_plugins_are_asked_in_the_order_of_their_names(
    write: WritePlugin, load: Callable[[], Plugins]
) -> None:
    for name in ("zinc", "amber", "jade"):
        write(f"{name}.py", REVIEWER.format(name=name))
    assert [one.name for one in load().request_reviewers(Settings())] == ["amber", "jade", "zinc"]


def test_reviewers_are_made_anew_for_whoever_asks(write: WritePlugin, load: Callable[[], Plugins]) -> None:
    write("amber.py", REVIEWER.format(name="amber"))
    plugins = load()
    assert plugins.request_reviewers(Settings())[0] is not plugins.request_reviewers(Settings())[0]


def test_two_reviewers_of_one_name_are_refused(write: WritePlugin, load: Callable[[], Plugins]) -> None:
    write("one.py", REVIEWER.format(name="same"))
    write("two.py", REVIEWER.format(name="same"))
    with pytest.raises(
        PluginInvalid, match=r"plugin 'two'.*the reviewer 'same' is already that of plugin 'one'"
    ):
        load().request_reviewers(Settings())


def test_a_plugin_may_complain_about_any_job_type(write: WritePlugin, load: Callable[[], Plugins]) -> None:
    write(
        "frugal.py",
        """
        from ourvidz.spec.problems import Finding

        @hookimpl
        def ourvidz_check_job_type(job_type):
            if job_type.steps > 2:
                yield Finding(("steps",), "too_costly", str(job_type.steps), "2 at most")
        """,
    )
    expected = [Finding(("steps",), "too_costly", "4", "2 at most")]
    assert load().check_job_type(LIGHTHOUSE) == expected


def test_a_check_that_raises_is_named(write: WritePlugin, load: Callable[[], Plugins]) -> None:
    write("hasty.py", "@hookimpl\ndef ourvidz_check_job_type(job_type): return [1 / 0]")
    with pytest.raises(
        PluginInvalid, match=r"plugin 'hasty' .*ourvidz_check_job_type raised ZeroDivisionError"
    ):
        load().check_job_type(LIGHTHOUSE)


def test_an_observer_that_raises_is_logged_and_the_others_still_learn_of_it(
    write: WritePlugin, load: Callable[[], Plugins], caplog: pytest.LogCaptureFixture
) -> None:
    write("clumsy.py", "@hookimpl\ndef ourvidz_worker_event(event): raise RuntimeError(event.kind)")
    write(
        "diligent.py",
        """
        seen = []

        @hookimpl
        def ourvidz_worker_event(event):
            seen.append(event.kind)
        """,
    )
    plugins = load()
    with caplog.at_level(logging.ERROR):
        plugins.worker_event(WorkerEvent(kind="idle", worker="host:1:clay"))
    assert plugins.loaded[1].module.seen == ["idle"]
    assert "plugin 'clumsy' (dropped/clumsy.py): ourvidz_worker_event raised" in caplog.text


def test_what_a_plugin_does_is_listed_in_words(write: WritePlugin, load: Callable[[], Plugins]) -> None:
    write("amber.py", REVIEWER.format(name="amber") + "\n    @hookimpl\n    def ourvidz_job_event(): ...\n")
    plugins = load()
    assert [str(one) for one in plugins.offers(plugins.loaded[0])] == ["reviews requests", "observes jobs"]
