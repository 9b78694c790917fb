"""How well a few distances measured with a tape turn relative depth into metres, against the truth."""

from pathlib import Path

import numpy as np

import depth3d as d3

HERE = Path(__file__).parent

photo = d3.read_photo(HERE / "desk.jpg")
camera = d3.choose_intrinsics(photo, camera_file=HERE / "desk_camera.json")
height, width, _ = photo.rgb.shape
truth = d3.read_depth_map(HERE / "desk_depth.png", kind="metric", size=(width, height))
inverse_depth = d3.InverseDepth(7 / truth.z - 2)  # what a perfect network would see: scale and shift are lost
for count in (1, 2, 4):
    tape = [d3.DistanceAt(627.5, 595.5, 1.175), d3.DistanceAt(167.5, 474.5, 1.564),
            d3.DistanceAt(400.5, 735.5, 0.829), d3.DistanceAt(722.5, 421.5, 1.479)][:count]  # fmt: skip
    metres = d3.fit_scale(inverse_depth, camera, tape).apply(inverse_depth).z
    error = np.nanmedian(np.abs(metres / truth.z - 1))
    print(f"{count} distances: half of all pixels are within {error:.1%} of the truth")
