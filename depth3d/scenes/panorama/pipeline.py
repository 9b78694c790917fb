"""A panorama in three dimensions: the whole sentence for pictures that show all around."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from depth3d.calibration.photo_sphere import find_panorama
from depth3d.core.depth import InverseDepth
from depth3d.core.equirectangular import Equirect
from depth3d.core.errors import UsageError
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.photos.photo import Exif, Photo, read_photo
from depth3d.io.points.hints_file import read_hints
from depth3d.io.save import atomic_write, save
from depth3d.refine import polish
from depth3d.scale import DistanceAt, Hint
from depth3d.scenes.network import load_network
from depth3d.scenes.options import Options
from depth3d.scenes.outputs import in_words, provenance_path
from depth3d.scenes.panorama import (
    SphericalDepth,
    panorama_to_cloud,
    panorama_to_mesh,
    predict_panorama,
    scale_panorama,
)
from depth3d.scenes.provenance import to_json, versions
from depth3d.scenes.scene import Saved

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress

PanoramaKind = Literal["cloud", "mesh"]

_KIND_OF_SUFFIX: dict[str, PanoramaKind] = {
    **dict.fromkeys((".ply", ".pcd", ".xyz", ".las", ".laz", ".e57"), "cloud"),
    **dict.fromkeys((".glb", ".obj", ".usdz"), "mesh"),
}
_FEWEST_POINTS = 200


@dataclass(frozen=True, slots=True, eq=False)
class PanoramaScene:
    """A panorama in three dimensions, with the camera in its middle.

    Attributes:
        photo: the panorama.
        equirect: which part of the sphere it shows.
        depth: distances all around; its notes are sentences for the user.
        hints: the known distances.
        source: which network saw the depth.
        options: what the user chose.
    """

    photo: Photo
    equirect: Equirect
    depth: SphericalDepth
    hints: tuple[DistanceAt, ...]
    source: str
    options: Options

    @property
    def unit(self) -> str:
        """The unit of every length: "m", or "arbitrary" where no distance was given."""
        return self.depth.unit

    @property
    def in_short(self) -> dict[str, str]:
        """How the numbers were obtained, as short texts that are stored inside files."""
        return {
            "photo": self.photo.name,
            "unit": self.unit,
            "camera": f"equirectangular panorama, {self.equirect.source}",
            "depth": self.source,
        }

    def cloud(self) -> PointCloud:
        """The coloured point cloud, as dense in every direction."""
        return panorama_to_cloud(self.depth, self.photo.rgb, normals=self.options.normals)

    def mesh(self, *, textured: bool | None = None) -> Mesh:
        """The mesh that closes behind the camera and over both poles; `textured` overrides the options."""
        return panorama_to_mesh(
            self.depth,
            self.photo.rgb,
            textured=self.options.textured if textured is None else textured,
            cut_ratio=self.options.cut_ratio,
        )

    def save(self, path: str | Path, *, kind: PanoramaKind | None = None, force: bool = False) -> Saved:
        """Write one file; its suffix says which format, and whether cloud or mesh unless `kind` does.

        How it was obtained goes into a JSON file beside it, unless the options say otherwise.

        Raises:
            UsageError: the suffix is none of a cloud or a mesh.
            OutputError: the file exists, or cannot be written.
            GeometryError: nothing is left to write.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        kind = kind or panorama_kind_of(path)
        value = self.cloud() if kind == "cloud" else self.mesh(textured=False if suffix == ".ply" else None)
        chosen: dict[str, Any] = {"axes": self.options.axes}
        if suffix == ".glb":
            chosen["compact"] = self.options.compact
        if suffix == ".glb" and isinstance(value, Mesh):
            chosen["texture_format"] = self.options.texture_format
        written = save(value, path, force=force, notes=self.in_short, **chosen)
        if self.options.provenance:
            with atomic_write(provenance_path(path), force=force) as file:
                file.write(to_json(self.provenance()))
        return Saved(written, f"{in_words(value, self.unit)}, all around")

    def provenance(self) -> dict[str, Any]:
        """How it was obtained, as plain data."""
        e = self.equirect
        return {
            "depth3d": importlib.metadata.version("depth3d"),
            "photo": {"name": self.photo.name, "width": e.width, "height": e.height},
            "projection": {
                "kind": "equirectangular",
                "full_width": e.full_width,
                "full_height": e.full_height,
                "left": e.left,
                "top": e.top,
                "source": e.source,
            },
            "depth": {"source": self.source, "unit": self.unit},
            "hints": [{"hint": hint.name, "said_m": hint.metres} for hint in self.hints],
            "notes": list(self.depth.notes),
            "versions": versions(),
        }


def reconstruct_panorama(
    photo: str | Path | Photo, options: Options | None = None, *, progress: Progress | None = None
) -> PanoramaScene:
    """Turn an equirectangular panorama into a scene all around the camera.

    It is cut into perspective faces, which one network sees; their overlaps bring them to one scale, and known
    distances to metres. Photo Sphere XMP (GPano) says which part of the sphere a picture shows; one without it is taken
    as whole.

    Args:
        photo: a file, or a photo already read.
        options: what the user chose; of the hints, only distances from the camera.
        progress: called while a network's weights are downloaded.

    Raises:
        UsageError: an option belongs to flat photos, or the picture is no whole panorama and does not say which part.
        Depth3DError: its child says which step cannot go on.
    """
    options = options or Options()
    _check(options)
    photo = photo if isinstance(photo, Photo) else read_photo(photo)
    equirect = find_panorama(photo, stated=True)
    assert equirect is not None
    hints = _distances(photo, options)
    predictor = load_network(options, progress=progress)
    sources: list[str] = []

    def predict(rgb: NDArray[np.uint8]) -> InverseDepth:
        seen = predictor.predict(Photo(rgb, Exif(), photo.name))
        inverse_depth = polish(seen, rgb, refine=options.refine is not False)
        sources[:] = [inverse_depth.source]
        return inverse_depth

    budget = {} if options.max_points is None else {"max_points": max(_FEWEST_POINTS, options.max_points)}
    inverse_depth = predict_panorama(photo.rgb, equirect, predict, **budget)
    return PanoramaScene(photo, equirect, scale_panorama(inverse_depth, hints), hints, sources[0], options)


def panorama_kind_of(path: Path) -> PanoramaKind:
    """Cloud or mesh, as the suffix says.

    Raises:
        UsageError: it says neither.
    """
    kind = _KIND_OF_SUFFIX.get(path.suffix.lower())
    if kind is None:
        known = " ".join(_KIND_OF_SUFFIX)
        raise UsageError(f"{path}: a panorama becomes a cloud or a mesh; use one of {known}")
    return kind


def _check(options: Options) -> None:
    flat = ("fov_x_deg", "focal_px", "camera_file", "depth_map", "points_confidence")
    given = [name for name in flat if getattr(options, name) is not None] + ["points"] * bool(options.points)
    if given:
        raise UsageError(f"{given[0].replace('_', ' ')}: a panorama takes none; it belongs to flat photos")


def _distances(photo: Photo, options: Options) -> tuple[DistanceAt, ...]:
    hints: list[Hint] = list(options.hints)
    for path in options.hints_files:
        hints += read_hints(path, photo=photo)
    others = [hint for hint in hints if not isinstance(hint, DistanceAt)]
    if others:
        raise UsageError(
            f"a panorama takes distances from the camera only, got a {type(others[0]).__name__}; give them with --at"
        )
    return tuple(hint for hint in hints if isinstance(hint, DistanceAt))
