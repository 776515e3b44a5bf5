"""A plugin that cannot be used gives one error that names it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ourvidz.errors import NotReady
from ourvidz.plugins.discovery import PluginInvalid
from ourvidz.plugins.manager import Plugins
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import ModelEntry, Settings
from tests.plugins.conftest import WritePlugin

FAMILY = """
    from ourvidz.plugins.family import GenerationParameters
    from ourvidz.spec.problems import Finding
    from ourvidz.spec.settings import ModelEntry

    class Parameters(GenerationParameters):
        pass

    class Family:
        name = "clay"
        description = "Clay"
        default_model = ModelEntry(family="clay", location="none")
        parameters = Parameters
        requirements = ()
        def check(self, job_type, model): return ()
        def reduce(self, parameters, profile): return parameters
        def load(self, context): raise NotImplementedError

    @hookimpl
    def ourvidz_model_families():
        return [Family()]
"""


LIGHTHOUSE = JobType.model_validate(
    {
        "id": "lighthouse",
        "worker": "clay",
        "queue": "clay_queue",
        "content_type": "image",
        "resolution": "64x64",
        "steps": 4,
        "guidance": 6.0,
        "expected_time": "1s",
        "storage_bucket": "clay",
        "quality_tier": "fast",
    }
)


def _offering(hook: str, expression: str) -> str:
    return f"""
        @hookimpl
        def {hook}():
            return {expression}
    """


def _short(text: str) -> str:
    """A test's name, without the line breaks of its code."""
    return " ".join(text.split())[:60]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def broken(:\n", "invalid syntax, .*broken.py, line 2"),
        ("1 / 0", "ZeroDivisionError: division by zero, .*broken.py, line 2"),
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import json\njson.loads('{')", "JSONDecodeError: .*broken.py, line 3"),
    ],
    ids=_short,
)
def test_code_that_fails_is_named_with_its_line(
    write: WritePlugin, load: Callable[[], Plugins], code: str, message: str
) -> None:
    write("broken.py", code)
    with pytest.raises(
        PluginInvalid, match=rf"^plugin 'broken' \(dropped/broken.py\) cannot be imported: {message}"
    ):
        load()


def test_the_error_is_stable_for_machines() -> None:
    assert PluginInvalid.code == "plugin_invalid"
    assert issubclass(PluginInvalid, NotReady)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "@hookimpl\ndef ourvidz_model_familys(): return []",
            "no hook 'ourvidz_model_familys'; did you mean ourvidz_model_families?",
        ),
        (
            "@hookimpl\ndef paint_everything(): return []",
            "no hook 'paint_everything'; known: ourvidz_model_fam",
        ),
        ("def ourvidz_queues(): return []", "ourvidz_queues is not marked as a hook; put @hookimpl above it"),
        ("def ourvidz_queus(): return []", "ourvidz_queus is not marked as a hook"),
        ("@hookimpl\ndef ourvidz_job_event(evnt): ...", "ourvidz_job_event.*evnt"),
        ("COLOUR = 'teal'", "has no hook; mark a function with @hookimpl"),
        ("@hookimpl(wrapper=True)\ndef ourvidz_queues(): yield", "ourvidz_queues cannot be a wrapper"),
        ("@hookimpl(tryfirst=True)\ndef ourvidz_queues(): return []", "nor first or last"),
    ],
    ids=_short,
)
def test_a_hook_that_would_never_be_called_as_meant_is_named(
    write: WritePlugin, load: Callable[[], Plugins], code: str, message: str
) -> None:
    write("broken.py", code)
    with pytest.raises(PluginInvalid, match=rf"(?s)plugin 'broken' \(dropped/broken.py\).*{message}"):
        load()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (_offering("ourvidz_queues", "None"), "ourvidz_queues returned None, expected a list"),
        (_offering("ourvidz_queues", "'sqlite'"), "ourvidz_queues returned a str, expected a list"),
        (
            _offering("ourvidz_storages", "[object()]"),
            "ourvidz_storages offers an object, expected a Backend",
        ),
        (_offering("ourvidz_callbacks", "[1 / 0]"), "ourvidz_callbacks raised ZeroDivisionError"),
        (_offering("ourvidz_exporters", "[{}]"), "ourvidz_exporters offers a dict, expected an Exporter"),
        (_offering("ourvidz_commands", "[print]"), "ourvidz_commands offers a builtin.*, expected a Command"),
        (_offering("ourvidz_model_families", "[object()]"), "offers an object, which has no name"),
        (FAMILY.replace('"clay"\n', '"Clay!"\n', 1), "something named 'Clay!', expected a name of a-z"),
        (FAMILY.replace("requirements = ()", "requirements = 'torch'"), "expected a list of PEP 508"),
        (FAMILY.replace("parameters = Parameters", "parameters = dict"), "expected a subclass of"),
        (
            FAMILY.replace("        pass", "        model_config = {'extra': 'ignore'}"),
            "whose parameters ignore what they do not know",
        ),
        (FAMILY.replace("def reduce", "def shrink"), "offers a Family, which has no reduce"),
        (
            """
            from ourvidz.plugins.backends import Backend
            @hookimpl
            def ourvidz_queues():
                return [Backend(scheme="My Queue", open=print)]
            """,
            "the scheme 'My Queue', expected a URL scheme",
        ),
        (
            """
            from ourvidz.plugins.exporters import Exporter
            @hookimpl
            def ourvidz_exporters():
                return [Exporter(name="csv", description="", path="x.csv", formats={})]
            """,
            "the exporter 'csv' without a format and next_files, expected one of the two",
        ),
        (
            """
            from ourvidz.plugins.exporters import Exporter
            @hookimpl
            def ourvidz_exporters():
                return [Exporter(name="csv", description="", path="x", formats={"csv": str}, next_files=dict)]
            """,
            "the exporter 'csv' with formats and next_files, expected one of the two",
        ),
    ],
    ids=_short,
)
def test_an_offer_that_is_no_such_thing_is_named(
    write: WritePlugin, load: Callable[[], Plugins], code: str, message: str
) -> None:
    write("broken.py", code)
    with pytest.raises(PluginInvalid, match=rf"^plugin 'broken' \(dropped/broken.py\): .*{message}"):
        load()


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        (FAMILY, "model family 'clay'"),
        *(
            (
                f"""
                from ourvidz.plugins.backends import Backend
                @hookimpl
                def ourvidz_{kind}s():
                    return [Backend(scheme="tape", open=print)]
                """,
                f"{kind} scheme 'tape'",
            )
            for kind in ("queue", "storage", "callback")
        ),
        (
            """
            from ourvidz.plugins.exporters import Exporter
            @hookimpl
            def ourvidz_exporters():
                return [Exporter(name="csv", description="", path="x.csv", formats={"csv": str})]
            """,
            "exporter 'csv'",
        ),
        (
            """
            import click
            @hookimpl
            def ourvidz_commands():
                return [click.Command("tidy")]
            """,
            "command 'tidy'",
        ),
    ],
    ids=_short,
)
def test_a_name_that_two_plugins_take_names_both(
    write: WritePlugin, load: Callable[[], Plugins], code: str, taken: str
) -> None:
    write("first.py", code)
    assert taken.replace("'", "") in map(str, load().offers(load().loaded[0]))
    write("second.py", code)
    with pytest.raises(
        PluginInvalid,
        match=rf"^plugin 'second' .*: the {taken} is already that of plugin 'first' \(dropped/first.py\)",
    ):
        load()


def test_a_command_of_a_built_in_name_is_refused(write: WritePlugin, load: Callable[[], Plugins]) -> None:
    write("bold.py", "import click\n@hookimpl\ndef ourvidz_commands(): return [click.Command('validate')]")
    assert list(load().commands(reserved=["submit"])) == ["validate"]
    with pytest.raises(
        PluginInvalid, match=r"plugin 'bold' .*: the command 'validate' is one of ourvidz's own"
    ):
        load().commands(reserved=["submit", "validate"])


def test_two_plugins_of_one_name_name_both(write: WritePlugin, load: Callable[[], Plugins]) -> None:
    write("same.py", "raise RuntimeError('not run before the names are known')")
    write("same/__init__.py", "")
    with pytest.raises(PluginInvalid, match=r"'same' \(dropped/same.py\) has the name of .*\(dropped/same\)"):
        load()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("[1 / 0]", "raised ZeroDivisionError: division by zero"),
        ("job_type.colour", "raised AttributeError: .*colour"),
        ("(1 / 0 for _ in range(1))", "raised ZeroDivisionError"),
        ("None", "returned None, expected a list"),
        ("True", "returned a bool, expected a list"),
        ("['too slow']", "offers a str, expected a Finding"),
        (
            "[Finding('steps', 'a', 'b', 'c')]",
            r"offers a finding whose field is 'steps', expected .*\('steps',\)",
        ),
        ("[Finding(('steps',), 'a', 4, 'c')]", "offers a finding whose found is 4, expected a text"),
    ],
    ids=_short,
)
def test_a_familys_check_that_gives_no_findings_is_named(
    write: WritePlugin, load: Callable[[], Plugins], answer: str, message: str
) -> None:
    write("broken.py", FAMILY.replace("return ()", f"return {answer}", 1))
    with pytest.raises(
        PluginInvalid, match=rf"^plugin 'broken' \(dropped/broken.py\): check of the family 'clay' {message}"
    ):
        load().family_rules()["clay"].check(LIGHTHOUSE, ModelEntry(family="clay", location="none"))


def test_a_reviewer_that_cannot_review_is_named(write: WritePlugin, load: Callable[[], Plugins]) -> None:
    write(
        "lenient.py",
        """
        class Lenient:
            name = "lenient"

        @hookimpl
        def ourvidz_request_reviewers():
            return [Lenient()]
        """,
    )
    with pytest.raises(PluginInvalid, match=r"plugin 'lenient'.* has no review_request"):
        load().request_reviewers(Settings())


def test_what_a_plugin_says_to_the_operator_passes_as_it_is(
    write: WritePlugin, load: Callable[[], Plugins]
) -> None:
    write(
        "strict.py",
        """
        from ourvidz.errors import NotReady

        @hookimpl
        def ourvidz_output_reviewers(settings, root):
            raise NotReady(f"put the classifier into {root / 'classifier'}")
        """,
    )
    with pytest.raises(NotReady, match=r"^put the classifier into .*/classifier$"):
        load().output_reviewers(Settings())


def test_a_plugin_that_failed_loads_once_it_is_mended(
    write: WritePlugin, load: Callable[[], Plugins]
) -> None:
    write("mended.py", "1 / 0")
    with pytest.raises(PluginInvalid):
        load()
    write("mended.py", "@hookimpl\ndef ourvidz_job_event(event): return 'a longer file than before'")
    assert [one.name for one in load().loaded] == ["mended"]
