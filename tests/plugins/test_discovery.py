"""Where plugins are found, and where they are not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ourvidz.plugins.discovery import BUILT_IN, PluginInvalid, installed_plugins, plugins_in
from ourvidz.plugins.manager import Plugins
from tests.plugins.conftest import WritePlugin

OBSERVER = """
    @hookimpl
    def ourvidz_job_event(event):
        pass
"""


def test_files_and_packages_of_a_named_folder_are_plugins(
    write: WritePlugin, load: Callable[[], Plugins]
) -> None:
    write("alone.py", OBSERVER)
    write("packed/__init__.py", OBSERVER)
    assert [(one.name, one.origin) for one in load().loaded] == [
        ("alone", "dropped/alone.py"),
        ("packed", "dropped/packed"),
    ]


def test_hidden_files_private_files_and_mere_folders_are_never_run(
    write: WritePlugin, load: Callable[[], Plugins]
) -> None:
    for name in ("_private.py", ".hidden.py", "_private/__init__.py", "notes/tool.py", "data/x.yaml"):
        write(name, "raise RuntimeError('run')")
    assert load().loaded == ()


def test_a_folder_that_nobody_names_is_not_looked_at(
    tmp_path: Path, write: WritePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("loud.py", "raise RuntimeError('run')")
    monkeypatch.chdir(tmp_path)
    assert "loud" not in [one.name for one in Plugins.load(root=tmp_path).loaded]


def test_a_package_may_import_its_own_modules(
    folder: Path, write: WritePlugin, load: Callable[[], Plugins]
) -> None:
    (folder / "packed").mkdir()
    (folder / "packed" / "colour.py").write_text("COLOUR = 'teal'\n")
    write("packed/__init__.py", "from .colour import COLOUR\n" + OBSERVER.replace("\n    ", "\n"))
    assert load().loaded[0].module.COLOUR == "teal"


def test_plugins_of_one_name_in_two_places_do_not_share_a_module(tmp_path: Path) -> None:
    modules = []
    for place in ("one", "two"):
        package = tmp_path / place / "same"
        package.mkdir(parents=True)
        (package / "place.py").write_text(f"PLACE = {place!r}\n")
        (package / "__init__.py").write_text(
            "from ourvidz.plugins.hookspecs import hookimpl\nfrom .place import PLACE\n"
            "@hookimpl\ndef ourvidz_job_event(event): ...\n"
        )
        modules += [
            one.module for one in Plugins(plugins_in(tmp_path / place, tmp_path), root=tmp_path).loaded
        ]
    assert [module.PLACE for module in modules] == ["one", "two"]


def test_a_folder_named_twice_is_loaded_once(folder: Path, write: WritePlugin) -> None:
    write("alone.py", OBSERVER)
    plugins = Plugins.load(root=folder.parent, folders=[folder, Path("dropped"), folder / ".." / "dropped"])
    assert [one.name for one in plugins.loaded].count("alone") == 1


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PluginInvalid, match="nowhere does not exist"):
        list(plugins_in(tmp_path / "nowhere", tmp_path))


def test_naming_a_plugin_instead_of_its_folder_says_which_folder_to_name(
    folder: Path, write: WritePlugin
) -> None:
    write("packed/__init__.py", OBSERVER)
    with pytest.raises(PluginInvalid, match=f"name the folder that holds it: {folder}$"):
        list(plugins_in(folder / "packed", folder.parent))


def _install(place: Path, name: str, version: str, entry_points: str) -> None:
    """Put a distribution into a folder the way pip leaves it there."""
    info = place / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[ourvidz]\n{entry_points}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    return site


def test_an_installed_package_is_a_plugin_with_its_version(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(site, "acme-ourvidz", "1.2", "acme = acme_ourvidz_plugin")
    (site / "acme_ourvidz_plugin.py").write_text(
        "from ourvidz.plugins.hookspecs import hookimpl\n@hookimpl\ndef ourvidz_job_event(event): ...\n"
    )
    monkeypatch.delitem(sys.modules, "acme_ourvidz_plugin", raising=False)
    loaded = {one.name: one.origin for one in Plugins.load(root=tmp_path).loaded}
    assert loaded["acme"] == "acme-ourvidz 1.2"
    assert loaded["policy"] == BUILT_IN


def test_an_installed_package_whose_module_is_missing_is_named(site: Path, tmp_path: Path) -> None:
    _install(site, "acme-ourvidz", "1.2", "acme = acme_that_is_missing")
    with pytest.raises(
        PluginInvalid, match=r"plugin 'acme' \(acme-ourvidz 1.2\) cannot be imported: ModuleNot"
    ):
        Plugins.load(root=tmp_path)


def test_an_entry_point_that_names_an_object_is_refused(site: Path, tmp_path: Path) -> None:
    _install(site, "acme-ourvidz", "1.2", "acme = json:dumps")
    with pytest.raises(PluginInvalid, match="expected a module, without a colon"):
        Plugins.load(root=tmp_path)


def test_nobody_takes_the_name_of_a_built_in_plugin(site: Path, tmp_path: Path) -> None:
    _install(site, "acme-ourvidz", "1.2", "policy = json")
    with pytest.raises(PluginInvalid, match=r"plugin 'policy' .* has the name of plugin 'policy'"):
        Plugins.load(root=tmp_path)


def test_without_its_own_entry_points_ourvidz_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python without any installed distribution: the request reviewer would be missing.
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(PluginInvalid, match="the request reviewer among them"):
        list(installed_plugins())
