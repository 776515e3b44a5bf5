"""What a family needs is known without importing it."""

from __future__ import annotations

import configparser
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from ourvidz.plugins.discovery import PluginInvalid
from ourvidz.plugins.family import LoadContext, RequirementMissing
from ourvidz.plugins.requirements import check_requirements, load_model
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.spec.settings import ModelEntry

ROOT = Path(__file__).parents[2]


class Needy(WanFamily):
    requirements: Any = ("pillow>=1", "no-such-library>=2", "pydantic>=900")


def test_a_requirement_is_met_unmet_or_missing() -> None:
    pillow, missing, pydantic = check_requirements(Needy.requirements)
    assert (pillow.met, pillow.installed) == (True, version("pillow"))
    assert (missing.met, missing.installed) == (False, None)
    assert (pydantic.met, pydantic.installed) == (False, version("pydantic"))


def test_a_requirement_of_another_machine_is_left_out() -> None:
    assert check_requirements(["no-such-library; sys_platform == 'win32'"]) == []


def test_a_text_that_is_no_requirement_is_an_error() -> None:
    with pytest.raises(PluginInvalid, match="'torch=>2' is not a requirement such as"):
        check_requirements(["torch=>2"])


def _context(model: ModelEntry) -> LoadContext:
    return LoadContext(model=model, device=None, precision=None, root=Path())


def test_loading_without_the_libraries_says_what_to_install() -> None:
    with pytest.raises(RequirementMissing) as caught:
        load_model(Needy(), _context(Needy.default_model))
    assert str(caught.value) == (
        "wan needs no-such-library>=2 (not installed); "
        f'pydantic>=900 (found {version("pydantic")}); run: pip install "ourvidz[wan]"'
    )


def test_a_family_that_is_not_ours_is_installed_by_its_list() -> None:
    class Foreign(Needy):
        name = "foreign"

    with pytest.raises(RequirementMissing, match='run: pip install "pillow>=1" "no-such-library>=2"'):
        load_model(Foreign(), _context(Foreign.default_model))


@pytest.mark.parametrize("family", [SdxlFamily(), WanFamily()])
def test_a_built_in_family_and_its_extra_name_the_same_libraries(family: SdxlFamily | WanFamily) -> None:
    extra = _setup()["options.extras_require"][family.name].split()
    assert sorted(extra) == sorted(family.requirements)


@pytest.mark.parametrize("family", [SdxlFamily(), WanFamily()])
def test_the_oldest_versions_that_are_declared_are_those_that_are_tested(
    family: SdxlFamily | WanFamily,
) -> None:
    lines = (ROOT / "tests/oldest" / f"{family.name}.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if not line.startswith("#")]
    pins = {canonicalize_name(one.name): one.specifier for one in pinned}
    needed = [*family.requirements, *_setup()["options"]["install_requires"].split()]
    for requirement in map(Requirement, needed):
        # The one library that is as new here as everywhere.
        if requirement.name != "torch":
            [oldest] = [one.version for one in requirement.specifier if one.operator == ">="]
            [pin] = pins[canonicalize_name(requirement.name)]
            assert Version(pin.version) == Version(oldest), requirement


def _setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup
