"""Latents of pictures with several captions of each, kept on the device for a run."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

from ourvidz.plugins.checkpoints.small_words import WORDS
from training.world.captions import describe
from training.world.drawing_lots import scenes
from training.world.render import render
from training.world.scenes import Scene

#: Height and width in pixels.
Size = tuple[int, int]

#: Captions of each picture.
CAPTIONS = 4

#: How often a caption has a word that says nothing, so that such words do little.
DISTRACTED = 0.1

#: Pixels that are painted and encoded at a time.
AT_ONCE = 16 * 1024 * 1024


@dataclass(frozen=True)
class Captioned:
    """Pictures of one size."""

    size: Size
    latents: torch.Tensor
    """N × 4 × height/8 × width/8, float16, as the UNet sees them."""
    tokens: torch.Tensor
    """N × CAPTIONS × 2 × 77, for both text encoders."""

    @dataclass(frozen=True)
    class Batch:
        latents: torch.Tensor
        tokens: torch.Tensor
        size: Size

    def batch(self, count: int, draws: torch.Generator) -> Captioned.Batch:
        index = torch.randint(0, len(self.latents), (count,), generator=draws, device=self.latents.device)
        which = torch.randint(0, CAPTIONS, (count,), generator=draws, device=self.latents.device)
        return Captioned.Batch(self.latents[index].float(), self.tokens[index, which].long(), self.size)


@torch.no_grad()
def captioned(
    vae: AutoencoderKL, tokenizers: Path, seed: int, size: Size, count: int, device: str
) -> Captioned:
    """Paint, encode and describe ``count`` scenes. Each size has scenes of its own."""
    height, width = size
    drawn = list(itertools.islice(scenes(hash((seed, *size)) % 2**31), count))
    latents = torch.empty(count, 4, height // 8, width // 8, dtype=torch.float16, device=device)
    step = max(1, AT_ONCE // (height * width))
    vae = vae.eval().to(memory_format=torch.channels_last)
    for start in range(0, count, step):
        pictures = render(drawn[start : start + step], height, width, device=device)
        with torch.autocast(device, torch.bfloat16):
            found = vae.encode(pictures * 2 - 1).latent_dist.sample()
        latents[start : start + step] = (found.float() * vae.config.scaling_factor).half()
    return Captioned(size, latents, _tokens(drawn, tokenizers, seed).to(device))


def _tokens(drawn: list[Scene], tokenizers: Path, seed: int) -> torch.Tensor:
    lots = random.Random(f"captions:{seed}")
    texts = [_distracted(describe(scene, lots).text, lots) for scene in drawn for _ in range(CAPTIONS)]
    both = []
    for name in ("tokenizer", "tokenizer_2"):
        tokenizer = CLIPTokenizer.from_pretrained(tokenizers / name)
        found = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        both.append(found.to(torch.int16).view(len(drawn), CAPTIONS, -1))
    return torch.stack(both, dim=2)


def _distracted(text: str, lots: random.Random) -> str:
    if lots.random() >= DISTRACTED:
        return text
    words = text.split(" ")
    words.insert(lots.randrange(len(words) + 1), lots.choice(WORDS.split()))
    return " ".join(words)
