"""What a checkpoint paints of a few prompts with combinations that it has not seen."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import torch
from diffusers import WanPipeline

from training.wan import parts
from training.wan.clips import FRAMES, SIZES, TINY
from training.wan.contact_sheet import save_clips
from training.wan.words import read
from training.world.captions import describe
from training.world.drawing_lots import scenes

#: Clips of each size.
COUNT = 5

#: Those of the job type ``video_fast``.
STEPS, GUIDANCE = 15, 6.5


@torch.no_grad()
def save_samples(folder: Path, device: str, *, tiny: bool) -> None:
    """Paint with ``folder``'s checkpoint; save the frames of each size as a sheet, and the prompts."""
    pipeline = WanPipeline.from_pretrained(folder / "checkpoint", dtype=torch.float32).to(device)
    pipeline.set_progress_bar_config(disable=True)
    lots = random.Random("samples")
    prompts = [
        describe(scene, lots).text for scene in itertools.islice(scenes(1, unseen=True, moving=True), COUNT)
    ]
    # Read here, since WanPipeline cleans texts with a library that training does without.
    tokens = torch.from_numpy(read(pipeline.tokenizer, [*prompts, ""])).long().to(device)
    *texts, empty = torch.split(parts.embeddings(pipeline.text_encoder, tokens), 1)
    (folder / "samples.txt").write_text("\n".join(prompts) + "\n")
    for size in TINY if tiny else SIZES:
        clips = []
        for index, text in enumerate(texts):
            found = pipeline(
                prompt_embeds=text,
                negative_prompt_embeds=empty,
                height=size[0],
                width=size[1],
                num_frames=FRAMES,
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE,
                generator=torch.Generator().manual_seed(index),
                output_type="pt",
            ).frames
            clips.append(found.transpose(1, 2).float() * 2 - 1)
        save_clips(clips, folder / f"samples-{size[0]}x{size[1]}.png")
