"""``python -m docs.generate [--check]``: write the generated parts of pages anew, or compare them.

A generated part of a page stands between two comments; everything else is written by hand and stays::

    <!-- generated: errors -->
    <!-- end -->
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from ourvidz.deploy.generated import GeneratedFile

from . import (
    commands,
    defaults,
    errors,
    faults,
    fields,
    performance,
    problems,
    queue_performance,
    shapes,
    versions,
)

DOCS = Path("docs")

KINDS = (
    commands,
    defaults,
    errors,
    faults,
    fields,
    performance,
    problems,
    queue_performance,
    shapes,
    versions,
)

COMMAND = "make generate"

_PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->\n)", re.DOTALL)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 with a diff if a page is stale.")
def generate(check: bool) -> None:
    """Write the generated parts of docs/*.md and docs/reference/*.md anew."""
    parts: dict[str, str] = {}
    for kind in KINDS:
        parts |= kind.parts()
    paths = sorted([*DOCS.glob("*.md"), *(DOCS / "reference").glob("*.md")])
    pages = {path: path.read_text(encoding="utf-8") for path in paths}
    asked = [found[2] for text in pages.values() for found in _PART.finditer(text)]
    if sorted(asked) != sorted(parts):
        differing = ", ".join(sorted(set(asked) ^ set(parts))) or "one twice"
        raise click.ClickException(f"{DOCS}: every part stands on one page; found otherwise: {differing}")
    stale = False
    for path, text in pages.items():
        renewed = _PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n{found[3]}", text)
        page = GeneratedFile(path=path, text=renewed, command=COMMAND)
        if check and not page.is_fresh:
            stale = True
            click.echo(page.diff(), nl=False)
            click.echo(f"{path} is stale; run: {COMMAND}", err=True)
        elif not check and page.write():
            click.echo(f"{path} is written")
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    generate()
