"""The photo as a loop seen by a swaying camera, and its depth as a heat map, by the short form of the library."""

from pathlib import Path

import depth3d as d3

HERE = Path(__file__).parent

options = d3.Options.of(camera_file=HERE / "desk_camera.json", depth_map=HERE / "desk_depth.png", depth_kind="metric")
moving = d3.OutputOptions.of(width=480, motion="circle", amount_percent=3)
scene = d3.reconstruct(HERE / "desk.jpg", options=options)
for saved in (
    scene.save("04_desk.gif", options=moving, force=True),
    scene.save("04_desk_heat.png", kind="heatmap", force=True),
):
    print(f"{saved.path}: {saved.what}")
