"""What a WAN 2.1 checkpoint has to hold."""

from __future__ import annotations

from ourvidz.plugins.checkpoints.layout import Layout, Part

LAYOUT = Layout(
    family="wan",
    pipeline="WanPipeline",
    parts={
        "scheduler": Part(config="scheduler_config.json", classes=("diffusers.*Scheduler",)),
        "tokenizer": Part(
            config="tokenizer_config.json",
            classes=("transformers.T5Tokenizer", "transformers.T5TokenizerFast"),
            vocabulary=(("tokenizer.json",),),
        ),
        "text_encoder": Part(
            config="config.json", classes=("transformers.UMT5EncoderModel",), weights="model"
        ),
        "transformer": Part(
            config="config.json",
            classes=("diffusers.WanTransformer3DModel",),
            weights="diffusion_pytorch_model",
        ),
        "vae": Part(
            config="config.json", classes=("diffusers.AutoencoderKLWan",), weights="diffusion_pytorch_model"
        ),
    },
)
