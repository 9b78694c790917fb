"""A panorama in three dimensions: the whole sentence for pictures that show all around."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.calibration.photo_sphere import find_panorama
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, Unit
from depth3d.core.equirectangular import Equirect
from depth3d.core.errors import UsageError
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.photos.photo import Exif, Photo, read_photo
from depth3d.io.points.hints_file import read_hints
from depth3d.io.save import atomic_write, save_as
from depth3d.refine.sky import find_sky
from depth3d.scale import DistanceAt, Hint
from depth3d.scale.hint import check_inside
from depth3d.scenes.check_options import refuse_options
from depth3d.scenes.lazy_network import Network
from depth3d.scenes.options import Options, OutputOptions, ScaleOptions, with_changes
from depth3d.scenes.outputs import Target, geometry_kind_of, in_words, target_of
from depth3d.scenes.panorama import (
    SphericalDepth,
    panorama_to_cloud,
    panorama_to_mesh,
    predict_panorama,
    scale_panorama,
)
from depth3d.scenes.panorama.predict import DEFAULT_FACE_FOV_DEG, DEFAULT_FACE_PX
from depth3d.scenes.panorama.sphere import SphericalInverseDepth, coarser, without_far_points
from depth3d.scenes.provenance import to_json, versions
from depth3d.scenes.save import Saved, coding
from depth3d.scenes.unscaled_photo import to_unscaled_photo
from depth3d.scenes.used_options import fields_for, refuse_unused

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress

PanoramaKind = Literal["cloud", "mesh"]

_FEWEST_POINTS = 200

_OF_FLAT_PHOTOS = "a panorama takes none; it belongs to flat photos"
_NOT_FOR_PANORAMAS = {
    **dict.fromkeys(("fov_x_deg", "focal_px", "camera_file"), _OF_FLAT_PHOTOS),
    **dict.fromkeys(("depth_map", "depth_kind", "depth_units", "brighter_is_farther"), _OF_FLAT_PHOTOS),
    **dict.fromkeys(("points", "points_units", "points_confidence"), _OF_FLAT_PHOTOS),
    "embedded_depth": "no panorama brings depth along; leave it out",
    "steady_s": "a panorama does not flicker; it belongs to videos",
    "layers": "a panorama's mesh has one layer; leave it out",
    "max_error_px": "a panorama's mesh keeps its whole grid; leave it out, or lower max faces",
}
"""Options that panoramas cannot follow, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class PanoramaScene:
    """A panorama in three dimensions, with the camera in its middle.

    Attributes:
        photo: the panorama.
        equirect: which part of the sphere it shows.
        depth: distances all around; its notes are sentences for the user.
        hints: the known distances.
        source: which network saw the depth.
    """

    photo: Photo
    equirect: Equirect
    depth: SphericalDepth
    hints: tuple[DistanceAt, ...]
    source: str

    @property
    def unit(self) -> Unit:
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

    def cloud(self, options: OutputOptions | None = None, **changes: Any) -> PointCloud:
        """Make the coloured point cloud, as dense in every direction.

        Args:
            options: groups `geometry` and `cloud` count.
            changes: fields of these groups.

        Raises:
            UsageError: clouds of panoramas have no such option, or it is out of range.
        """
        o = with_changes("a cloud", options, changes, "geometry", "cloud")
        depth = _at_most(self.depth, o.geometry.max_points)
        return panorama_to_cloud(depth, self.photo.rgb, normals=o.geometry.normals, voxel_m=o.cloud.voxel_m)

    def mesh(self, options: OutputOptions | None = None, **changes: Any) -> Mesh:
        """Make the mesh, which closes behind the camera and over both poles.

        Args:
            options: groups `geometry` and `mesh` count.
            changes: fields of these groups.

        Raises:
            UsageError: meshes of panoramas have no such option, or it is out of range.
        """
        o = with_changes("a mesh", options, changes, "geometry", "mesh")
        refuse_options(o, _NOT_FOR_PANORAMAS)
        return panorama_to_mesh(
            _at_most(self.depth, o.geometry.max_points),
            self.photo.rgb,
            textured=o.mesh.textured,
            normals=o.geometry.normals,
            cut_ratio=o.mesh.cut_ratio,
            cut_angle_deg=o.mesh.cut_angle_deg,
            max_faces=o.mesh.max_faces,
        )

    def save(
        self,
        path: str | Path,
        *,
        kind: PanoramaKind | None = None,
        options: OutputOptions | None = None,
        force: bool = False,
    ) -> Saved:
        """Write one file; its suffix says which format, and whether cloud or mesh unless `kind` does.

        How it was obtained goes into a JSON file beside it, unless the options say otherwise.

        Raises:
            UsageError: the suffix is none of a cloud or a mesh.
            OutputError: the file exists, or cannot be written.
            GeometryError: nothing is left to write.
        """
        return self.save_to(target_of(path, kind or panorama_kind_of(Path(path))), options=options, force=force)

    def save_to(self, target: Target, *, options: OutputOptions | None = None, force: bool = False) -> Saved:
        """Write one file whose name has been understood already, see `save`."""
        options = options or OutputOptions()
        refuse_options(options, _NOT_FOR_PANORAMAS)
        refuse_unused(options, [fields_for(target)])
        made = options if target.form.holds_texture else options.changed(textured=False)
        value = self.cloud(options) if target.kind == "cloud" else self.mesh(made)
        chosen = coding(target.form, options.files)
        if target.form.axes is not None:
            chosen["axes"] = options.files.axes
        written = save_as(target.form, value, target.path, force=force, notes=self.in_short, **chosen)
        if options.files.provenance:
            with atomic_write(target.provenance, force=force) as file:
                file.write(to_json(self.provenance()))
        return Saved(written, f"{in_words(value)}, all around", self.unit)

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
    photo: str | Path | Photo,
    *,
    predictor: Any = None,
    hints: Sequence[Hint] = (),
    options: Options | None = None,
    progress: Progress | None = None,
) -> PanoramaScene:
    """Turn an equirectangular panorama into a scene all around the camera.

    It is cut into perspective faces, which one network sees; their overlaps bring them to one scale, and known
    distances to metres. Photo Sphere XMP (GPano) says which part of the sphere a picture shows; one without it is taken
    as whole.

    Args:
        photo: a file, or a photo already read.
        predictor: what sees the depth of each face, as for a photo.
        hints: distances from the camera, besides the options' hints.
        options: what else the user chose; of the hints, only distances from the camera.
        progress: called while a network's weights are downloaded.

    Raises:
        UsageError: an option belongs to flat photos, or the picture is no whole panorama and does not say which part.
        Depth3DError: its child says which step cannot go on.
    """
    options = options or Options()
    refuse_options(options, _NOT_FOR_PANORAMAS)
    if isinstance(predictor, str):
        options, predictor = options.changed(predictor=predictor), None
    photo = photo if isinstance(photo, Photo) else read_photo(photo)
    equirect = find_panorama(photo, stated=True)
    assert equirect is not None
    distances = _distances(photo, options.changed(hints=(*options.scale.hints, *hints)).scale)
    of_faces = replace(options, scale=ScaleOptions())
    network = Network(options.depth, predictor, progress)
    face_camera = Intrinsics.from_fov(DEFAULT_FACE_PX, DEFAULT_FACE_PX, fov_x_deg=DEFAULT_FACE_FOV_DEG)
    sources: list[str] = []

    def predict(rgb: NDArray[np.uint8]) -> InverseDepth:
        seen = to_unscaled_photo(Photo(rgb, Exif(), photo.name), of_faces, predictor=network, camera=face_camera)
        assert isinstance(seen.depth, InverseDepth)
        sources[:] = [seen.depth.source]
        return seen.depth

    limit = options.panorama.grid_points
    cells = equirect.width * equirect.height if limit is None else max(_FEWEST_POINTS, limit)
    inverse_depth = predict_panorama(photo.rgb, equirect, predict, face_px=DEFAULT_FACE_PX, max_points=cells)
    if options.depth.sky == "auto":
        inverse_depth = _without_sky(photo.rgb, inverse_depth)
    depth = without_far_points(scale_panorama(inverse_depth, distances), options.depth.max_depth_m)
    return PanoramaScene(photo, equirect, depth, distances, sources[0])


def _without_sky(rgb: NDArray[np.uint8], inverse_depth: SphericalInverseDepth) -> SphericalInverseDepth:
    """The same, unknown in the sky, which is looked for in the panorama as a whole."""
    small = np.asarray(cv2.resize(rgb, inverse_depth.equirect.size, interpolation=cv2.INTER_AREA), np.uint8)
    sky = find_sky(small, inverse_depth.values)
    if not sky.any() or not np.isfinite(inverse_depth.values[~sky]).any():
        return inverse_depth
    note = f"{sky.mean():.1%} of the panorama is sky and gives no geometry (--sky keep takes it as the network sees it)"
    values = np.where(sky, np.float32(np.nan), inverse_depth.values)
    return replace(inverse_depth, values=values, notes=(*inverse_depth.notes, note))


def panorama_kind_of(path: Path) -> PanoramaKind:
    """Cloud or mesh, as the suffix says.

    Raises:
        UsageError: it says neither.
    """
    return "mesh" if geometry_kind_of(path, "a panorama") == "mesh" else "cloud"


def _at_most(depth: SphericalDepth, max_points: int | None) -> SphericalDepth:
    """The distances on a grid of at most so many cells."""
    share = 1.0 if max_points is None else max(_FEWEST_POINTS, max_points) / depth.metres.size
    return depth if share >= 1 else coarser(depth, share)


def _distances(photo: Photo, options: ScaleOptions) -> tuple[DistanceAt, ...]:
    hints: list[Hint] = list(options.hints)
    for path in options.hints_files:
        hints += read_hints(path, photo=photo)
    others = [hint for hint in hints if not isinstance(hint, DistanceAt)]
    if others:
        raise UsageError(
            f"a panorama takes distances from the camera only, got a {type(others[0]).__name__}; give them with --at"
        )
    distances = tuple(hint for hint in hints if isinstance(hint, DistanceAt))
    for hint in distances:
        check_inside(hint.u, hint.v, photo.size, hint.name)
    return distances
