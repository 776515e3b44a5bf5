"""Whether the deployed edge functions were made from the job types that workers here make."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from ourvidz.deploy.generated import GeneratedFile, PathUnusable
from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.project import Project

_DIGEST = re.compile(r"\bsha256:[0-9a-f]{64}\b")


def look_at_functions(project: Project, module: Path | None) -> Iterator[Diagnosis]:
    """Compare the routing module that was deployed with the one that these job types give."""
    check = "functions"
    if module is None:
        yield Diagnosis(
            check=check,
            health="skipped",
            found="not told where the deployed routing.ts is (--functions FILE)",
        )
        return
    exporter = project.plugins.exporters()["routing"]
    text = next(iter(exporter.formats.values()))(project.catalog)
    command = shlex.join(["ourvidz", f"export-{exporter.name}", "--out", str(module)])
    expected = project.catalog.digest
    try:
        if GeneratedFile(path=module, text=text, command=command).is_fresh:
            yield Diagnosis(check=check, health="ok", found=f"{module} is of the catalog {expected}")
            return
        found = _found(module, expected)
    except PathUnusable as error:
        yield Diagnosis(
            check=check, health="failed", found=str(error), remedy="name the file that was deployed"
        )
        return
    yield Diagnosis(
        check=check, health="failed", found=found, remedy=f"{command}, and deploy the functions again"
    )


def _found(module: Path, expected: str) -> str:
    if not module.exists():
        return f"{module} does not exist"
    match = _DIGEST.search(module.read_text(encoding="utf-8", errors="replace"))
    if match is None:
        return f"{module} names no catalog, expected {expected}"
    if match[0] == expected:
        return f"{module} is of the right catalog, but of another version of ourvidz, or was edited"
    return f"{module} is of the catalog {match[0]}, expected {expected}"
