"""What holds for every command: where it works, how it speaks, and what ``--help`` says of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ourvidz.cli.main import COMMANDS, root
from tests.cli.conftest import CommandLine


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Every command that can be typed, groups left out, with its full name."""
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", one) for sub, one in command.commands.items())
        else:
            yield name, command


EVERY = dict(every_command())


def options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_own_help_begins_with_its_summary(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1]


@pytest.mark.parametrize("name", EVERY)
def test_every_command_takes_its_place_after_its_name(name: str) -> None:
    assert options(EVERY[name]) >= {"--jobtypes", "--config", "--plugin-dir"}


@pytest.mark.parametrize("name", EVERY)
def test_every_command_speaks_json(name: str) -> None:
    assert "--json" in options(EVERY[name])


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_help(name: str) -> None:
    run = CliRunner().invoke(root, [*name.split(), "--help"])
    assert run.exit_code == 0
    assert f"Usage: root {name} [OPTIONS]" in run.output


@pytest.mark.parametrize(
    "command",
    [
        "--jobtypes elsewhere jobtypes list --json",
        "jobtypes --jobtypes elsewhere list --json",
        "jobtypes list --jobtypes elsewhere --json",
        "--jobtypes nowhere jobtypes --jobtypes nowhere list --jobtypes elsewhere --json",
    ],
)
def test_the_place_may_stand_anywhere_and_the_last_word_counts(
    ourvidz: CommandLine, folder: Path, command: str
) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "jobtypes/image_fast.yaml").rename(folder / "elsewhere/image_fast.yaml")
    spec = folder / "elsewhere/image_fast.yaml"
    lines = spec.read_text().splitlines(keepends=True)
    spec.write_text("".join(line for line in lines if not line.startswith("fallback:")))
    assert [one["id"] for one in json.loads(ourvidz(command).stdout)] == ["image_fast"]


@pytest.mark.parametrize("command", ["submit --json", "nonsense --json", "jobs --state lost --json"])
def test_what_was_typed_wrongly_is_told_as_json(ourvidz: CommandLine, command: str) -> None:
    run = ourvidz(command)
    assert (run.status, run.stdout) == (2, "")
    error = json.loads(run.stderr)["error"]
    assert error["code"] == "usage"
    assert error["message"]


def test_invalid_specs_are_told_as_json_one_by_one(ourvidz: CommandLine, folder: Path) -> None:
    (folder / "jobtypes/image_fast.yaml").write_text("steps: 0\nstep: 1\n")
    run = ourvidz("jobs --json")
    error = json.loads(run.stderr)["error"]
    assert (run.status, error["code"]) == (1, "spec_invalid")
    assert {"steps", "step"} <= {problem["field"] for problem in error["problems"]}


@pytest.mark.parametrize(
    ("command", "status", "code"),
    [
        ("jobs --jobtypes nowhere", 4, "place_missing"),
        ("jobs --config nowhere.yaml", 4, "place_missing"),
        ("jobs --plugin-dir nowhere", 3, "plugin_invalid"),
        ("jobtypes show nothing", 4, "unknown_job_type"),
        ("submit nothing --prompt x", 4, "unknown_job_type"),
        ("run-worker --plugin nothing", 4, "family_unknown"),
        ("run-worker --plugin sdxl --jobtype nothing", 4, "unknown_job_type"),
        ("run-worker --plugin sdxl --jobtype image_fast", 4, "family_unknown"),
        ("run-worker --plugin sdxl --profile nothing", 4, "profile_unknown"),
        ("models make-small nothing small", 4, "not_found"),
        ("models convert nothing source converted", 4, "not_found"),
        ("models check nothing", 4, "not_found"),
        ("status 7d444840-9dc0-11d1-b245-5ffdce74fad2", 4, "job_not_found"),
        ("cancel 7d444840-9dc0-11d1-b245-5ffdce74fad2", 4, "job_not_found"),
        ("retry 7d444840-9dc0-11d1-b245-5ffdce74fad2", 4, "job_not_found"),
        ("dead-letters show 7", 4, "dead_letter_not_found"),
        ("dead-letters retry 7", 4, "dead_letter_not_found"),
        ("jobs --queue nothing", 4, "not_found"),
        ("jobs --jobtype nothing", 4, "not_found"),
        ("dead-letters list --queue nothing", 4, "not_found"),
    ],
)
def test_an_error_has_its_code_and_its_exit_status(
    ourvidz: CommandLine, command: str, status: int, code: str
) -> None:
    run = ourvidz(f"{command} --json")
    assert (run.status, run.stdout) == (status, "")
    assert json.loads(run.stderr)["error"]["code"] == code
    assert ourvidz(command).stderr.startswith("error: ")


def test_building_a_checkpoint_asks_for_no_sound_job_types(ourvidz: CommandLine, folder: Path) -> None:
    (folder / "jobtypes/image_fast.yaml").write_text("steps: 0\n")
    assert "is not a model family" in ourvidz("models make-small nothing small").stderr


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("amqp://user:hunter2@host", "OURVIDZ_QUEUE_URL: found the scheme 'amqp', which no plugin serves"),
        (
            "hunter2",
            "OURVIDZ_QUEUE_URL: found no URL, expected http:… or https:… or redis:… or rediss:… or sqlite:…",
        ),
        ("redis://user:hunter2@127.0.0.1:1", "redis://127.0.0.1:1/0: the server cannot be reached"),
        ("redis://user:hunter2/3@host", "the redis URL: found "),
        (
            "rediss://:hunter2@host?nmespace=a",
            "the rediss URL: there is no option nmespace; did you mean namespace?",
        ),
        (
            "https://user:hunter2@host",
            "the https URL: found a user or password, expected https://HOST[:PORT]",
        ),
        ("https://host?_token=hunter2", "the https URL: there is no option _token; it has namespace, ca"),
        ("http://host/hunter2", "the http URL: found a path, expected http://HOST[:PORT]"),
        ("sqlite://user:hunter2@host/queue", "the sqlite URL: found a host, expected sqlite:data/name"),
        ("sqlite://[hunter2/queue", "the sqlite URL: "),
        ("sqlite:queue?password=hunter2", "the sqlite URL: there is no option password; it has synchronous"),
    ],
)
def test_a_url_that_cannot_be_used_is_not_repeated(
    ourvidz: CommandLine, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    monkeypatch.setenv("OURVIDZ_QUEUE_URL", url)
    run = ourvidz("jobs")
    assert run.status == 3
    assert run.stderr.startswith(f"error: {message}")
    assert "hunter2" not in run.stderr


def test_a_file_that_is_no_queue_is_named_with_what_to_do(
    ourvidz: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "notes.txt").write_text("buy milk")
    monkeypatch.setenv("OURVIDZ_QUEUE_URL", "sqlite:notes.txt")
    run = ourvidz("jobs")
    assert run.status == 3
    assert f"{folder / 'notes.txt'}: found a damaged file, expected a queue" in run.stderr
    assert (folder / "notes.txt").read_text() == "buy milk"


def test_text_from_elsewhere_does_nothing_to_the_terminal(ourvidz: CommandLine) -> None:
    hostile = "\x1b]0;pwned\x07\x1b[2J"
    run = ourvidz(f"jobtypes show {shlex.quote(hostile)}")
    assert run.status == 4
    assert "\x1b" not in run.stderr
