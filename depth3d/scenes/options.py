"""Everything a user may choose; the same object for library, command line, web page and cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from depth3d.geometry.mesh import DEFAULT_CUT_ANGLE_DEG, DEFAULT_CUT_RATIO, DEFAULT_MAX_ERROR_PX
from depth3d.geometry.plate import DEFAULT_BASE_MM, DEFAULT_RELIEF_MM, DEFAULT_WIDTH_MM
from depth3d.render.bokeh import DEFAULT_BLUR_PERCENT, DEFAULT_HIGHLIGHTS
from depth3d.render.parallax import DEFAULT_EASING, DEFAULT_FPS, DEFAULT_MOTION, DEFAULT_SECONDS, DEFAULT_WIDTH, Easing
from depth3d.render.stereo import DEFAULT_DISPARITY_PERCENT, DEFAULT_LAYOUT, Layout
from depth3d.scale import Hint
from depth3d.scenes.video.stabilize_scale import DEFAULT_STEADY_S

DEFAULT_MAX_POINTS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to do with a photo; plain data.

    Attributes:
        fov_x_deg: horizontal field of view of the upright photo in degrees.
        focal_px: focal length in pixels of the upright photo.
        camera_file: JSON or YAML file with intrinsics. At most one of these three; none means EXIF, else an assumption.
        hints: what is known about distances.
        hints_files: JSON files with more of them.
        points: files of sparse points (tables, sensor depth, PLY, LAS, folders of COLMAP models).
        points_units: how many of the units of `points` make a metre; None means what each file says.
        points_confidence: a phone's confidence map for sensor depth in `points`.
        refine_scale: bend the network's depth smoothly to many points, where that predicts left-out points better.
        embedded_depth: use the depth a phone stored inside its photo.
        predictor: network to use: auto, midas_small, midas_large or bundled.
        weights: file with the network's weights, instead of the cached ones.
        threads: processor threads for the network; None leaves the choice to it.
        runtime: what runs the network: auto, openvino, onnxruntime or torch.
        precision: how exact it computes: auto, fp32, fp16, bf16 or int8.
        depth_map: file with depth that replaces the network.
        depth_kind: what the file holds: "inverse" (affine in 1/z), "depth" (proportional to z) or "metric" (metres).
        depth_units: stored units per metre of a metric depth map.
        brighter_is_farther: flip an inverse depth map.
        refine: bring depth edges onto the photo's edges; None does so for what a network saw, and leaves depth that
            was given, or that a phone stored, as it is.
        smooth_px: blur depth by a Gaussian of so many photo pixels, after refinement; 0 for not at all.
        max_depth_m: what lies deeper, in metres, becomes unknown and gives no geometry; None keeps all.
        max_points: at most so many points or mesh vertices, evenly spread; None keeps every pixel.
        cut_ratio: a triangle whose farthest corner is more than this times as deep as its nearest is cut.
        cut_angle_deg: so is a triangle that the camera sees at less than this angle, in degrees.
        max_error_px: how far a mesh may be from the full grid, in photo pixels, as a camera sees it that is moved
            sideways by 10 % of the median depth; None keeps every point.
        max_faces: at most so many triangles in a mesh, whatever the error.
        layers: continue what nearer things hide, so that a turned mesh shows no holes.
        voxel_m: thin a cloud to one point per cube of this edge length in metres.
        normals: add normals to clouds and meshes.
        textured: carry the photo as the mesh's texture where the format can; otherwise colour its vertices.
        axes: axes of geometry files, such as "gltf" (y up, z towards the viewer) or "opencv" (camera axes), see
            `depth3d.io.geometry.axes`; None means what is usual in a file of its kind, "gltf" for most.
        compact: round what GLB files hold, to half the size, for those viewers that know it.
        texture_format: how GLB files store the photo: "jpeg", "png" (nothing is lost) or "webp" (smaller and newer).
        tiff_bits: 32 for float32 depth in TIFF, 16 for whole numbers as in PNG.
        plate_width_mm: width of a printable plate.
        plate_height_mm: height of its nearest things over the farthest.
        plate_base_mm: its thickness under the farthest.
        steady_s: time in seconds over which flicker of video is smoothed; 0 only aligns frames.
        provenance: write a JSON file beside each output that says how it was obtained.
        width: width of animations in pixels.
        seconds: duration of animations.
        fps: frames per second of animations.
        motion: the camera path of animations: a name of `depth3d.render.parallax.MOTIONS`, or a JSON file of keyframes.
        amount_percent: how far what moves most moves to either side, in per cent of the width; None means what suits
            the motion.
        easing: how motions there and back turn round: "linear", "smooth" or "pause".
        focus: pixel (u, v) of the photo as it was taken that stays still, or sharp; None means the depth of its middle.
        blur_percent: diameter of the discs of what is most out of focus, in per cent of the picture's width.
        f_number: the lens instead of `blur_percent`: its f-number on a full-frame camera; needs metres.
        blades: corners of the aperture, 0 for a disc.
        highlights: how many times brighter than white the photo's white lights were.
        layout: how both eyes' pictures share a file, a name of `depth3d.render.stereo.LAYOUTS`.
        disparity_percent: by how much both eyes' pictures differ at most, in per cent of their width.
        ipd_m: instead, the distance between the eyes in metres; needs metres.
        convergence_m: depth of what both eyes see at the same place, instead of that at the focus; needs metres.
        eye_width: pixels of each eye's picture in stereo; None means what suits the layout.
        gif_palette: "adaptive", "global" or "frame", see `depth3d.io.animation.gif`.
        gif_dither: "ordered", "diffusion" or "none".
        quality: of WebP, AVIF, MP4 and WebM animations, 1 to 100; None means what suits the format.
        max_bytes: greatest size of an animation; colours or quality, then frames, then width are given up for it.
    """

    fov_x_deg: float | None = None
    focal_px: float | None = None
    camera_file: Path | None = None
    hints: tuple[Hint, ...] = ()
    hints_files: tuple[Path, ...] = ()
    points: tuple[Path, ...] = ()
    points_units: float | None = None
    points_confidence: Path | None = None
    refine_scale: bool = False
    embedded_depth: bool = True
    predictor: str = "auto"
    weights: Path | None = None
    threads: int | None = None
    runtime: str = "auto"
    precision: str = "auto"
    depth_map: Path | None = None
    depth_kind: Literal["inverse", "depth", "metric"] = "inverse"
    depth_units: float | None = None
    brighter_is_farther: bool = False
    refine: bool | None = None
    smooth_px: float = 0.0
    max_depth_m: float | None = None
    max_points: int | None = DEFAULT_MAX_POINTS
    cut_ratio: float = DEFAULT_CUT_RATIO
    cut_angle_deg: float = DEFAULT_CUT_ANGLE_DEG
    max_error_px: float | None = DEFAULT_MAX_ERROR_PX
    max_faces: int | None = None
    layers: bool = False
    voxel_m: float | None = None
    normals: bool = False
    textured: bool = True
    axes: str | None = None
    compact: bool = False
    texture_format: Literal["jpeg", "png", "webp"] = "jpeg"
    tiff_bits: Literal[16, 32] = 32
    plate_width_mm: float = DEFAULT_WIDTH_MM
    plate_height_mm: float = DEFAULT_RELIEF_MM
    plate_base_mm: float = DEFAULT_BASE_MM
    steady_s: float = DEFAULT_STEADY_S
    provenance: bool = True
    width: int = DEFAULT_WIDTH
    seconds: float = DEFAULT_SECONDS
    fps: float = DEFAULT_FPS
    motion: str = DEFAULT_MOTION
    amount_percent: float | None = None
    easing: Easing = DEFAULT_EASING
    gif_palette: Literal["adaptive", "global", "frame"] = "adaptive"
    gif_dither: Literal["ordered", "diffusion", "none"] = "ordered"
    quality: int | None = None
    max_bytes: int | None = None
    focus: tuple[float, float] | None = None
    blur_percent: float = DEFAULT_BLUR_PERCENT
    f_number: float | None = None
    blades: int = 0
    highlights: float = DEFAULT_HIGHLIGHTS
    layout: Layout = DEFAULT_LAYOUT
    disparity_percent: float = DEFAULT_DISPARITY_PERCENT
    ipd_m: float | None = None
    convergence_m: float | None = None
    eye_width: int | None = None
