"""The model in a window, or without a display as a picture; needs the extra `view`."""

import sys
from pathlib import Path

import depth3d as d3
from depth3d.viewers.open3d import show

HERE = Path(__file__).parent
options = d3.Options.of(camera_file=HERE / "room_camera.json", depth_map=HERE / "room_depth.png", depth_kind="metric")

scene = d3.reconstruct(HERE / "room.jpg", options=options)
picture = Path(sys.argv[1]) if len(sys.argv) > 1 else None  # python 05_look_at_it.py room_3d.png
show([scene.mesh(max_points=300_000)], camera=scene.camera, screenshot=picture, force=True)
