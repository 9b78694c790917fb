"""Small models of the transformers library with seeded random weights, saved as their authors save theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CARD = "---\nlicense: {licence}\npipeline_tag: depth-estimation\n---\n# A model\n"


def depth_anything(kind: str = "relative") -> tuple[Any, Any]:
    """Depth Anything V2 in small: DINOv2 and the DPT head, whose input keeps the photo's proportions."""
    import transformers

    backbone = transformers.Dinov2Config(
        image_size=56,
        patch_size=14,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=37,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        apply_layernorm=False,
        reshape_hidden_states=False,
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[16, 16, 16, 16],
        fusion_hidden_size=16,
        head_hidden_size=8,
        depth_estimation_type=kind,
        max_depth=20 if kind == "metric" else 1,
    )
    processor = transformers.DPTImageProcessor(
        size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14, resample=3, do_pad=False
    )
    return transformers.DepthAnythingForDepthEstimation(config), processor


def dpt() -> tuple[Any, Any]:
    """DPT in small, as MiDaS 3: a ViT and a square input."""
    import transformers

    config = transformers.DPTConfig(
        image_size=64,
        patch_size=16,
        hidden_size=32,
        fusion_hidden_size=16,
        num_hidden_layers=4,
        backbone_out_indices=[0, 1, 2, 3],
        num_attention_heads=4,
        intermediate_size=37,
        neck_hidden_sizes=[16, 16, 32, 32],
    )
    processor = transformers.DPTImageProcessor(size={"height": 64, "width": 64}, resample=3, do_pad=False)
    return transformers.DPTForDepthEstimation(config), processor


def depth_pro() -> tuple[Any, Any]:
    """Depth Pro's shape in small: patches of two scales and a network for the field of view."""
    import transformers

    encoder = {
        "model_type": "dinov2",
        "image_size": 16,
        "patch_size": 4,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 37,
    }
    config = transformers.DepthProConfig(
        patch_size=16,
        fusion_hidden_size=16,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[10, 8],
        scaled_images_ratios=[0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.2],
        scaled_images_feature_dims=[12, 12],
        use_fov_model=True,
        image_model_config=encoder,
        patch_model_config=encoder,
        fov_model_config=encoder,
    )
    processor = transformers.DepthProImageProcessor(size={"height": 32, "width": 32})
    return transformers.DepthProForDepthEstimation(config), processor


def zoedepth() -> tuple[Any, Any]:
    """ZoeDepth in small: BEiT, the DPT neck, metric bins; its input is padded."""
    import transformers

    backbone = transformers.BeitConfig(
        image_size=64,
        patch_size=16,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=37,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = transformers.ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[16, 16, 16, 16],
        fusion_hidden_size=16,
        bottleneck_features=16,
        bin_embedding_dim=8,
        num_attractors=[4, 2, 2, 1],
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}],
    )
    processor = transformers.ZoeDepthImageProcessor(size={"height": 64, "width": 64})
    return transformers.ZoeDepthForDepthEstimation(config), processor


MAKERS = {"depth_anything": depth_anything, "dpt": dpt, "depth_pro": depth_pro, "zoedepth": zoedepth}


def save_tiny(kind: str, folder: Path, *, licence: str = "apache-2.0") -> Path:
    """Make one of `MAKERS` with seeded weights and save it."""
    import torch

    maker, _, variant = kind.partition(" ")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model, processor = MAKERS[maker](variant) if variant else MAKERS[maker]()
        for name, parameter in model.named_parameters():
            if "fov_model.head.layers" in name and name.endswith("bias") and len(parameter) == 1:
                torch.nn.init.constant_(parameter, 60)  # degrees
            elif parameter.ndim > 1 and "embed" not in name:
                torch.nn.init.normal_(parameter, std=0.15)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / "README.md").write_text(CARD.format(licence=licence), encoding="utf-8")
    return folder
