"""Where job types and settings are looked for, in which order, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.spec.lookup import PlaceMissing, find_job_types, find_place_for_new, find_settings


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("named", "of_environment", "jobtypes"):
        (tmp_path / name).mkdir()
    return tmp_path


ENVIRON = {"OURVIDZ_JOBTYPES": "of_environment", "OURVIDZ_CONFIG": "other.yaml"}


def test_a_named_folder_comes_first() -> None:
    found = find_job_types(Path("named"), ENVIRON)
    assert (found.path, found.because) == (Path("named"), "--jobtypes names it")


def test_then_the_environment() -> None:
    found = find_job_types(None, ENVIRON)
    assert (found.path, found.because) == (Path("of_environment"), "OURVIDZ_JOBTYPES names it")


def test_then_the_working_folder() -> None:
    found = find_job_types(None, {})
    assert (found.path, found.because) == (Path("jobtypes"), "the working folder has it")


def test_then_the_package() -> None:
    Path("jobtypes").rmdir()
    found = find_job_types(None, {})
    assert found.because == "it comes with the package"
    assert (found.path / "sdxl_image_fast.yaml").is_file()


@pytest.mark.parametrize("environ", [{}, ENVIRON])
def test_a_named_folder_that_is_missing_is_an_error_whatever_else_there_is(
    environ: dict[str, str],
) -> None:
    with pytest.raises(PlaceMissing, match=r"elsewhere: found no folder.*--jobtypes names it"):
        find_job_types(Path("elsewhere"), environ)


def test_a_folder_of_the_environment_that_is_missing_is_an_error() -> None:
    with pytest.raises(PlaceMissing, match="OURVIDZ_JOBTYPES names it"):
        find_job_types(None, {"OURVIDZ_JOBTYPES": "elsewhere"})


def test_a_new_job_type_never_goes_into_the_package() -> None:
    assert find_place_for_new(None, ENVIRON) == Path("of_environment")
    Path("jobtypes").rmdir()
    assert find_place_for_new(None, {}) == Path("jobtypes")


def test_settings_are_found_in_the_same_order() -> None:
    assert find_settings(None, {}) is None
    for name in ("ourvidz.yaml", "other.yaml", "named.yaml"):
        Path(name).touch()
    places = [
        find_settings(Path("named.yaml"), ENVIRON),
        find_settings(None, ENVIRON),
        find_settings(None, {}),
    ]
    assert [(str(one.path), one.because) for one in places if one] == [
        ("named.yaml", "--config names it"),
        ("other.yaml", "OURVIDZ_CONFIG names it"),
        ("ourvidz.yaml", "the working folder has it"),
    ]


def test_named_settings_that_are_missing_are_an_error() -> None:
    with pytest.raises(PlaceMissing, match=r"no\.yaml: found no file"):
        find_settings(Path("no.yaml"), {})


def test_a_path_that_no_file_system_has_is_missing_like_any_other() -> None:
    beyond = Path("x" * 300)
    with pytest.raises(PlaceMissing, match="found no folder"):
        find_job_types(beyond, {})
    with pytest.raises(PlaceMissing, match="found no file"):
        find_settings(beyond, {})
