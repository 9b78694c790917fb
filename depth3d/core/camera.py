"""Cameras: every convention of pixels and axes is stated here and nowhere else.

Pixels: centres lie at +0.5. The image's top-left corner is (0, 0), its bottom-right corner (width, height); the centre
of the top-left pixel is (0.5, 0.5). Resizing an image therefore multiplies fx, fy, cx, cy and adds nothing. COLMAP
does the same; OpenCV, ROS and Open3D put the centre of the top-left pixel at (0, 0), so their cx and cy gain 0.5 on the
way in (`Intrinsics.from_integer_centres`) and lose it on the way out (`Intrinsics.integer_centre_matrix`).

Axes: x right, y down, z forward along the optical axis, as OpenCV.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.distortion import WIDEST_HALF_ANGLE_DEG, distort_points, greatest_radius, inner_rectangle
from depth3d.core.errors import CameraError

_RIGID_TOLERANCE = 1e-4
_BROWN_COEFFICIENTS = (0, 4, 5, 8)
_FISHEYE_COEFFICIENTS = 4
_UPRIGHT_FROM_STORED = {
    2: ((-1, 0), (0, 1)),
    3: ((-1, 0), (0, -1)),
    4: ((1, 0), (0, -1)),
    5: ((0, 1), (1, 0)),
    6: ((0, -1), (1, 0)),
    7: ((0, -1), (-1, 0)),
    8: ((0, 1), (-1, 0)),
}


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """A camera bound to one image size: a pinhole whose image a distortion may bend (see `depth3d.core.distortion`).

    Attributes:
        width: image width in pixels.
        height: image height in pixels.
        fx: focal length in pixels of width.
        fy: focal length in pixels of height.
        cx: principal point, pixels from the image's left edge (pixel centres at +0.5).
        cy: principal point, pixels from the image's top edge.
        distortion: OpenCV's (k1, k2, p1, p2[, k3[, k4, k5, k6]]), or a fisheye's (k1, k2, k3, k4); empty for an ideal
            lens.
        source: where the numbers came from, in words for the user.
        fisheye: whether the lens is a fisheye, whose image heights go by the angle and not by its tangent.
        focal_sigma: one standard deviation of the focal length as a share of it; 0 where it was stated or calibrated.

    Raises:
        CameraError: a size is not positive, a number is not finite, or the distortion has no such number of
            coefficients.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()
    source: str = "given"
    fisheye: bool = False
    focal_sigma: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise CameraError(f"camera: image size {self.width}x{self.height} is not positive")
        numbers = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not all(math.isfinite(n) for n in numbers):
            raise CameraError(f"camera: fx fy cx cy and distortion must be finite numbers, got {numbers}")
        if self.fx <= 0 or self.fy <= 0:
            raise CameraError(f"camera: focal lengths must be positive, got fx={self.fx:g} fy={self.fy:g}")
        allowed = (_FISHEYE_COEFFICIENTS,) if self.fisheye else _BROWN_COEFFICIENTS
        if len(self.distortion) not in allowed:
            what = "a fisheye lens" if self.fisheye else "a lens"
            one_of = " or ".join(str(count) for count in allowed)
            raise CameraError(f"camera: {what} has {one_of} distortion coefficients, got {len(self.distortion)}")

    @classmethod
    def from_fov(cls, width: int, height: int, *, fov_x_deg: float, source: str = "given") -> Intrinsics:
        """An ideal camera whose image spans `fov_x_deg` degrees from left edge to right edge.

        Raises:
            CameraError: the angle is not between 0 and 180 degrees.
        """
        if not 0 < fov_x_deg < 180:
            raise CameraError(f"field of view must lie between 0 and 180 degrees, got {fov_x_deg:g}")
        f_px = width / 2 / math.tan(math.radians(fov_x_deg) / 2)
        return cls(width, height, f_px, f_px, width / 2, height / 2, source=source)

    @classmethod
    def from_integer_centres(
        cls,
        width: int,
        height: int,
        fx: float,
        fy: float,
        cx: float,
        cy: float,
        *,
        distortion: tuple[float, ...] = (),
        source: str = "given",
        fisheye: bool = False,
    ) -> Intrinsics:
        """A camera from OpenCV's, ROS's or Open3D's numbers, whose pixel centres lie at integers."""
        return cls(width, height, fx, fy, cx + 0.5, cy + 0.5, distortion, source, fisheye)

    @property
    def is_ideal(self) -> bool:
        """Whether straight lines stay straight: no fisheye, and no coefficient but zeros."""
        return not self.fisheye and not any(self.distortion)

    @property
    def fov_x_deg(self) -> float:
        """Angle between the rays of the left and right image edge, at the principal point's height, in degrees.

        The lens is taken as ideal.
        """
        return math.degrees(math.atan(self.cx / self.fx) + math.atan((self.width - self.cx) / self.fx))

    @property
    def fov_y_deg(self) -> float:
        """Angle between the rays of the top and bottom image edge, in degrees."""
        return math.degrees(math.atan(self.cy / self.fy) + math.atan((self.height - self.cy) / self.fy))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height

    def integer_centre_matrix(self) -> NDArray[np.float64]:
        """The (3, 3) matrix K of OpenCV, ROS and Open3D, whose pixel centres lie at integers."""
        return np.array([[self.fx, 0, self.cx - 0.5], [0, self.fy, self.cy - 0.5], [0, 0, 1]])

    def resized(self, width: int, height: int) -> Intrinsics:
        """The camera of the same picture resized to `width` x `height`; every ray stays."""
        if width < 1 or height < 1:
            raise CameraError(f"camera: cannot resize to {width}x{height}")
        sx, sy = width / self.width, height / self.height
        return replace(
            self, width=width, height=height, fx=self.fx * sx, fy=self.fy * sy, cx=self.cx * sx, cy=self.cy * sy
        )

    def cropped(self, left: int, top: int, width: int, height: int) -> Intrinsics:
        """The camera of the rectangle that starts at pixel column `left`, row `top`."""
        return replace(self, width=width, height=height, cx=self.cx - left, cy=self.cy - top)

    def turned(self, orientation: int) -> Intrinsics:
        """The camera of the picture turned upright, from that of the picture as stored.

        Args:
            orientation: how the picture has to be turned or mirrored, 1 to 8 as in Exif (CIPA DC-008).
        """
        # Rows are the upright picture's right and down, in the stored picture's right and down.
        right, down = _UPRIGHT_FROM_STORED.get(orientation, ((1, 0), (0, 1)))
        half = np.array([self.width, self.height]) / 2
        turn = np.array([right, down])
        width, height = (np.abs(turn) @ self.size).tolist()
        cx, cy = (turn @ (np.array([self.cx, self.cy]) - half) + (width / 2, height / 2)).tolist()
        fx, fy = (np.abs(turn) @ (self.fx, self.fy)).tolist()
        distortion = self.distortion
        if distortion and not self.fisheye:  # (p2, p1) is a vector in the image, the rest goes by the radius
            p2, p1 = (turn @ (distortion[3], distortion[2])).tolist()
            distortion = (*distortion[:2], p1, p2, *distortion[4:])
        return replace(self, width=width, height=height, fx=fx, fy=fy, cx=cx, cy=cy, distortion=distortion)

    def undistorted(self) -> Intrinsics:
        """The ideal camera of the same picture with its distortion undone, of the same size and pixel proportions.

        Every pixel of the new picture lies inside the old one (OpenCV calls this alpha = 0), so that no border is
        invented; what the old picture shows beyond that, and beyond 60 degrees to either side, is lost. An ideal camera
        stays as it is.

        Raises:
            CameraError: the coefficients fold the picture, so that they cannot be right for it.
        """
        if self.is_ideal:
            return replace(self, distortion=())
        left, top, right, bottom = inner_rectangle(self._edges(), self.distortion, fisheye=self.fisheye)
        if not (right > left and bottom > top):
            raise CameraError(f"camera: the distortion {self.distortion} folds the picture; check it")
        zoom = max(self.width / (right - left) / self.fx, self.height / (bottom - top) / self.fy)
        fx, fy = self.fx * zoom, self.fy * zoom
        # The window keeps the principal point where it was, if that lies within what is valid.
        start_x = min(max(-self.cx / fx, left), right - self.width / fx)
        start_y = min(max(-self.cy / fy, top), bottom - self.height / fy)
        words = f"{self.source}; lens distortion undone (alpha 0, at most {2 * WIDEST_HALF_ANGLE_DEG:g} degrees)"
        return replace(
            self,
            fx=fx,
            fy=fy,
            cx=-start_x * fx,
            cy=-start_y * fy,
            distortion=(),
            source=words,
            fisheye=False,
        )

    def _edges(self) -> tuple[float, float, float, float]:
        """The image's left, top, right and bottom edge, without pixels, as the lens has distorted them."""
        left, right = -self.cx / self.fx, (self.width - self.cx) / self.fx
        top, bottom = -self.cy / self.fy, (self.height - self.cy) / self.fy
        if not (left < 0 < right and top < 0 < bottom):
            raise CameraError(
                f"camera: the principal point {self.cx:g},{self.cy:g} lies outside the {self.width}x{self.height} "
                "picture; its lens distortion cannot be undone"
            )
        return left, top, right, bottom


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Where a camera stands.

    Attributes:
        world_from_cam: (4, 4) rigid transform in metres that takes camera coordinates to world coordinates.

    Raises:
        CameraError: the matrix is not a rigid transform.
    """

    world_from_cam: NDArray[np.float64]

    def __post_init__(self) -> None:
        matrix = np.asarray(self.world_from_cam, np.float64)
        object.__setattr__(self, "world_from_cam", matrix)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise CameraError(f"pose: expected a finite 4x4 matrix, got shape {matrix.shape}")
        rotation = matrix[:3, :3]
        rigid = np.allclose(rotation @ rotation.T, np.eye(3), atol=_RIGID_TOLERANCE) and np.linalg.det(rotation) > 0
        if not rigid or not np.allclose(matrix[3], (0, 0, 0, 1)):
            raise CameraError("pose: the matrix is not a rotation and a translation")

    @property
    def cam_from_world(self) -> NDArray[np.float64]:
        """(4, 4) rigid transform from world to camera coordinates."""
        inverse = np.eye(4)
        inverse[:3, :3] = self.world_from_cam[:3, :3].T
        inverse[:3, 3] = -inverse[:3, :3] @ self.world_from_cam[:3, 3]
        return inverse

    def __matmul__(self, other: Pose) -> Pose:
        """The pose of what stands at `other` as seen by this camera: world_from_cam @ cam_from_other."""
        return Pose(self.world_from_cam @ other.world_from_cam)

    def inverse(self) -> Pose:
        """The world as the camera sees it; `pose @ pose.inverse()` stays where the world is."""
        return Pose(self.cam_from_world)

    def turned(self, orientation: int) -> Pose:
        """The pose of the camera of the picture turned upright, from that of the picture as stored.

        Args:
            orientation: how the picture has to be turned, 1, 3, 6 or 8 as in Exif (CIPA DC-008).

        Raises:
            CameraError: the orientation mirrors, which no camera does.
        """
        turn = np.eye(4)
        # Rows are the upright picture's right and down, in the stored picture's right and down.
        turn[:2, :2] = _UPRIGHT_FROM_STORED.get(orientation, ((1, 0), (0, 1)))
        return Pose(self.world_from_cam @ turn.T)


def project(xyz: NDArray[np.floating[Any]], camera: Intrinsics) -> NDArray[np.float64]:
    """Where the camera sees points; `unproject` is its inverse.

    Args:
        xyz: (..., 3) in camera axes, in any unit.
        camera: with its distortion.

    Returns:
        (..., 2) pixels u, v (centres at +0.5), perhaps outside the picture; NaN for points that are not in front of
        the camera, or so far aside that the lens model folds back.
    """
    xyz = np.asarray(xyz, np.float64)
    with np.errstate(all="ignore"):
        ideal = xyz[..., :2] / xyz[..., 2:]
        seen = np.isfinite(ideal).all(axis=-1) & (xyz[..., 2] > 0)
        if camera.distortion:
            seen &= np.linalg.norm(ideal, axis=-1) < greatest_radius(camera.distortion, fisheye=camera.fisheye)
        at = distort_points(np.where(seen[..., None], ideal, 0), camera.distortion, fisheye=camera.fisheye)
    uv = at * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    return np.asarray(np.where(seen[..., None], uv, np.nan))


def pixel_centres(width: int, height: int) -> NDArray[np.float32]:
    """Image coordinates (u, v) of every pixel centre, shape (height, width, 2).

    >>> pixel_centres(2, 1).tolist()
    [[[0.5, 0.5], [1.5, 0.5]]]
    """
    u = np.arange(width, dtype=np.float32) + np.float32(0.5)
    v = np.arange(height, dtype=np.float32) + np.float32(0.5)
    return np.stack(np.broadcast_arrays(u[None, :], v[:, None]), axis=-1)
