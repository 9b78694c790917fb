"""What people write after reading the torch.hub page of MiDaS: load, transform, predict, interpolate, save.

    python -m depth3d.lab.bench.torch_hub_script WEIGHTS OUT PHOTO...

The network comes from a file instead of a download; everything else is as usual. Prints a line after each photo.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import torch

from depth3d.lab.bench.networks import as_published
from depth3d.predictors.midas import build_network
from depth3d.predictors.spec import MIDAS_SMALL

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def small_transform(rgb: np.ndarray) -> torch.Tensor:
    """256 pixels along the shorter side at most, both multiples of 32."""
    height, width = rgb.shape[:2]
    scale = 256 / max(height, width)
    size = [max(32, int(side * scale) // 32 * 32) for side in (width, height)]
    resized = cv2.resize(rgb / 255.0, size, interpolation=cv2.INTER_CUBIC)
    return torch.from_numpy(((resized - MEAN) / STD).transpose(2, 0, 1).astype(np.float32))[None]


def main() -> None:
    """One photo after the other."""
    weights, out, *photos = sys.argv[1:]
    midas = build_network(MIDAS_SMALL)
    midas.load_state_dict(torch.load(weights, weights_only=True))
    midas = as_published(midas.eval())
    for photo in photos:
        rgb = cv2.cvtColor(np.asarray(cv2.imread(photo)), cv2.COLOR_BGR2RGB)
        with torch.no_grad():
            prediction = midas(small_transform(rgb))
            prediction = torch.nn.functional.interpolate(
                prediction.unsqueeze(1), size=rgb.shape[:2], mode="bicubic", align_corners=False
            ).squeeze()
        depth = prediction.cpu().numpy()
        scaled = (depth - depth.min()) / max(float(np.ptp(depth)), 1e-9) * 65535
        cv2.imwrite(str(Path(out) / f"{Path(photo).stem}.png"), scaled.astype(np.uint16))
        print(photo, flush=True)


if __name__ == "__main__":
    main()
