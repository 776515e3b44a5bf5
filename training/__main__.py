"""The commands by which the demonstration checkpoints are made and judged."""

from __future__ import annotations

import importlib

import click

#: Where each command is, and what it does. Only the one that runs is imported.
COMMANDS = {
    "preview": ("training.world.preview:preview", "Paint scenes drawn by lot."),
    "sdxl-text": ("training.sdxl.text:train_text", "Teach the text encoders of the small SDXL to read."),
    "sdxl-vae": ("training.sdxl.vae:train_vae", "Train the VAE of the small SDXL checkpoint."),
    "sdxl-unet": ("training.sdxl.unet:train_unet", "Train its UNet."),
    "wan-text": ("training.wan.text:train_text", "Teach the text encoder of the small WAN to read."),
    "wan-vae": ("training.wan.vae:train_vae", "Train the VAE of the small WAN checkpoint."),
    "wan-transformer": ("training.wan.transformer:train_transformer", "Train its transformer."),
    "evaluate": ("training.evaluate.command:evaluate", "Measure how well a checkpoint follows prompts."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Make and judge the demonstration checkpoints."""


if __name__ == "__main__":
    main(prog_name="python -m training")
