"""What is said of a request whose parameters a family does not take."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, field_validator, model_validator

from ourvidz.plugins.family import GenerationParameters
from ourvidz.plugins.parameters import ParameterRefused, validate_parameters

SECRET = "a lighthouse nobody knows of"


class ClayParameters(GenerationParameters):
    prompt: str = Field(max_length=50)
    negative_prompt: str | None = Field(default=None, max_length=50)
    steps: int = Field(ge=1, le=10)
    colour: str = "grey"

    @field_validator("colour")
    @classmethod
    def _is_known(cls, colour: str) -> str:
        if colour != "grey":
            raise ValueError("there is one colour only")
        return colour

    @model_validator(mode="after")
    def _fits(self) -> ClayParameters:
        if self.steps == 9:
            raise ValueError("nine steps crack the clay, expected fewer")
        return self


def refusal(**changes: Any) -> str:
    values: dict[str, Any] = {"prompt": SECRET, "resolution": "64x64", "steps": 4, "guidance": 6.0}
    values = {name: value for name, value in (values | changes).items() if value is not None}
    with pytest.raises(ParameterRefused) as caught:
        validate_parameters(ClayParameters, values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 11}, "steps: found 11, expected a whole number from 1 to 10"),
        ({"steps": "four"}, "steps: found four, expected a whole number from 1 to 10"),
        ({"resolution": "big"}, "resolution: found big, expected WIDTHxHEIGHT in pixels, such as 1024x1024"),
        ({"colour": "red"}, "colour: found red (there is one colour only), expected a text"),
        (
            {"steps": 9},
            "request: found values that do not go together (nine steps crack the clay), expected fewer",
        ),
        ({"glaze": 1}, "glaze: this model does not take it; it takes prompt, negative_prompt, num_images, "),
        ({"colour": "x" * 5000}, f"colour: found {'x' * 59}… (there"),
    ],
)
def test_a_refusal_says_what_was_found_and_what_is_expected(changes: dict[str, Any], message: str) -> None:
    assert refusal(**changes).startswith(message)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": SECRET * 2},
        {"prompt": [SECRET]},
        {"negative_prompt": SECRET * 2},
        {"steps": None},
        {"steps": 9},
        {"glaze": 1},
    ],
)
def test_no_refusal_repeats_a_prompt(changes: dict[str, Any]) -> None:
    assert "nobody knows" not in refusal(**changes)


def test_a_prompt_that_is_refused_is_still_explained() -> None:
    assert (
        refusal(prompt="x" * 51)
        == "prompt: found a text of 51 characters, expected a text of 0 to 50 characters"
    )
    assert refusal(steps=None) == "steps: found nothing, expected a whole number from 1 to 10"
