"""The table of library versions that the model families declare and are tested on."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ourvidz
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.wan.family import WanFamily

from .tables import code, table

REPOSITORY = Path(ourvidz.__file__).parents[1]


def parts() -> dict[str, str]:
    newest = _pins(REPOSITORY / "constraints.txt")
    rows = []
    for family in (SdxlFamily(), WanFamily()):
        oldest = _pins(REPOSITORY / f"tests/oldest/{family.name}.txt")
        for requirement in map(Requirement, family.requirements):
            name = canonicalize_name(requirement.name)
            declared = code(str(requirement.specifier))
            rows.append((code(family.name), name, declared, oldest[name], newest[name]))
    return {"versions": table(("family", "library", "declared", "oldest tested", "newest tested"), rows)}


def _pins(path: Path) -> dict[str, str]:
    """Versions by library, of a file of lines such as ``torch==2.13.0``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pins}
