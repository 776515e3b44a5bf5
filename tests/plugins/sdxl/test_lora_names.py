"""Every layer is found by the names that LoRA files have for it, in SDXL as published."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from ourvidz.plugins.diffusion.loras import Layer
from ourvidz.plugins.sdxl.lora_names import sdxl_layers
from ourvidz.plugins.sdxl.published import TEXT_ENCODER, TEXT_ENCODER_2, UNET


@pytest.fixture(scope="module")
def published() -> SimpleNamespace:
    """SDXL's parts without memory for their weights."""
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    with torch.device("meta"):
        return SimpleNamespace(
            unet=UNet2DConditionModel(**UNET),
            text_encoder=CLIPTextModel(CLIPTextConfig(**TEXT_ENCODER)),
            text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**TEXT_ENCODER_2)),
        )


@pytest.fixture(scope="module")
def layers(published: SimpleNamespace) -> dict[str, Layer]:
    return sdxl_layers(published)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("input_blocks_0_0", "conv_in"),
        ("input_blocks_1_0_in_layers_2", "down_blocks.0.resnets.0.conv1"),
        ("input_blocks_3_0_op", "down_blocks.0.downsamplers.0.conv"),
        ("input_blocks_4_0_skip_connection", "down_blocks.1.resnets.0.conv_shortcut"),
        ("input_blocks_4_1_proj_in", "down_blocks.1.attentions.0.proj_in"),
        (
            "input_blocks_8_1_transformer_blocks_9_attn2_to_out_0",
            "down_blocks.2.attentions.1.transformer_blocks.9.attn2.to_out.0",
        ),
        ("middle_block_0_out_layers_3", "mid_block.resnets.0.conv2"),
        (
            "middle_block_1_transformer_blocks_0_ff_net_0_proj",
            "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj",
        ),
        ("middle_block_2_emb_layers_1", "mid_block.resnets.1.time_emb_proj"),
        ("output_blocks_2_2_conv", "up_blocks.0.upsamplers.0.conv"),
        (
            "output_blocks_5_1_transformer_blocks_1_attn1_to_q",
            "up_blocks.1.attentions.2.transformer_blocks.1.attn1.to_q",
        ),
        ("output_blocks_8_0_in_layers_2", "up_blocks.2.resnets.2.conv1"),
        ("time_embed_0", "time_embedding.linear_1"),
        ("label_emb_0_2", "add_embedding.linear_2"),
        ("out_2", "conv_out"),
    ],
)
def test_a_name_of_stabilitys_code_is_that_of_the_layer_in_diffusers(
    published: SimpleNamespace, layers: dict[str, Layer], name: str, path: str
) -> None:
    layer = published.unet.get_submodule(path)
    assert layers[f"lora_unet_{name}"] is layer
    assert layers[f"lora_unet_{path.replace('.', '_')}"] is layer
    assert layers[f"unet.{path}"] is layer


def test_attention_is_found_as_diffusers_own_conversion_finds_it(
    published: SimpleNamespace, layers: dict[str, Layer]
) -> None:
    from diffusers import StableDiffusionXLPipeline

    blocks = ("input_blocks", "middle_block", "output_blocks")
    names = [name for name in layers if "transformer_blocks" in name and any(one in name for one in blocks)]
    kohya = [name for name in names if name.startswith("lora_unet_")]
    tensors = {}
    for number, name in enumerate(kohya):
        tensors[f"{name}.lora_down.weight"] = torch.tensor([number])
        tensors[f"{name}.lora_up.weight"] = torch.tensor([number])
    converted = StableDiffusionXLPipeline.lora_state_dict(tensors, unet_config=published.unet.config)[0]
    found = 0
    for key, number in converted.items():
        path = key.removeprefix("unet.").replace(".processor.", ".").replace("_lora.", ".lora.")
        path = path.partition(".lora.")[0]
        path = f"{path}.0" if path.endswith("to_out") else path
        assert layers[kohya[int(number)]] is published.unet.get_submodule(path)
        found += 1
    assert found == 2 * len(kohya) == 2 * 70 * 10


@pytest.mark.parametrize(("part", "prefix"), [("text_encoder", "lora_te1"), ("text_encoder_2", "lora_te2")])
def test_text_encoders_are_found_with_and_without_their_outer_level(
    published: SimpleNamespace, layers: dict[str, Layer], part: str, prefix: str
) -> None:
    encoder = getattr(published, part)
    path = "encoder.layers.11.self_attn.out_proj"
    [layer] = [module for name, module in encoder.named_modules() if name.endswith(path)]
    assert layers[f"{part}.text_model.{path}"] is layer
    assert layers[f"{part}.{path}"] is layer
    assert layers[f"{prefix}_text_model_{path.replace('.', '_')}"] is layer


def test_every_layer_has_a_name_in_every_format(published: SimpleNamespace, layers: dict[str, Layer]) -> None:
    """No two layers share one, or the later would have taken it from the other."""
    named: dict[Layer, set[str]] = {}
    for name, layer in layers.items():
        named.setdefault(layer, set()).add(name)
    unet = [
        layer for layer in published.unet.modules() if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d)
    ]
    assert all(len(named[layer]) == 4 for layer in unet)
