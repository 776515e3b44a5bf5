"""SDXL checkpoints in a single ``.safetensors`` file: found and looked at before torch is imported.

Such a file has weights alone. Tokenizers and settings come from a folder in the diffusers layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ourvidz.plugins.checkpoints.digest import digest_of
from ourvidz.plugins.checkpoints.finding import WEIGHT_FILES, find_components
from ourvidz.plugins.checkpoints.found import FilesIn, FoundCheckpoint
from ourvidz.plugins.checkpoints.headers import TensorHeader, read_header
from ourvidz.plugins.checkpoints.kinds import input_channels, latent_channels, looks_like
from ourvidz.plugins.checkpoints.layout import Checkpoint, reading_checkpoint
from ourvidz.plugins.checkpoints.locations import path_of
from ourvidz.plugins.checkpoints.origins import Origin
from ourvidz.plugins.family import ModelInvalid, ModelMissing
from ourvidz.plugins.sdxl.layout import LAYOUT
from ourvidz.plugins.sdxl.original import MARKS, PREFIXES, sort_tensors
from ourvidz.spec.settings import ModelEntry

#: Whose tokenizers and settings every SDXL checkpoint shares, unless ``components`` names others.
DEFAULT_COMPONENTS = "stabilityai/stable-diffusion-xl-base-1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleFile:
    """A file with the weights of every part, and a folder with everything else."""

    file: Path
    components: Checkpoint
    tensors: Mapping[str, TensorHeader]
    origins: Mapping[str, Mapping[str, Origin]]
    """By part and by name in the diffusers layout: where the file has that tensor."""

    def found(self) -> FoundCheckpoint:
        """Its files, for whoever counts or hashes them. The digest does not depend on the file's name."""
        weights = FilesIn(folder=self.file.parent, files={"weights.safetensors": self.file.name})
        others = {f"components/{name}": name for name in self.components.files}
        components = FilesIn(folder=self.components.folder, files=others)
        return FoundCheckpoint(kind="single file", folders=(weights, components))

    def part_digest(self, digests: Mapping[str, str], part: str) -> str:
        """Equal for equal weights and settings of one part; ``digests`` are those of the files."""
        within = (f"components/{part}/", "weights.safetensors")
        named = {name: digest for name, digest in digests.items() if name.startswith(within)}
        return digest_of({"part": part, **named})


def single_file_at(location: str, root: Path) -> Path | None:
    """The file that a location names; None where it names a folder or something on the hub.

    Raises ModelMissing for a file that is not there, ModelInvalid for one that may be pickled.
    """
    path = path_of(location, root)
    with reading_checkpoint():
        is_file, is_folder = path.is_file(), path.is_dir()
    if is_folder or not (is_file or path.suffix in WEIGHT_FILES):
        return None
    if path.suffix != ".safetensors":
        raise ModelInvalid(
            f"{path}: expected a folder or a file that ends in .safetensors; other formats may be pickled, "
            "which can run code, and are never loaded"
        )
    if not is_file:
        raise ModelMissing(
            f"there is no checkpoint {location!r}: looked for the file {path}. Put it there, or name another "
            "file, folder or hub id in ourvidz.yaml (models: … location:)"
        )
    return path


def read_single_file(file: Path, model: ModelEntry, root: Path, *, fetch: bool = True) -> SingleFile:
    """Look at a file's header and find its components.

    Raises ModelInvalid for a file that is not whole or not of SDXL, and ComponentsMissing.
    """
    with reading_checkpoint():
        tensors = read_header(file)
    _check_kind(file, tensors)
    components = find_components(model.components, DEFAULT_COMPONENTS, root, LAYOUT, fetch=fetch)
    sorted_tensors = sort_tensors(
        tensors, layers=_count(components, "unet", "layers_per_block"), levels=_levels(components)
    )
    if sorted_tensors.unknown:
        raise ModelInvalid(
            f"{file} has {len(sorted_tensors.unknown)} tensors that are none of SDXL's, such as "
            f"{', '.join(sorted(sorted_tensors.unknown)[:3])}"
        )
    for origin in (one for part in sorted_tensors.parts.values() for one in part.values()):
        shape = tensors[origin.name].shape
        if not origin.fits(shape):
            raise ModelInvalid(
                f"{file}: {origin.name} has the shape {list(shape)}, expected queries, keys and values, one "
                "below the other"
            )
    _check_marks(file, tensors, components)
    return SingleFile(file=file, components=components, tensors=tensors, origins=sorted_tensors.parts)


def _count(components: Checkpoint, part: str, key: str) -> int:
    """A number from 1 of a part's settings. Raises ModelInvalid."""
    value = components.settings(part).get(key)
    if type(value) is not int or value < 1:
        path = components.folder / part / LAYOUT.parts[part].config
        raise ModelInvalid(f"{path}: {key} is {value!r}, expected a whole number from 1")
    return value


def _levels(components: Checkpoint) -> int:
    """How many levels the VAE's decoder has. Raises ModelInvalid."""
    blocks = components.settings("vae").get("up_block_types")
    if not isinstance(blocks, list) or not blocks:
        path = components.folder / "vae" / LAYOUT.parts["vae"].config
        raise ModelInvalid(f"{path}: up_block_types is {blocks!r}, expected a list of classes")
    return len(blocks)


def _check_kind(file: Path, tensors: Mapping[str, TensorHeader]) -> None:
    lacking = [
        part for part, prefix in PREFIXES.items() if not any(name.startswith(prefix) for name in tensors)
    ]
    if lacking in (["vae"], ["text_encoder"], ["text_encoder_2"]):
        raise ModelInvalid(
            f"{file} has no {lacking[0]} (tensors {PREFIXES[lacking[0]]}…), which an SDXL checkpoint in a "
            "single file has; fetch the version that is complete"
        )
    if lacking or input_channels(tensors) != latent_channels(tensors):
        raise ModelInvalid(f"{file} looks like {looks_like(tensors)}; expected an SDXL checkpoint")


def _check_marks(file: Path, tensors: Mapping[str, TensorHeader], components: Checkpoint) -> None:
    """Raises ModelInvalid where the components' scheduler is not the one that the file asks for."""
    scheduler = components.settings("scheduler")
    wanted = {"v_pred": ("prediction_type", "v_prediction"), "ztsnr": ("rescale_betas_zero_snr", True)}
    for mark in MARKS:
        name, value = wanted[mark]
        if mark in tensors and scheduler.get(name) != value:
            shown = str(value).lower()
            raise ModelInvalid(
                f"{file} was trained with {name}: {shown} (it has a tensor {mark}), but "
                f"{components.folder / 'scheduler/scheduler_config.json'} says {scheduler.get(name)}; name "
                "components whose scheduler says so in ourvidz.yaml (models: … components:)"
            )
