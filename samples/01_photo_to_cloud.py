"""A photo becomes a coloured point cloud; two known distances make it metres."""

from pathlib import Path

import depth3d as d3

HERE = Path(__file__).parent

photo = d3.read_photo(HERE / "room.jpg")
camera = d3.choose_intrinsics(photo, camera_file=HERE / "room_camera.json")
inverse_depth = d3.load_predictor("auto").predict(photo)  # relative: 1/z = a d + b with unknown a and b
fit = d3.fit_scale(inverse_depth, camera, [d3.Nearest(2.5), d3.Farthest(5.6)])
cloud = d3.to_cloud(d3.RGBD(photo.rgb, fit.apply(inverse_depth), camera))
d3.save(cloud, "01_room.ply", force=True)

print(
    f"01_room.ply: {len(cloud.xyz):,} points, unit {fit.unit}; camera: {camera.source}; depth: {inverse_depth.source}"
)
