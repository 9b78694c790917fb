"""Depth from elsewhere, here the exact depth of the rendered photo, becomes a textured mesh."""

from pathlib import Path

import depth3d as d3

HERE = Path(__file__).parent

photo = d3.read_photo(HERE / "courtyard.jpg")
camera = d3.choose_intrinsics(photo, camera_file=HERE / "courtyard_camera.json")
height, width, _ = photo.rgb.shape
depth = d3.read_depth_map(HERE / "courtyard_depth.png", kind="metric", size=(width, height))
mesh = d3.to_mesh(d3.RGBD(photo.rgb, depth, camera), max_points=400_000)
d3.save(mesh, "02_courtyard.glb", force=True)

print(f"02_courtyard.glb: {len(mesh.faces):,} triangles in metres, with the photo as texture")
