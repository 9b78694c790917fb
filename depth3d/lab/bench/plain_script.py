"""A photo to a point cloud as people write it: MiDaS in torch, numpy and Open3D. Run as a script by `cold_start`.

plain_script.py PHOTO WEIGHTS OUT.ply MAX_POINTS
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np


def main(photo: str, weights: str, out: str, max_points: str) -> None:
    """Read, predict, enlarge, unproject, thin, write."""
    import open3d
    import torch

    from depth3d.lab.bench.networks import as_published
    from depth3d.predictors.checkpoint import load_network
    from depth3d.predictors.preprocess import prepare_picture

    rgb = np.asarray(cv2.imread(photo), np.uint8)[:, :, ::-1]
    height, width = rgb.shape[:2]
    network = as_published(load_network(Path(weights)))
    with torch.no_grad():
        output = network(torch.from_numpy(prepare_picture(rgb, network.spec))[None])
        full = torch.nn.functional.interpolate(output[:, None], size=(height, width), mode="bicubic")
    inverse = full[0, 0].numpy()
    inverse = (inverse - inverse.min()) / max(float(np.ptp(inverse)), 1e-6)
    z = 1 / (0.125 + 0.875 * inverse)
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    focal = 0.87 * max(width, height)
    xyz = np.stack([(u - width / 2) * z / focal, (v - height / 2) * z / focal, z], axis=-1).reshape(-1, 3)
    every = max(1, -(-len(xyz) // int(max_points)))
    cloud = open3d.geometry.PointCloud()
    cloud.points = open3d.utility.Vector3dVector(xyz[::every])
    cloud.colors = open3d.utility.Vector3dVector(rgb.reshape(-1, 3)[::every] / 255.0)
    open3d.io.write_point_cloud(Path(out), cloud)


if __name__ == "__main__":
    main(*sys.argv[1:])
