"""What an SDXL checkpoint has to hold."""

from __future__ import annotations

from ourvidz.plugins.checkpoints.layout import Layout, Part

#: A tokenizer's words, in the older form or in the newer.
_VOCABULARY = (("vocab.json", "merges.txt"), ("tokenizer.json",))

_TOKENIZER = Part(
    config="tokenizer_config.json",
    classes=("transformers.CLIPTokenizer", "transformers.CLIPTokenizerFast"),
    vocabulary=_VOCABULARY,
)

LAYOUT = Layout(
    family="sdxl",
    pipeline="StableDiffusionXLPipeline",
    parts={
        "scheduler": Part(config="scheduler_config.json", classes=("diffusers.*Scheduler",)),
        "tokenizer": _TOKENIZER,
        "tokenizer_2": _TOKENIZER,
        "text_encoder": Part(config="config.json", classes=("transformers.CLIPTextModel",), weights="model"),
        "text_encoder_2": Part(
            config="config.json", classes=("transformers.CLIPTextModelWithProjection",), weights="model"
        ),
        "unet": Part(
            config="config.json",
            classes=("diffusers.UNet2DConditionModel",),
            weights="diffusion_pytorch_model",
        ),
        "vae": Part(
            config="config.json", classes=("diffusers.AutoencoderKL",), weights="diffusion_pytorch_model"
        ),
    },
)
