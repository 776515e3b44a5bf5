"""The folder ``supabase`` can be deployed as it stands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.functions.deployment import FUNCTIONS
from tests.site import REPOSITORY

SUPABASE = REPOSITORY / "supabase"
SOURCES = sorted(SUPABASE.rglob("*.ts"))


@pytest.mark.parametrize("file", SOURCES, ids=lambda one: str(one.relative_to(SUPABASE)))
def test_a_source_imports_packages_of_npm_and_what_lies_beside_it_alone(file: Path) -> None:
    """Deno would look everything else up somewhere, or not at all."""
    text = file.read_text()
    assert not re.search(r"\bimport\(|\brequire\(", text)
    for name in re.findall(r'^(?:import |export |\} )(?:.* )?from "([^"]+)";$', text, re.MULTILINE):
        if name.startswith("."):
            beside = (file.parent / name).resolve()
            assert beside.is_file(), name
            assert beside.is_relative_to(SUPABASE), name
        else:
            # A frontend's bundler resolves names; an edge function has no file that would.
            prefix = "npm:" if file.is_relative_to(SUPABASE / "functions") else ""
            assert re.fullmatch(rf"{prefix}@[a-z-]+/[a-z-]+(@[0-9]+)?", name), name


def test_every_function_is_set_up_to_tell_its_callers_apart_itself() -> None:
    settings = tomllib.loads((SUPABASE / "config.toml").read_text())["functions"]
    folders = {one.parent.name for one in SUPABASE.glob("functions/*/index.ts")}
    assert settings.keys() == folders == {*FUNCTIONS}
    # Workers have no access token, and a missing one is refused by the function's own words.
    assert all(one == {"verify_jwt": False} for one in settings.values())
