"""What an SDXL checkpoint has to hold."""

from __future__ import annotations

from ourvidz.plugins.checkpoints.layout import Layout, Part

#: A tokenizer's words, in the older form or in the newer.
_VOCABULARY = (("vocab.json", "merges.txt"), ("tokenizer.json",))

LAYOUT = Layout(
    family="sdxl",
    pipeline="StableDiffusionXLPipeline",
    parts={
        "scheduler": Part(config="scheduler_config.json"),
        "tokenizer": Part(config="tokenizer_config.json", vocabulary=_VOCABULARY),
        "tokenizer_2": Part(config="tokenizer_config.json", vocabulary=_VOCABULARY),
        "text_encoder": Part(config="config.json", class_name="CLIPTextModel", weights="model"),
        "text_encoder_2": Part(
            config="config.json", class_name="CLIPTextModelWithProjection", weights="model"
        ),
        "unet": Part(
            config="config.json", class_name="UNet2DConditionModel", weights="diffusion_pytorch_model"
        ),
        "vae": Part(config="config.json", class_name="AutoencoderKL", weights="diffusion_pytorch_model"),
    },
)
