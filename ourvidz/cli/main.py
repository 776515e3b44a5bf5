"""The root command. Commands are imported when they run, so that ``--help`` answers in a blink."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from ourvidz import __version__
from ourvidz.cli.context import ROOT_OPTIONS, Invocation
from ourvidz.cli.output import report_error, report_usage, take_any_text
from ourvidz.errors import NotReady, OurvidzError

#: Built-in commands: the module that defines them, and the first line of their help.
COMMANDS = {
    "doctor": ("doctor", "Look at everything that jobs need, and say what to do."),
    "validate": ("validate", "Check every job type and ourvidz.yaml."),
    "jobtypes": ("jobtypes", "List, show and start job types."),
    "plugins": ("plugins", "List what is loaded, from where, and what is missing."),
    "models": ("models", "List, check, convert and build checkpoints."),
    "submit": ("submit", "Put a job into its queue."),
    "up": ("up", "Run all workers of this machine, and look after them."),
    "ps": ("ps", "Show the workers that `ourvidz up` runs."),
    "reload": ("ps", "Let `ourvidz up` go by changed settings."),
    "run-worker": ("run_worker", "Take jobs and make what they ask for."),
    "bench": ("bench", "Measure job types."),
    "status": ("jobs", "Show one job: its state, progress and results."),
    "jobs": ("jobs", "List jobs, newest first."),
    "cancel": ("jobs", "Stop a job, waiting or running."),
    "retry": ("jobs", "Queue a failed or cancelled job again."),
    "queues": ("queues", "Show how full the queues are."),
    "stats": ("stats", "Show how long jobs took, and how many failed."),
    "calibrate": ("calibrate", "Propose expected times from what was measured."),
    "dead-letters": ("dead_letters", "Show and revive what could not run."),
    "storage": ("storage", "Look after what is stored."),
    "reconcile": ("reconcile", "Compare the platform's job table with queue and storage."),
    "migrate": ("migrate", "Look after the platform's database."),
    "dev": ("dev", "Try parts of a deployment on a laptop."),
}

#: What the built-in exporters add, so that ``--help`` need not load a plugin to say so.
EXPORTS = {
    "export-alerts": "Write the alert rules for Prometheus.",
    "export-migration": "Write the next migrations of the database and the storage buckets.",
    "export-openapi": "Write the OpenAPI document of the edge functions.",
    "export-reference": "Write a page about all job types, for people.",
    "export-routing": "Write the module that edge functions and frontends import.",
    "export-schema": "Write the JSON Schema of requests, envelopes, events and signing requests.",
}


class RootGroup(click.Group):
    """Built-in commands by name, then those of exporters and of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *self._plugin_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module = import_module(f"ourvidz.cli.{COMMANDS[cmd_name][0]}")
            command: click.Command = getattr(module, cmd_name.replace("-", "_"))
            return command
        return self._plugin_commands(ctx).get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, summary) for name, (_, summary) in COMMANDS.items()]
        rows += self._added_summaries(ctx).items()
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _added_summaries(self, ctx: click.Context) -> dict[str, str]:
        place = Invocation(**ctx.params)
        if not place.may_have_plugins():
            return EXPORTS
        try:
            added = self._plugin_commands(ctx)
        except OurvidzError as error:
            return EXPORTS | {"…": f"Plugins could not be loaded: {error}"}
        return {name: command.get_short_help_str(limit=80) for name, command in added.items()}

    def _plugin_commands(self, ctx: click.Context) -> dict[str, click.Command]:
        from ourvidz.cli.export import export_command

        plugins = Invocation(**ctx.params).plugins()  # the root has not run yet when commands are looked up
        exports = [export_command(exporter) for exporter in plugins.exporters().values()]
        added = {command.name or "": command for command in exports}
        return added | dict(plugins.commands(reserved=(*COMMANDS, *added)))


@click.command(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ourvidz")
@click.pass_context
def root(ctx: click.Context, /, **chosen: Any) -> None:
    """One YAML file becomes a working kind of generation job."""
    ctx.obj = Invocation(**chosen)


root.params[:0] = ROOT_OPTIONS


def main() -> None:
    """Run the command line.

    Exit status: 0 fine, 1 no, 2 usage, 3 not ready, 4 not found, 5 something to mend, 75 start me again,
    130 stopped.
    """
    take_any_text()
    as_json = "--json" in sys.argv[1:]
    try:
        sys.exit(root.main(standalone_mode=False, prog_name="ourvidz") or 0)
    except click.ClickException as error:
        report_usage(error, as_json=as_json)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OurvidzError as error:
        report_error(error, as_json=as_json)
        sys.exit(error.exit_status)
    except OSError as error:
        # Nobody who could name the file better has; a full disk under standard output is such a case.
        report_error(NotReady(str(error)), as_json=as_json)
        sys.exit(NotReady.exit_status)
