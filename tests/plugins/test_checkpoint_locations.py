"""Where ``location`` and ``components`` of ``ourvidz.yaml`` lead, a package's folder among them."""

from __future__ import annotations

import sys
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

import pytest

from ourvidz.plugins.checkpoints.finding import ComponentsMissing, find_components
from ourvidz.plugins.checkpoints.locations import path_of
from ourvidz.plugins.family import LoadContext, ModelFamily, ModelInvalid, ModelMissing
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.layout import LAYOUT
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.spec.settings import ModelEntry


@pytest.fixture
def painters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package that must never be imported."""
    package = tmp_path / "site" / "painters"
    (package / "oil").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('the code of a package was run')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    invalidate_caches()
    return package


def test_a_path_is_relative_to_the_settings() -> None:
    assert path_of("checkpoints/oil", Path("/srv")) == Path("/srv/checkpoints/oil")
    assert path_of("/checkpoints/oil", Path("/srv")) == Path("/checkpoints/oil")
    assert path_of("~/oil", Path("/srv")) == Path.home() / "oil"


def test_a_package_is_found_and_not_run(painters: Path) -> None:
    assert path_of("package:painters/oil", Path("/srv")) == painters / "oil"
    assert path_of("package:painters", Path("/srv")) == painters
    assert "painters" not in sys.modules


def test_all_places_of_a_namespace_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, checkpoint in (("one", "oil"), ("other", "chalk")):
        (tmp_path / place / "styles" / checkpoint).mkdir(parents=True)
        monkeypatch.syspath_prepend(tmp_path / place)
    invalidate_caches()
    assert path_of("package:styles/oil", Path("/srv")) == tmp_path / "one/styles/oil"
    assert path_of("package:styles/chalk", Path("/srv")) == tmp_path / "other/styles/chalk"


@pytest.mark.usefixtures("painters")
@pytest.mark.parametrize("name", ["nobody", "this", "painters.oil", "__main__", "", "..", "pain ters"])
def test_what_is_no_package_is_said_to_be_missing(name: str) -> None:
    location = f"package:{name}/oil"
    with pytest.raises(ModelMissing, match=f"{location}: found no installed Python package {name!r}"):
        path_of(location, Path("/srv"))
    assert "painters" not in sys.modules


@pytest.mark.parametrize("family", [SdxlFamily(), WanFamily()], ids=["sdxl", "wan"])
def test_a_package_without_the_checkpoint_says_where_it_was_looked_for(
    painters: Path, family: ModelFamily[Any]
) -> None:
    def load(location: str) -> None:
        entry = ModelEntry(family=family.name, location=location)
        family.load(LoadContext(model=entry, device="cpu", precision=None, root=Path("/srv")))

    with pytest.raises(ModelMissing, match=f"looked for the folder {painters / 'chalk'}"):
        load("package:painters/chalk")
    with pytest.raises(ModelInvalid, match=f"{painters / 'oil' / 'model_index.json'} is missing"):
        load("package:painters/oil")


@pytest.mark.usefixtures("painters")
def test_components_may_lie_in_a_package_and_are_said_to_be_missing_there() -> None:
    with pytest.raises(ModelInvalid, match=r"painters/oil/model_index.json is missing"):
        find_components("package:painters/oil", "somebody/oil", Path("/srv"), LAYOUT, fetch=False)
    for missing in ("package:painters/chalk", "package:nobody/oil"):
        with pytest.raises(ComponentsMissing, match=r"(painters/chalk\.|'nobody';)"):
            find_components(missing, "somebody/oil", Path("/srv"), LAYOUT, fetch=False)
