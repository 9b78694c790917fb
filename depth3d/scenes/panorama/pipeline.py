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
from depth3d.io.save import atomic_write, save_as
from depth3d.refine import polish
from depth3d.scale import DistanceAt, Hint
from depth3d.scenes.network import load_network
from depth3d.scenes.options import Options
from depth3d.scenes.outputs import Target, geometry_kind_of, in_words, target_of
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
        return self.save_to(target_of(path, kind or panorama_kind_of(Path(path))), force=force)

    def save_to(self, target: Target, *, force: bool = False) -> Saved:
        """Write one file whose name has been understood already, see `save`."""
        value = (
            self.cloud() if target.kind == "cloud" else self.mesh(textured=None if target.form.holds_texture else False)
        )
        chosen = {name: getattr(self.options, field) for name, field in target.form.options.items()}
        if target.form.axes is not None:
            chosen["axes"] = self.options.axes
        written = save_as(target.form, value, target.path, force=force, notes=self.in_short, **chosen)
        if self.options.provenance:
            with atomic_write(target.provenance, force=force) as file:
                file.write(to_json(self.provenance()))
        return Saved(written, f"{in_words(value)}, all around")

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
    return "mesh" if geometry_kind_of(path, "a panorama") == "mesh" else "cloud"


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
