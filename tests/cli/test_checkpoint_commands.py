"""``ourvidz models list``, ``check`` and ``convert``, as they are typed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.wan.family import WanFamily
from tests.cli.conftest import CommandLine

SETTINGS = """\
models:
  sdxl:
    family: sdxl
    location: checkpoints/sdxl
  posters:
    family: sdxl
    location: checkpoints/posters.safetensors
    components: checkpoints/sdxl
    precision: bf16
  wan:
    family: wan
    location: somebody/wan
"""


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint, not to be changed."""
    folder = tmp_path_factory.mktemp("checkpoints") / "sdxl"
    SdxlFamily().write_small_checkpoint(folder, seed=0)
    return folder


@pytest.fixture(scope="module")
def wan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small WAN checkpoint as its authors would publish it, not to be changed."""
    from tests.plugins.wan.original_layout import write_original

    folder = tmp_path_factory.mktemp("checkpoints")
    WanFamily().write_small_checkpoint(folder / "small", seed=0)
    return write_original(folder / "small", folder / "published")


@pytest.fixture
def checkpoints(folder: Path, sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's checkpoints: a folder, a single file, and a hub id that is not in the cache."""
    from huggingface_hub import constants

    from tests.plugins.sdxl.original_layout import write_single_file

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (folder / "ourvidz.yaml").write_text(SETTINGS)
    shutil.copytree(sdxl, folder / "checkpoints" / "sdxl")
    write_single_file(sdxl, folder / "checkpoints" / "posters.safetensors")
    return folder / "checkpoints"


def by_name(stdout: str) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(stdout)}


@pytest.mark.usefixtures("checkpoints")
def test_the_list_has_every_model_with_what_is_there_of_it(ourvidz: CommandLine) -> None:
    run = ourvidz("models list --json")
    rows = by_name(run.stdout)
    assert (run.status, list(rows)) == (0, ["posters", "sdxl", "wan"])
    told = {name: (row["kind"], row["state"], row["precision"]) for name, row in rows.items()}
    assert told == {
        "posters": ("single file", "present", "bf16"),
        "sdxl": ("folder", "present", None),
        "wan": (None, "missing", None),
    }
    assert rows["posters"]["job_types"] == []
    assert rows["wan"]["job_types"] == ["image_fast", "image_high", "video_fast", "video_high"]
    table = ourvidz("models list").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["model", "posters", "sdxl", "wan"]
    assert re.search(r"single file +[0-9.]+ MB +bf16 +checkpoints/posters.safetensors +-$", table[1])


def test_the_size_is_that_of_everything_that_is_read(ourvidz: CommandLine, checkpoints: Path) -> None:
    rows = by_name(ourvidz("models list --json").stdout)
    files = [
        path for path in (checkpoints / "sdxl").rglob("*") if path.is_file() and path.name != "README.md"
    ]
    assert rows["sdxl"]["size"] == sum(path.stat().st_size for path in files)


def test_all_models_are_checked_and_everything_that_is_wrong_is_told(
    ourvidz: CommandLine, checkpoints: Path
) -> None:
    (checkpoints / "sdxl/vae/config.json").unlink()
    (checkpoints / "sdxl/unet/diffusion_pytorch_model.safetensors").write_bytes(b"")
    run = ourvidz("models check")
    assert run.status == 1
    assert re.search(
        r"^sdxl: 2 problems\n  .*unet.* is not a safetensors .*\n  .*vae.* is missing", run.stdout, re.M
    )
    assert re.search(r"^posters: 1 problem\n  .*vae/config.json is missing", run.stdout, re.M)
    assert re.search(
        r"^wan: 1 problem\n  there is no checkpoint 'somebody/wan': looked for", run.stdout, re.M
    )


def test_the_digest_that_is_printed_is_the_one_that_the_settings_take(
    ourvidz: CommandLine, checkpoints: Path, folder: Path
) -> None:
    first = ourvidz("models check sdxl posters")
    assert first.status == 0
    digests = re.findall(r"digest: (sha256:[0-9a-f]{64}) \(not in ourvidz.yaml\)", first.stdout)
    assert len(set(digests)) == 2
    lines = SETTINGS.replace(
        "location: checkpoints/sdxl\n", f"location: checkpoints/sdxl\n    digest: {digests[0]}\n"
    )
    (folder / "ourvidz.yaml").write_text(lines)
    again = ourvidz("models check sdxl")
    assert (again.status, "(as in ourvidz.yaml)" in again.stdout) == (0, True)
    config = checkpoints / "sdxl/scheduler/scheduler_config.json"
    config.write_text(config.read_text().replace("0.012", "0.013"))
    changed = ourvidz("models check sdxl --json")
    row = by_name(changed.stdout)["sdxl"]
    assert changed.status == 1
    assert (row["expected_digest"], row["digest"] != digests[0]) == (digests[0], True)
    assert f"found {row['digest']}, expected {digests[0]}" in str(row["problems"])


def test_files_are_compared_with_a_sha256sums_beside_them(ourvidz: CommandLine, checkpoints: Path) -> None:
    sums = subprocess.run("sha256sum */* > SHA256SUMS", shell=True, cwd=checkpoints / "sdxl")
    assert (sums.returncode, ourvidz("models check sdxl").status) == (0, 0)
    name = "unet/diffusion_pytorch_model.safetensors"
    content = bytearray((checkpoints / "sdxl" / name).read_bytes())
    content[-1] ^= 1
    (checkpoints / "sdxl" / name).write_bytes(content)
    run = ourvidz("models check sdxl")
    assert run.status == 1
    assert re.search(rf"{name}: found SHA-256 .*, expected .*, as .*SHA256SUMS says", run.stdout)


@pytest.mark.usefixtures("checkpoints")
def test_a_model_that_does_not_exist_is_not_checked(ourvidz: CommandLine) -> None:
    run = ourvidz("models check poster")
    assert (run.status, run.stderr) == (4, "error: there is no model 'poster'; did you mean posters?\n")


@pytest.mark.usefixtures("checkpoints")
def test_looking_at_checkpoints_loads_no_heavy_library(folder: Path) -> None:
    code = (
        "import sys\n"
        "from ourvidz.cli.main import root\n"
        "root.main(['models', 'list', '--json'], standalone_mode=False)\n"
        "print([name for name in ('torch', 'diffusers', 'transformers', 'PIL') if name in sys.modules],"
        " file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "[]\n")


@pytest.mark.usefixtures("checkpoints")
def test_a_worker_refuses_a_checkpoint_of_another_digest(ourvidz: CommandLine, folder: Path) -> None:
    wrong = "sha256:" + "0" * 64
    lines = SETTINGS.replace(
        "location: checkpoints/sdxl\n", f"location: checkpoints/sdxl\n    digest: {wrong}\n"
    )
    (folder / "ourvidz.yaml").write_text(lines)
    job_id = ourvidz('submit sdxl_image_fast --prompt "a lighthouse"').stdout.strip()
    run = ourvidz("run-worker --plugin sdxl --burst --json")
    assert run.status == 3
    assert json.loads(run.stderr.splitlines()[-1])["error"]["code"] == "digest_mismatch"
    assert json.loads(ourvidz(f"status {job_id} --json").stdout)["status"] == "queued"


def test_wan_as_published_is_converted_and_checked(ourvidz: CommandLine, folder: Path, wan: Path) -> None:
    run = ourvidz(f"models convert WAN {wan} converted --json")
    told = json.loads(run.stdout)
    assert (run.status, told["family"], told["folder"]) == (0, "wan", "converted")
    (folder / "ourvidz.yaml").write_text(
        f"models: {{wan: {{family: wan, location: converted, digest: '{told['digest']}'}}}}\n"
    )
    checked = ourvidz("models check wan")
    assert (checked.status, "as in ourvidz.yaml" in checked.stdout) == (0, True)
    again = ourvidz(f"models convert wan {wan} converted")
    assert (again.status, "nothing is overwritten" in again.stderr) == (1, True)


def test_a_single_file_is_converted_with_components(ourvidz: CommandLine, checkpoints: Path) -> None:
    run = ourvidz(
        f"models convert sdxl {checkpoints}/posters.safetensors posters --components {checkpoints}/sdxl"
    )
    assert run.status == 0
    assert re.fullmatch(r"posters: converted, [0-9.]+ MB\n  digest: sha256:[0-9a-f]{64}\n", run.stdout)
    assert "\r" not in run.stderr, "a pipe was shown progress"


def test_what_is_wrong_with_a_folder_that_was_converted_is_told(
    ourvidz: CommandLine, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = SdxlFamily.convert

    def damaged(family: SdxlFamily, source: Path, folder: Path, **options: Any) -> None:
        convert(family, source, folder, **options)
        (folder / "vae/config.json").unlink()

    monkeypatch.setattr(SdxlFamily, "convert", damaged)
    command = f"models convert sdxl {checkpoints}/posters.safetensors posters --components {checkpoints}/sdxl"
    run = ourvidz(command)
    assert (run.status, "posters/vae/config.json is missing" in run.stdout) == (1, True)
    run = ourvidz(f"{command.replace(' posters ', ' others ')} --json")
    assert run.status == 1
    assert "others/vae/config.json is missing" in json.loads(run.stdout)["problems"][0]


@pytest.mark.usefixtures("checkpoints")
def test_what_cannot_be_converted_is_told_with_its_code(ourvidz: CommandLine, folder: Path) -> None:
    for command, status, code in (
        ("models convert placeholder a b", 4, "not_found"),
        ("models convert sdxl nowhere.safetensors b", 3, "model_missing"),
        ("models convert sdxl checkpoints/posters.safetensors b", 3, "components_missing"),
        ("models convert sdxl checkpoints/sdxl b", 3, "model_invalid"),
        ("models convert wan checkpoints/sdxl b", 3, "model_invalid"),
    ):
        run = ourvidz(f"{command} --json")
        assert (run.status, json.loads(run.stderr)["error"]["code"]) == (status, code), command
    assert not (folder / "b").exists()
