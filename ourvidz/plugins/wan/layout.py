"""What a WAN 2.1 checkpoint has to hold."""

from __future__ import annotations

from ourvidz.plugins.checkpoints.layout import Layout, Part

LAYOUT = Layout(
    family="wan",
    pipeline="WanPipeline",
    parts={
        "scheduler": Part(config="scheduler_config.json"),
        "tokenizer": Part(config="tokenizer_config.json", vocabulary=(("tokenizer.json",),)),
        "text_encoder": Part(config="config.json", class_name="UMT5EncoderModel", weights="model"),
        "transformer": Part(
            config="config.json", class_name="WanTransformer3DModel", weights="diffusion_pytorch_model"
        ),
        "vae": Part(config="config.json", class_name="AutoencoderKLWan", weights="diffusion_pytorch_model"),
    },
)
