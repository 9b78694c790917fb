"""Panoramas of a furnished room whose every distance is known in closed form."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from depth3d.core.depth import InverseDepth
from depth3d.core.equirectangular import Equirect, pixel_rays, rays_of_pixels
from depth3d.core.errors import CameraError, DepthMapError, GeometryError, HintError, UsageError
from depth3d.scale import DistanceAt
from depth3d.scenes.panorama import (
    SphericalDepth,
    SphericalInverseDepth,
    panorama_to_cloud,
    panorama_to_mesh,
    panorama_to_points,
    predict_panorama,
    scale_panorama,
)
from depth3d.scenes.panorama.faces import Face, cut_face, face_rays, faces_around, sample, seen_by
from depth3d.scenes.panorama.overlap_consistency import even_directions

WHOLE = Equirect.whole(400, 200)
HALF_SIZE, OFF_CENTRE = np.array([2.0, 1.3, 3.0]), np.array([0.3, -0.2, 0.5])
BALLS = (((1, 0.3, 1.5), 0.4), ((-1, 0.8, -1), 0.5), ((0.5, 0.9, -2), 0.3), ((-1.2, -0.3, 1.8), 0.35))
Scene = Callable[[np.ndarray], np.ndarray]


def empty_room(rays: np.ndarray) -> np.ndarray:
    """How many times a ray fits into the way to the wall of a box of 4 m x 2.6 m x 6 m, the camera off its middle."""
    with np.errstate(divide="ignore"):
        ways = np.where(rays > 0, HALF_SIZE - OFF_CENTRE, -HALF_SIZE - OFF_CENTRE) / rays
    return np.where(rays == 0, np.inf, ways).min(axis=-1)


def furnished_room(rays: np.ndarray) -> np.ndarray:
    """The box with four balls in it."""
    nearest = empty_room(rays)
    length = np.linalg.norm(rays, axis=-1)
    for centre, radius in (
        ((1, 0.3, 1.5), 0.4),
        ((-1, 0.8, -1), 0.5),
        ((0.5, 0.9, -2), 0.3),
        ((-1.2, -0.3, 1.8), 0.35),
    ):
        along = rays @ np.array(centre) / length
        inside = along**2 - (np.dot(centre, centre) - radius**2)
        hit = (inside > 0) & (along > 0)
        way = np.where(hit, along - np.sqrt(np.maximum(inside, 0)), np.inf)
        nearest = np.minimum(nearest, way / length)
    return nearest


class PerfectNetwork:
    """Says each face's true 1/z under an affine map of its own, with a smooth error if asked; faces come in order."""

    def __init__(
        self, scene: Scene, equirect: Equirect, *, sides: int = 4, face_px: int, noise: float = 0.0, seed: int = 0
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.scene, self.noise = scene, noise
        nothing = np.zeros((equirect.height, equirect.width, 3), np.uint8)
        faces = faces_around(equirect, sides=sides, face_px=face_px, fov_deg=100)
        self.faces: Iterator[Face] = iter([f for f in faces if cut_face(nothing, equirect, f)[1].mean() >= 0.05])

    def __call__(self, rgb: np.ndarray) -> InverseDepth:
        import cv2

        inverse = 1 / self.scene(face_rays(next(self.faces)))
        a, b = np.exp(self.rng.normal(0, 0.5)), self.rng.normal(0, 0.3)
        error = cv2.resize(self.rng.normal(size=(4, 4)), rgb.shape[:2], interpolation=cv2.INTER_CUBIC)
        inverse = inverse + self.noise * np.ptp(np.percentile(inverse, (2, 98))) * error
        return InverseDepth(((inverse - b) / a).astype(np.float32))


@functools.cache
def inverse_depth_of(
    scene: Scene, equirect: Equirect = WHOLE, *, sides: int = 4, noise: float = 0.0, seed: int = 0, face_px: int = 256
) -> SphericalInverseDepth:
    rgb = np.zeros((equirect.height, equirect.width, 3), np.uint8)
    network = PerfectNetwork(scene, equirect, sides=sides, face_px=face_px, noise=noise, seed=seed)
    return predict_panorama(rgb, equirect, network, sides=sides, face_px=face_px)


def truth(scene: Scene, equirect: Equirect = WHOLE) -> np.ndarray:
    return scene(pixel_rays(equirect))


def hint(u: float, v: float, scene: Scene, equirect: Equirect = WHOLE) -> DistanceAt:
    return DistanceAt(u, v, float(scene(rays_of_pixels(equirect, np.array([u, v])))))


# The merge


@pytest.mark.parametrize("scene", [empty_room, furnished_room])
@pytest.mark.parametrize(("seed", "sides"), [(0, 4), (1, 8)])
def test_faces_under_affine_maps_of_their_own_are_merged_to_the_truth(scene: Scene, seed: int, sides: int) -> None:
    inverse_depth = inverse_depth_of(scene, sides=sides, seed=seed, face_px=512)
    depth = scale_panorama(inverse_depth, [hint(200, 100, scene)])
    error = np.abs(depth.metres / truth(scene) - 1)
    assert np.median(error) < 1e-4
    assert np.percentile(error, 95) < 1e-3
    if scene is empty_room:
        assert error.max() < 0.015  # where three walls meet, between the pixels of a face
    assert (depth.unit, depth.notes) == ("m", ())


def test_rough_predictions_are_still_merged() -> None:
    for seed in range(2):
        inverse_depth = inverse_depth_of(furnished_room, noise=0.03, seed=seed)
        depth = scale_panorama(inverse_depth, [hint(200, 100, furnished_room), hint(40, 100, furnished_room)])
        assert np.nanmedian(np.abs(depth.metres / truth(furnished_room) - 1)) < 0.1


def test_no_seam_shows_where_faces_fade_into_each_other() -> None:
    """With rough faces the map stays continuous: cut hard from face to face, its greatest step would be 0.08."""
    inverse_depth = inverse_depth_of(empty_room, noise=0.05)
    closed = np.concatenate([inverse_depth.values, inverse_depth.values[:, :1]], axis=1)
    steps = np.abs(np.diff(closed, axis=1))
    assert steps.max() < 0.06
    assert np.abs(np.diff(inverse_depth.values, axis=0)).max() < 0.06


def test_how_sure_the_shift_is() -> None:
    """The true shift, over what the merge says of its error, has a spread of about 1: it must not promise too much."""
    ratios = []
    for seed in range(5):
        inverse_depth = inverse_depth_of(empty_room, noise=0.03, seed=seed)
        both = np.stack([inverse_depth.values.ravel(), inverse_depth.shift.ravel()], axis=1)
        scale, shift = np.linalg.lstsq(both, (1 / truth(empty_room)).ravel(), rcond=None)[0]
        ratios.append(shift / scale / inverse_depth.shift_sigma)
    assert 0.1 < np.sqrt(np.mean(np.square(ratios))) < 1.5


def test_a_flat_face_does_not_take_over() -> None:
    """A cube of rooms: every wall at 1 m, so that each face sees one depth and rounding only."""

    def cube(rays: np.ndarray) -> np.ndarray:
        return 1 / np.abs(rays).max(axis=-1)

    depth = scale_panorama(inverse_depth_of(cube), [hint(200, 100, cube)])
    assert np.abs(depth.metres / truth(cube) - 1).max() < 0.01


# Parts of the sphere


def test_a_part_of_the_sphere() -> None:
    part = Equirect(260, 90, 400, 200, 30, 60)
    inverse_depth = inverse_depth_of(furnished_room, part)
    assert inverse_depth.values.shape == (90, 260)
    depth = scale_panorama(inverse_depth, [hint(100, 40, furnished_room, part)])
    error = np.abs(depth.metres / truth(furnished_room, part) - 1)
    known = np.isfinite(error)
    assert known.mean() > 0.9
    assert np.median(error[known]) < 1e-3


def test_faces_that_the_picture_does_not_cover_are_not_predicted() -> None:
    part = Equirect(100, 40, 400, 200, 150, 80)
    asked = []

    def network(rgb: np.ndarray) -> InverseDepth:
        asked.append(rgb.shape)
        return InverseDepth(np.linspace(1, 2, rgb.size // 3, dtype=np.float32).reshape(rgb.shape[:2]))

    inverse_depth = predict_panorama(np.zeros((40, 100, 3), np.uint8), part, network, sides=4, face_px=128)
    assert asked == [(128, 128, 3)]
    assert np.isfinite(inverse_depth.values).mean() > 0.97  # its corners lie beyond the one face


# Faces


def test_the_faces_of_a_cube_see_everything_and_overlap() -> None:
    faces = faces_around(WHOLE, sides=4, face_px=64, fov_deg=100)
    rays = even_directions(5000)
    weight = np.array([seen_by(face, rays).weight for face in faces])
    assert (weight.max(axis=0) > 0.1).all()
    square = np.tan(np.radians(50)) ** 2
    solid_angle = 4 * np.arcsin(square / (1 + square))  # of a square pyramid
    assert (weight > 0).sum(axis=0).mean() == pytest.approx(6 * solid_angle / (4 * np.pi), rel=0.002)
    for face in faces:
        np.testing.assert_allclose(face.face_from_sphere @ face.face_from_sphere.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(face.face_from_sphere) == pytest.approx(1)


def test_a_face_shows_what_lies_in_its_direction() -> None:
    """A panorama whose red and green are longitude and latitude: the middle of each face has its direction's colour."""
    rgb = np.zeros((200, 400, 3), np.uint8)
    rgb[..., 0] = (np.arange(400) * 255 / 399)[None]
    rgb[..., 1] = (np.arange(200) * 255 / 199)[:, None]
    names = [f"{angle} degrees right" for angle in (0, 90, 270)]
    expected = dict(zip(names, ((127, 127), (191, 127), (64, 127)), strict=True)) | {
        "up": (None, 0),
        "down": (None, 255),
    }
    for face in faces_around(WHOLE, sides=4, face_px=101, fov_deg=100):
        picture, covered = cut_face(rgb, WHOLE, face)
        assert covered.all()
        red, green, _ = picture[50, 50].astype(int)
        if face.name in expected:
            assert green == pytest.approx(expected[face.name][1], abs=4)
            if expected[face.name][0] is not None:
                assert red == pytest.approx(expected[face.name][0], abs=4)
    front = cut_face(rgb, WHOLE, faces_around(WHOLE, sides=4, face_px=101, fov_deg=100)[0])[0]
    assert front[50, 90, 0] > front[50, 10, 0]  # right is right
    assert front[90, 50, 1] > front[10, 50, 1]  # down is down


def test_the_seam_does_not_show_in_the_face_behind() -> None:
    longitude = np.linspace(-np.pi, np.pi, 400, endpoint=False) + np.pi / 400
    rgb = np.repeat(np.rint(127 + 100 * np.cos(longitude)).astype(np.uint8)[None, :, None], 200, axis=0)
    back = faces_around(WHOLE, sides=4, face_px=200, fov_deg=100)[2]
    row = cut_face(np.repeat(rgb, 3, axis=2), WHOLE, back)[0][100, :, 0].astype(int)
    assert back.name == "180 degrees right"
    assert np.abs(np.diff(row)).max() <= 3


def test_sampling_is_bilinear_and_keeps_off_the_unknown() -> None:
    values = np.array([[1, 2, 3], [3, 4, 5], [5, 6, np.nan]], np.float32)
    uv = np.array([[0.5, 0.5], [1.0, 0.5], [0.0, 0.0], [0.75, 1.25], [2.9, 0.6], [1.6, 1.6]])
    np.testing.assert_allclose(sample(values, uv), [1, 1.5, 1, 2.75, 3.2, np.nan], rtol=1e-6)


# Scale


def test_without_a_distance_the_unit_is_arbitrary() -> None:
    depth = scale_panorama(inverse_depth_of(empty_room))
    assert depth.unit == "arbitrary"
    assert "the unit is arbitrary" in depth.notes[0]
    assert np.nanpercentile(depth.metres, 2) == pytest.approx(1, rel=0.01)


class MetricNetwork(PerfectNetwork):
    """Says each face's true 1/z in metres, 10 % off, each face by a factor of its own."""

    def __call__(self, rgb: np.ndarray) -> InverseDepth:
        del rgb
        inverse = 1 / self.scene(face_rays(next(self.faces)))
        factor = np.exp(self.rng.uniform(-0.05, 0.05)) / 1.1
        return InverseDepth((inverse * factor).astype(np.float32), zero_is_infinity=True, metric_sigma=0.12)


def test_a_metric_networks_metres_are_kept_until_a_distance_is_given() -> None:
    rgb = np.zeros((WHOLE.height, WHOLE.width, 3), np.uint8)
    network = MetricNetwork(furnished_room, WHOLE, face_px=256)
    inverse_depth = predict_panorama(rgb, WHOLE, network, sides=4, face_px=256)
    own = scale_panorama(inverse_depth)
    assert own.unit == "m"
    assert own.notes == ("no distance was given: metres as the network says, ± 12%",)
    assert np.median(own.metres / truth(furnished_room)) == pytest.approx(1.1, abs=0.04)
    told = scale_panorama(inverse_depth, [hint(200, 100, furnished_room)])
    assert np.median(told.metres / truth(furnished_room)) == pytest.approx(1, abs=0.02)
    assert told.notes == ()


def test_two_distances_also_find_the_shift() -> None:
    inverse_depth = inverse_depth_of(empty_room)
    bent = replace(inverse_depth, values=inverse_depth.values + np.float32(0.2) * inverse_depth.shift, shift_sigma=0.3)
    one = scale_panorama(bent, [hint(200, 100, empty_room)])
    two = scale_panorama(bent, [hint(200, 100, empty_room), hint(200, 190, empty_room)])
    wrong = np.median(np.abs(one.metres / truth(empty_room) - 1))
    assert wrong > 0.05
    assert np.median(np.abs(two.metres / truth(empty_room) - 1)) < wrong / 10


def test_hints_that_cannot_be_are_refused() -> None:
    inverse_depth = inverse_depth_of(empty_room)
    true = [hint(u, 100, empty_room) for u in (50, 150, 250, 350)]
    with pytest.raises(HintError, match="hint 200,100=9m contradicts the others"):
        scale_panorama(inverse_depth, [*true, DistanceAt(200, 100, 9.0)])
    with pytest.raises(HintError, match="outside the 400x200 panorama"):
        scale_panorama(inverse_depth, [DistanceAt(200, 300, 1.0)])
    unknown = inverse_depth.values.copy()
    unknown[90:110, 190:210] = np.nan
    with pytest.raises(HintError, match="nothing is known there"):
        scale_panorama(replace(inverse_depth, values=unknown), [DistanceAt(200, 100, 1.0)])


def test_what_lies_beyond_infinity_is_unknown_and_said() -> None:
    inverse_depth = inverse_depth_of(empty_room)
    values = inverse_depth.values.copy()
    values[:10] = -0.1
    depth = scale_panorama(replace(inverse_depth, values=values))
    assert np.isnan(depth.metres[:10]).all()
    assert "5.0% of the panorama lies beyond 50 times" in depth.notes[-1]


# Geometry


def exact_depth(scene: Scene, equirect: Equirect = WHOLE) -> SphericalDepth:
    return SphericalDepth(equirect, equirect.size, truth(scene, equirect).astype(np.float32))


PICTURE = np.random.default_rng(4).integers(0, 256, (200, 400, 3), dtype=np.uint8)


def test_points_lie_on_the_walls() -> None:
    points = panorama_to_points(exact_depth(empty_room))
    on_wall = np.abs(np.abs(points.xyz + OFF_CENTRE) - HALF_SIZE).min(axis=-1)
    assert on_wall.max() < 1e-5
    assert points.xyz[100, 200] @ (0, 0, 1) == pytest.approx(2.5, rel=1e-3)


def test_a_cloud_is_as_dense_in_every_direction() -> None:
    cloud = panorama_to_cloud(exact_depth(empty_room), PICTURE, normals=True)
    directions = cloud.xyz / np.linalg.norm(cloud.xyz, axis=1, keepdims=True)
    assert len(cloud.xyz) == pytest.approx(400 * 200 * 2 / np.pi, rel=0.01)
    above, level = np.mean(directions[:, 1] < -0.9), np.mean(np.abs(directions[:, 1]) < 0.05)
    assert above == pytest.approx(0.05, abs=0.005)
    assert level == pytest.approx(0.05, abs=0.005)
    assert (np.einsum("ij,ij->i", cloud.normals, directions) < 0).all()
    straight = np.abs(cloud.normals).max(axis=1)
    assert np.median(straight) == pytest.approx(1, abs=1e-4)


def test_a_room_becomes_a_closed_box() -> None:
    mesh = panorama_to_mesh(exact_depth(empty_room), PICTURE, cut_ratio=1.5)
    assert mesh.texture is PICTURE
    assert mesh.uv is not None
    assert (mesh.uv.min(axis=0) == 0).all()
    assert (mesh.uv.max(axis=0) == 1).all()
    corners = mesh.xyz[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", normals, corners.mean(axis=1)) < 0).all()  # every face looks at the camera
    box = trimesh.Trimesh(mesh.xyz, mesh.faces, process=False)
    box.merge_vertices(merge_tex=True, digits_vertex=5)
    assert box.is_watertight
    assert -box.volume == pytest.approx(4 * 2.6 * 6, rel=0.01)
    assert box.bounds[1] - box.bounds[0] == pytest.approx((4, 2.6, 6), rel=0.01)


def test_vertices_may_have_the_pixels_colours() -> None:
    mesh = panorama_to_mesh(exact_depth(empty_room), PICTURE, textured=False)
    assert mesh.texture is None
    assert mesh.rgb is not None
    row = np.flatnonzero(
        (np.abs(mesh.xyz - panorama_to_points(exact_depth(empty_room)).xyz[50, 60]) < 1e-6).all(axis=1)
    )
    assert (mesh.rgb[row] == PICTURE[50, 60]).all()


def test_steps_are_cut_and_nothing_else() -> None:
    grid = exact_depth(furnished_room)
    mesh = panorama_to_mesh(grid, PICTURE)
    distance = np.linalg.norm(mesh.xyz[mesh.faces], axis=-1)
    assert (distance.max(axis=1) / distance.min(axis=1)).max() < 1.2
    assert len(mesh.faces) > 0.95 * 2 * 400 * 200


def test_a_part_stays_open() -> None:
    part = Equirect(260, 90, 400, 200, 30, 60)
    mesh = panorama_to_mesh(exact_depth(empty_room, part), PICTURE[:90, :260], cut_ratio=2)
    assert len(mesh.xyz) == 90 * 260
    assert len(mesh.faces) == 2 * 89 * 259


def test_the_grid_may_be_coarser_than_the_picture() -> None:
    rgb = np.zeros((400, 800, 3), np.uint8)
    network = PerfectNetwork(empty_room, Equirect.whole(800, 400), sides=8, face_px=128)
    inverse_depth = predict_panorama(rgb, Equirect.whole(800, 400), network, face_px=128, max_points=20_000)
    assert inverse_depth.values.shape == (100, 200)
    full = Equirect.whole(800, 400)
    depth = scale_panorama(inverse_depth, [hint(400, 200, empty_room, full)])
    assert depth.metres[50, 100] == pytest.approx(2.5, rel=0.01)
    assert len(panorama_to_cloud(depth, rgb).xyz) > 12_000
    assert panorama_to_mesh(depth, rgb).texture is rgb


def test_the_same_panorama_twice_gives_the_same_numbers() -> None:
    one, other = (inverse_depth_of.__wrapped__(furnished_room, noise=0.02) for _ in range(2))
    assert one.values.tobytes() == other.values.tobytes()


# What does not fit


def flat(rgb: np.ndarray) -> InverseDepth:
    return InverseDepth(np.ones(rgb.shape[:2], np.float32))


def test_what_does_not_fit_is_refused() -> None:
    rgb = np.zeros((200, 400, 3), np.uint8)
    with pytest.raises(CameraError, match="the panorama is 400x200, its projection of 800x400"):
        predict_panorama(rgb, Equirect.whole(800, 400), flat)
    with pytest.raises(UsageError, match="faces must be 92 to 130 degrees wide, got 90"):
        predict_panorama(rgb, WHOLE, flat, fov_deg=90)
    with pytest.raises(UsageError, match="at least 4 faces along the horizon, got 3"):
        predict_panorama(rgb, WHOLE, flat, sides=3)
    with pytest.raises(DepthMapError, match="prediction of the face 0 degrees right is 2x3, the face 64x64"):
        predict_panorama(rgb, WHOLE, lambda _: InverseDepth(np.ones((3, 2), np.float32)), face_px=64)
    with pytest.raises(UsageError, match="cut ratio must be above 1"):
        panorama_to_mesh(exact_depth(empty_room), rgb, cut_ratio=1)
    with pytest.raises(GeometryError, match=r"the photo is 300x200"):
        panorama_to_cloud(exact_depth(empty_room), rgb[:, :300])
    with pytest.raises(DepthMapError, match=r"has shape \(3, 3\), its grid 400x200"):
        SphericalDepth(WHOLE, WHOLE.size, np.ones((3, 3), np.float32))
    with pytest.raises(DepthMapError, match="unknown everywhere"):
        SphericalDepth(WHOLE, WHOLE.size, np.full((200, 400), np.nan, np.float32))
    with pytest.raises(DepthMapError, match="must be positive"):
        SphericalDepth(WHOLE, WHOLE.size, np.zeros((200, 400), np.float32))
