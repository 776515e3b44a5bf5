"""What is said of a safetensors file whose header and bytes do not agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ourvidz.plugins.checkpoints.headers import TensorHeader, read_header
from ourvidz.plugins.family import ModelInvalid


def write(folder: Path, tensors: dict[str, Any], size: int) -> Path:
    header = json.dumps(tensors).encode()
    path = folder / "weights.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
    return path


def tensor(first: Any, last: Any, shape: Any = (2, 3), dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, last]}


def test_tensors_are_read_in_any_order(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"b": tensor(24, 36, dtype="F16"), "a": tensor(0, 24), "c": tensor(24, 24, [0])}, 36
    )
    assert read_header(path) == {
        "b": TensorHeader("F16", (2, 3)),
        "a": TensorHeader("F32", (2, 3)),
        "c": TensorHeader("F32", (0,)),
    }


def test_a_number_format_that_is_not_known_is_not_counted(tmp_path: Path) -> None:
    path = write(tmp_path, {"a": tensor(0, 3, dtype="F4")}, 3)
    assert read_header(path) == {"a": TensorHeader("F4", (2, 3))}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (
            {"a": tensor(0, 20), "b": tensor(20, 48)},
            r"a has 20 bytes, expected 24, as F32 of the shape \[2, 3\]",
        ),
        ({"a": tensor(0, 24), "b": tensor(24, 48, dtype="F16")}, "b has 24 bytes, expected 12"),
        ({"a": tensor(0, 24), "b": tensor(0, 24)}, "b starts at byte 0 of the tensors, expected 24"),
        ({"a": tensor(0, 24), "b": tensor(28, 52)}, "b starts at byte 28 of the tensors, expected 24"),
        ({"a": tensor(24, 48)}, "a starts at byte 24 of the tensors, expected 0"),
        ({"a": tensor(24, 0)}, "a starts at byte 24"),
        ({"a": tensor(0, 24), "b": tensor(24, 0, dtype="F4")}, "b has -24 bytes"),
        ({"a": tensor(-24, 0)}, "found -24, expected a whole number"),
        ({"a": tensor(0, 24, [-2, -3])}, "found -2, expected a whole number"),
        ({"a": tensor(0, 24.0)}, "found 24.0, expected a whole number"),
        ({"a": tensor(False, 24)}, "found False, expected a whole number"),
        ({"a": tensor(0, 24, ["6"])}, "found '6', expected a whole number"),
        ({"a": {"dtype": "F32", "shape": [6], "data_offsets": [0]}}, ""),
    ],
)
def test_a_header_that_does_not_fit_its_tensors_is_refused(
    tmp_path: Path, tensors: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, tensors, 48)
    with pytest.raises(ModelInvalid, match=f"{path} is not a safetensors file: .*{message}"):
        read_header(path)


def test_bytes_beyond_the_last_tensor_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, {"a": tensor(0, 24)}, 25)
    with pytest.raises(ModelInvalid, match=r"has .* bytes, expected"):
        read_header(path)
