"""``ourvidz models list`` and ``check``: which checkpoints there are, and whether they are sound."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import file_size, json_option, one_line, print_json, print_table
from ourvidz.cli.progress import megabytes
from ourvidz.errors import NotFound

if TYPE_CHECKING:
    from ourvidz.plugins.checkpoints.checking import Inspection
    from ourvidz.project import Project
    from ourvidz.spec.settings import ModelEntry


@click.command("list")
@json_option
@place_options
def list_models(place: Invocation, as_json: bool) -> None:
    """List the models of ourvidz.yaml and of the job types, and what is there of them.

    Nothing is loaded and nothing is fetched: what has a hub id is looked for in the hub's local cache.
    """
    from ourvidz.plugins.checkpoints.checking import inspect

    project = place.open()
    rows = []
    for name, model in project.catalog.models.items():
        seen = inspect(project.plugins.families()[model.family], model, project.root)
        rows.append(_described(project, name, model, seen))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("model", "family", "kind", "on disk", "precision", "location", "used by"),
        [
            (
                row["name"],
                row["family"],
                row["kind"],
                row["state"] if row["size"] is None else file_size(row["size"]),
                row["precision"],
                row["location"],
                ", ".join(row["job_types"]) or None,
            )
            for row in rows
        ],
        empty="no model",
    )


@click.command("check")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
@place_options
def check_models(place: Invocation, names: tuple[str, ...], as_json: bool) -> None:
    """Check the checkpoints of these models, or of all, without loading them.

    Looks at layout, classes and every safetensors header, reads every byte, and compares digests with
    `models: … digest:` of ourvidz.yaml and with a SHA256SUMS beside the files. Prints the digest to
    put into ourvidz.yaml. What was read is noted, so that loading need not read it again. Exits with 1
    if something is wrong.
    """
    from ourvidz.plugins.checkpoints.checking import check

    project = place.open()
    rows = []
    for name in _known(project, names):
        model = project.catalog.models[name]
        with megabytes(name) as progress:
            seen = check(project.plugins.families()[model.family], model, project.root, progress)
        rows.append(_described(project, name, model, seen))
        if not as_json:
            _print_check(rows[-1])
    if as_json:
        print_json(rows)
    sys.exit(1 if any(row["problems"] for row in rows) else 0)


def _known(project: Project, names: tuple[str, ...]) -> list[str]:
    """These models, or all. Raises NotFound."""
    from ourvidz.spec.identifiers import nearest

    known = project.catalog.models
    for name in names:
        if name not in known:
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else f"known: {', '.join(known)}"
            raise NotFound(f"there is no model {name!r}; {hint}")
    return list(dict.fromkeys(names)) or list(known)


def _described(project: Project, name: str, model: ModelEntry, seen: Inspection) -> dict[str, Any]:
    catalog = project.catalog
    state = (
        "missing" if seen.is_missing else "unusable" if seen.problems else "present" if seen.found else None
    )
    return {
        "name": name,
        "family": model.family,
        "location": model.location,
        "components": model.components,
        "precision": model.precision,
        "kind": seen.found.kind if seen.found else None,
        "state": state,
        "files": len(seen.found.paths()) if seen.found else None,
        "size": seen.size,
        "digest": seen.digest,
        "expected_digest": model.digest,
        "problems": list(seen.problems),
        "job_types": [one.id for one in catalog.job_types.values() if catalog.model_name(one) == name],
    }


def _print_check(row: dict[str, Any]) -> None:
    if row["state"] is None:
        click.echo(f"{row['name']}: {row['family']} has nothing to check")
        return
    facts = []
    if row["kind"] is not None:
        facts = [row["kind"], f"{row['files']} files", file_size(row["size"])]
    count = len(row["problems"])
    facts.append("no problem" if not count else "1 problem" if count == 1 else f"{count} problems")
    click.echo(f"{row['name']}: {', '.join(facts)}")
    for problem in row["problems"]:
        click.echo(f"  {one_line(problem)}")
    if row["digest"] is not None:
        agreed = "as" if row["digest"] == row["expected_digest"] else "another one than"
        if row["expected_digest"] is None:
            agreed = "not"
        click.echo(f"  digest: {row['digest']} ({agreed} in ourvidz.yaml)")
