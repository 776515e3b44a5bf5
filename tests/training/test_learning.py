"""What the training of both checkpoints stands on: what is learnt from, and how weights are changed."""

from __future__ import annotations

import random
import re
import zlib
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from training.optimizers import Muon, Optimizer, orthogonal
from training.reading import teach
from training.runs import Run, learning_rate
from training.sdxl import parts
from training.sdxl.text import TextEncoders, reader
from training.world.captions import Claim, describe
from training.world.described import CAPTIONS, draw_described
from training.world.drawing_lots import scenes
from training.world.painting import paint
from training.world.questions import QUESTIONS, answers
from training.world.render import render
from training.world.scenes import Landscape, StillLife
from training.world.writing import MEANINGLESS, nothing, written


def asked(*claims: Claim) -> dict[str, object]:
    """What the claims answer, but for what they leave open."""
    found = zip(QUESTIONS.items(), answers(claims), strict=True)
    return {name: values[answer - 1] for (name, values), answer in found if answer}


def test_an_answer_is_what_the_caption_says() -> None:
    claims = (Claim("ground", "sea"), Claim("clouds", 0), Claim("landmark", "sailboat"))
    assert asked(*claims) == {"ground": "sea", "clouds": 0, "landmark": "sailboat"}


def test_the_thing_on_the_left_is_the_first_whichever_the_caption_begins_with() -> None:
    things = Claim("colour", "red", 0), Claim("colour", "blue", 1)
    red, blue = {"colour 0": "red", "colour 1": "blue"}, {"colour 0": "blue", "colour 1": "red"}
    assert asked(*things, Claim("relation", "left of")) == {"relation": "left of", **red}
    assert asked(*things, Claim("relation", "right of")) == {"relation": "left of", **blue}
    assert asked(*things, Claim("relation", "on top of")) == {"relation": "on top of", **red}


def test_a_thing_by_itself_is_one() -> None:
    assert asked(Claim("colour", "red"), Claim("shape", "cube"))["count"] == 1
    assert asked(Claim("colour", "red"), Claim("count", 3))["count"] == 3


def test_every_claim_of_every_caption_is_asked_about() -> None:
    lots = random.Random(1)
    for moving in (False, True):
        for scene in islice(scenes(1, moving=moving), 500):
            claims = describe(scene, lots).claims
            assert len(asked(*claims)) >= len(claims)


def test_people_write_otherwise_and_say_the_same() -> None:
    lots = random.Random(1)
    texts = [written("the sea at night", lots) for _ in range(400)]
    assert {"the sea at night", "The sea at night."} < set(texts)
    bare = {
        " ".join(word for word in text.lower().rstrip(".").split() if word not in MEANINGLESS)
        for text in texts
    }
    assert bare == {"the sea at night"}
    assert set(nothing(lots).replace(",", "").split()) <= set(MEANINGLESS)


def test_scenes_and_captions_are_the_same_for_the_same_lot(tmp_path: Path) -> None:
    parts.write_tokenizers(tmp_path)
    read = reader(tmp_path)
    first, again, other = (draw_described(lot, 300, moving=False, read=read).tokens for lot in (3, 3, 4))
    assert first is not None
    assert first.shape == (300, CAPTIONS, 2, 77)
    assert (first == again).all()
    assert (first != other).any()


def test_captions_stand_beside_the_pictures_that_they_describe() -> None:
    """Over more scenes than a process prepares at a time: which are sorted by kind when they meet."""

    def read(several: list[str]) -> np.ndarray[Any, Any]:
        # Of each text whether a landscape's ground is named.
        grounds = {"sea", "ocean", "snow", "snowy", "sand", "sandy", "meadow", "grass", "grassland"}
        said = [set(text.lower().translate(str.maketrans(",.", "  ")).split()) for text in several]
        return np.array([[bool(words & grounds)] for words in said])

    described = draw_described("beside", 300, moving=False, read=read)
    assert described.tokens is not None
    named = [bool(one.any()) for one in described.tokens]
    count = described.counts[Landscape]
    assert all(named[:count])
    assert not any(named[count:])
    weights = described.weights(0.7)
    assert weights[:count].sum().item() == pytest.approx(0.7, rel=1e-4)
    assert weights.sum().item() == pytest.approx(1, rel=1e-4)
    assert described.counts[StillLife] == 300 - count


def test_pictures_are_painted_in_the_scenes_order() -> None:
    described = draw_described("order", 6, moving=False)
    found = torch.cat(list(paint(described, (32, 32), "cpu", at_once=2)))[:, :, 0]
    drawn = list(islice(scenes(zlib.crc32(repr(("order", 0)).encode())), 6))
    ordered = [scene for kind in (Landscape, StillLife) for scene in drawn if isinstance(scene, kind)]
    expected = render(ordered, 32, 32).mul(255).round().to(torch.uint8)
    assert (found.int() - expected.int()).abs().max() <= 1


def test_steps_of_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(1)
    for shape in ((3, 16, 40), (3, 40, 16)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)).float())
        assert values.min() > 0.5
        assert values.max() < 1.3


def test_all_that_is_trained_is_changed_and_nothing_else() -> None:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 24), nn.Conv1d(24, 32, 3), nn.Linear(3, 2))
    module[3].requires_grad_(False)
    optimizer = Optimizer(module, lr=0.1, weight_decay=0.0)
    before = {name: one.clone() for name, one in module.named_parameters()}
    sum(one.square().sum() for one in module.parameters() if one.requires_grad).backward()  # type: ignore[union-attr]
    optimizer.step(0.01)
    changed = {name for name, one in module.named_parameters() if (one != before[name]).any()}
    assert changed == {name for name in before if not name.startswith("3.")}
    assert all(one.grad is None for one in module.parameters())
    assert [type(part) for part in optimizer._parts] == [Muon, torch.optim.AdamW]


def test_muon_finds_what_turns_one_into_the_other() -> None:
    torch.manual_seed(1)
    wanted, found = torch.randn(32, 48), nn.Linear(48, 32, bias=False)
    optimizer = Optimizer(found, lr=0.1, weight_decay=0.0)
    for step in range(300):
        given = torch.randn(64, 48)
        (found(given) - given @ wanted.T).square().mean().backward()
        optimizer.step(learning_rate(step / 300, 0.1))
    assert (found.weight - wanted).square().mean() < 0.01 * wanted.square().mean()


def test_text_encoders_learn_what_captions_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts.write_tokenizers(tmp_path)
    torch.manual_seed(1)
    text = TextEncoders(*parts.text_encoders(tmp_path))
    run = Run(tmp_path, minutes=0.08, settings={})
    losses: list[float] = []
    note = run.note

    def noted(**values: torch.Tensor) -> None:
        losses.append(float(values["loss"].detach()))
        note(**values)

    run.note = noted  # type: ignore[method-assign]
    teach(
        run, text, lambda tokens: text(tokens[..., :64]), reader(tmp_path),
        seed=1, captions=2304, batch=16, height=2e-3, device="cpu",
    )  # fmt: skip
    assert min(losses) < 0.7 * losses[0]
    # After some seconds hardly one caption is read as a whole.
    told = re.findall(r"held out, misread from (words|pooled): ([0-9.]+)%", capsys.readouterr().out)
    assert [by for by, _ in told] == ["words", "pooled"]
    assert all(50 < float(share) <= 100 for _, share in told)
