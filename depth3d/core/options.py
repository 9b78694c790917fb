"""What a user may choose about single steps, in groups, and every default exactly once.

Steps, the command line and the page read their defaults here. Nothing is imported that takes time: `depth3d --help`
must answer at once. What only whole reconstructions know is in `depth3d.scenes.options`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DepthKind = Literal["inverse", "depth", "metric"]
Easing = Literal["linear", "smooth", "pause"]
Layout = Literal[
    "side-by-side",
    "half-side-by-side",
    "top-bottom",
    "half-top-bottom",
    "cross-eyed",
    "anaglyph",
    "autostereogram",
    "vr180",
    "rgbd",
    "quilt",
]
AnaglyphColors = Literal["red-cyan", "green-magenta", "amber-blue", "color", "half-color", "grey"]
SkyChoice = Literal["auto", "keep"]
TextureFormat = Literal["jpeg", "png", "webp"]
TiffBits = Literal[16, 32]
NormalsGreen = Literal["opengl", "directx"]
PaletteChoice = Literal["adaptive", "global", "frame"]
DitherChoice = Literal["ordered", "diffusion", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOptions:
    """Where the camera's intrinsics come from; at most one of these, none means EXIF, else an assumption.

    Attributes:
        fov_x_deg: horizontal field of view of the upright photo in degrees.
        focal_px: focal length in pixels of the upright photo.
        camera_file: JSON or YAML file with intrinsics, or a COLMAP model.
    """

    fov_x_deg: float | None = None
    focal_px: float | None = None
    camera_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthOptions:
    """Which network, or which depth map, sees the depth, and what is done to it.

    Attributes:
        predictor: network to use: auto, midas_small, midas_large, bundled, a short name of `depth3d weights list`,
            onnx:FILE, hf:NAME_OR_FOLDER, or a name that an installed package offers.
        weights: file with the network's weights, instead of the cached ones.
        output_kind: what the output of a network of others is, such as "inverse", "depth" or "metric", see
            `depth3d.predictors.prediction.Kind`; None leaves it to what its files say, else it is found out.
        input_mean: (red, green, blue) that an ONNX file wants subtracted from the picture in [0, 1].
        input_std: (red, green, blue) that the picture is then divided by.
        input_size: longer side in pixels of the picture for an ONNX file that takes any size.
        threads: processor threads for the network; None leaves the choice to it.
        runtime: what runs the network: auto, openvino, onnxruntime or torch.
        precision: how exact it computes: auto, fp32, fp16, bf16 or int8.
        embedded_depth: use the depth a phone stored inside its photo.
        depth_map: file with depth that replaces the network; for many photos {name} stands for each photo's name.
        depth_kind: what the file holds: "inverse" (affine in 1/z), "depth" (proportional to z) or "metric" (metres).
        depth_units: stored units per metre of a metric depth map.
        brighter_is_farther: flip an inverse depth map.
        refine: bring depth edges onto the photo's edges; None does so for what a network saw in a photo, and leaves
            depth that was given, or that a phone stored, and the frames of videos as they are.
        smooth_px: blur depth with a Gaussian of this many photo pixels, after refinement; 0 for not at all.
        sky: "auto" finds the sky in what a network saw: it gives no geometry, and is the farthest thing in pictures;
            "keep" takes it as the network sees it.
        max_depth_m: what lies deeper, in metres, becomes unknown and gives no geometry; None keeps all.
    """

    predictor: str = "auto"
    weights: Path | None = None
    output_kind: str | None = None
    input_mean: tuple[float, float, float] | None = None
    input_std: tuple[float, float, float] | None = None
    input_size: int | None = None
    threads: int | None = None
    runtime: str = "auto"
    precision: str = "auto"
    embedded_depth: bool = True
    depth_map: Path | None = None
    depth_kind: DepthKind = "inverse"
    depth_units: float | None = None
    brighter_is_farther: bool = False
    refine: bool | None = None
    smooth_px: float = 0.0
    sky: SkyChoice = "auto"
    max_depth_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometryOptions:
    """What clouds, splats and meshes share.

    Attributes:
        max_points: at most so many points or mesh vertices, evenly spread; None keeps every pixel.
        normals: add normals to clouds and meshes.
    """

    max_points: int | None = 1_000_000
    normals: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudOptions:
    """What point clouds look like.

    Attributes:
        voxel_m: thin a cloud to one point per cube of this edge length in metres.
    """

    voxel_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshOptions:
    """What meshes look like.

    Attributes:
        cut_ratio: a triangle whose farthest corner is more than this times as deep as its nearest is cut.
        cut_angle_deg: so is a triangle that the camera sees at less than this angle, in degrees.
        max_error_px: how far a mesh may be from the full grid, in photo pixels, as a camera sees it that is moved
            sideways by 10 % of the median depth; None keeps every point.
        max_faces: at most so many triangles in a mesh, whatever the error.
        layers: continue what nearer things hide, so that a turned mesh shows no holes; None does so in GLB files,
            HTML pages and splats, which are turned.
        textured: carry the photo as the mesh's texture where the format can; otherwise colour its vertices.
    """

    cut_ratio: float = 1.08
    cut_angle_deg: float = 1.0
    max_error_px: float | None = 0.5
    max_faces: int | None = None
    layers: bool | None = None
    textured: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateOptions:
    """A plate to be printed: the depth as a relief.

    Attributes:
        plate_width_mm: width of the plate.
        plate_height_mm: height of its nearest things over the farthest.
        plate_base_mm: thickness of the plate under the farthest.
    """

    plate_width_mm: float = 100.0
    plate_height_mm: float = 8.0
    plate_base_mm: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FocusOptions:
    """What animations, depth of field and stereo look at.

    Attributes:
        focus: pixel (u, v) of the photo as it was taken that stays still, or sharp; None means the depth of its middle.
    """

    focus: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimationOptions:
    """What animations look like.

    Attributes:
        width: frame width in pixels.
        seconds: duration of one pass.
        fps: frames per second.
        motion: the camera path: a name of `depth3d.render.parallax.MOTIONS`, or a JSON file of keyframes.
        amount_percent: how far what moves most moves to either side, in per cent of the width; None means what suits
            the motion.
        easing: how motions there and back turn round: "linear", "smooth" or "pause".
    """

    width: int = 640
    seconds: float = 2.5
    fps: float = 24.0
    motion: str = "orbit"
    amount_percent: float | None = None
    easing: Easing = "smooth"


@dataclass(frozen=True, slots=True, kw_only=True)
class BokehOptions:
    """Depth of field.

    Attributes:
        blur_percent: diameter of the discs of what is most out of focus, in per cent of the picture's width.
        f_number: the lens instead of `blur_percent`: its f-number on a full-frame camera; needs metres.
        blades: corners of the aperture, 0 for a disc.
        highlights: how many times brighter than white the photo's white lights were.
    """

    blur_percent: float = 2.5
    f_number: float | None = None
    blades: int = 0
    highlights: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StereoOptions:
    """Pictures for two eyes.

    Attributes:
        layout: how both eyes' pictures share a file.
        disparity_percent: by how much both eyes' pictures differ at most, in per cent of their width.
        ipd_m: instead, the distance between the eyes in metres; needs metres.
        convergence_m: depth of what both eyes see at the same place, instead of that at the focus; needs metres.
        eye_width: pixels of each eye's picture; None means what suits the layout.
        swap: give each eye the other one's picture.
        anaglyph: the glasses of an anaglyph and how colours are kept, see `depth3d.render.stereo.anaglyph`.
        quilt: (columns, rows) of a quilt's views.
    """

    layout: Layout = "anaglyph"
    disparity_percent: float = 2.0
    ipd_m: float | None = None
    convergence_m: float | None = None
    eye_width: int | None = None
    swap: bool = False
    anaglyph: AnaglyphColors = "red-cyan"
    quilt: tuple[int, int] = (8, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """What only files know.

    Attributes:
        axes: axes of geometry files, such as "gltf" (y up, z towards the viewer) or "opencv" (camera axes), see
            `depth3d.io.geometry.axes`; None means what is usual in a file of its kind, "gltf" for most.
        compact: round what GLB files hold, to half the size, for those viewers that know it.
        texture_format: how GLB files store the photo: "jpeg", "png" (nothing is lost) or "webp" (smaller and newer).
        tiff_bits: 32 for float32 depth in TIFF, 16 for whole numbers as in PNG.
        normals_green: what green means in a picture of normals: "opengl" up, "directx" down.
        gif_palette: "adaptive", "global" or "frame", see `depth3d.io.animation.gif`.
        gif_dither: "ordered", "diffusion" or "none".
        quality: of WebP, AVIF, MP4 and WebM animations, 1 to 100; None means what suits the format.
        max_bytes: greatest size of an animation; colours or quality, then frames, then width are given up for it.
        provenance: write a JSON file beside each output that says how it was obtained.
    """

    axes: str | None = None
    compact: bool = False
    texture_format: TextureFormat = "jpeg"
    tiff_bits: TiffBits = 32
    normals_green: NormalsGreen = "opengl"
    gif_palette: PaletteChoice = "adaptive"
    gif_dither: DitherChoice = "ordered"
    quality: int | None = None
    max_bytes: int | None = None
    provenance: bool = True
