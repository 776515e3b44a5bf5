"""The help of every command, as ``--help`` prints it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ourvidz.cli.main import root

#: Characters of a line, whatever the terminal of whoever generates.
WIDTH = 96


def parts() -> dict[str, str]:
    return {"commands": "\n".join(_helps(root, "ourvidz", None))}


def _helps(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **command.context_settings,
    )
    yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for one in command.list_commands(context):
            inner = command.get_command(context, one)
            assert inner is not None, f"{one} is listed and not there"
            yield from _helps(inner, one, context)
