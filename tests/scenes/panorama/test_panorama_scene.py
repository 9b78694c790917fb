"""Panoramas from file to file, through the bundled network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import plyfile
import pytest
import trimesh
from PIL import Image

from depth3d.cli import run
from depth3d.core.errors import UsageError
from depth3d.io.geometry.read import read_geometry
from depth3d.scale import DistanceAt, Nearest
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.panorama.pipeline import PanoramaScene, reconstruct_panorama

PANORAMA = Path(__file__).resolve().parents[3] / "samples" / "courtyard_panorama.jpg"
U, V = 512.0, 330.0
OPTIONS = Options.of(predictor="bundled", hints=(DistanceAt(U, V, 4.0),), grid_points=20_000)


@pytest.fixture(scope="module")
def scene() -> PanoramaScene:
    return reconstruct_panorama(PANORAMA, options=OPTIONS)


def test_edges_are_refined_unless_that_is_not_wanted(scene: PanoramaScene) -> None:
    # Without what bounds distances: neither hints nor sky.
    unbounded = Options.of(predictor="bundled", grid_points=20_000, sky="keep")
    refined, plain = (
        reconstruct_panorama(PANORAMA, options=options) for options in (unbounded, unbounded.changed(refine=False))
    )
    assert "edges refined" in scene.source
    assert "refined" not in plain.source
    step = [np.nanmax(np.abs(np.diff(np.log(one.depth.metres), axis=1))) for one in (refined, plain)]
    assert step[0] > step[1]


def test_a_known_distance_holds(scene: PanoramaScene) -> None:
    grid = scene.depth.equirect
    there = scene.depth.metres[int(V / 512 * grid.height), int(U / 1024 * grid.width)]
    assert there == pytest.approx(4.0, rel=0.1)  # cells are 1.8 degrees wide
    assert scene.unit == "m"
    assert scene.depth.metres.size <= 20_000


def test_the_ground_is_below_and_near_and_the_sky_is_far(scene: PanoramaScene) -> None:
    xyz = scene.cloud().xyz
    assert xyz[:, 1].max() > 0.3  # y points down
    height = scene.depth.metres.shape[0]
    below = np.nanmedian(scene.depth.metres[int(height * 0.9) :])
    ahead = np.nanmedian(scene.depth.metres[int(height * 0.45) : height // 2])
    assert below < ahead / 2


def test_files_are_read_by_others(scene: PanoramaScene, tmp_path: Path) -> None:
    assert "all around" in scene.save(tmp_path / "a.ply").what
    scene.save(tmp_path / "a.glb")
    cloud = plyfile.PlyData.read(tmp_path / "a.ply")["vertex"]
    assert len(cloud) == scene.cloud().count
    mesh = trimesh.load(tmp_path / "a.glb", force="mesh")
    assert len(mesh.faces) == len(scene.mesh().faces)
    # on all sides of the camera
    assert (mesh.vertices.min(axis=0) < -0.5).all()
    assert (mesh.vertices.max(axis=0) > 0.5).all()
    told = json.loads((tmp_path / "a.glb.json").read_text())
    assert told["hints"] == [{"hint": "512,330=4m", "said_m": 4.0}]
    assert told["projection"]["kind"] == "equirectangular"


def test_every_file_of_a_cloud_or_a_mesh_is_read_back(scene: PanoramaScene, tmp_path: Path) -> None:
    pytest.importorskip("pye57")
    for suffix in (".pcd", ".xyz", ".las", ".e57", ".obj", ".usdz", ".html"):
        scene.save(tmp_path / f"a{suffix}")
        read = read_geometry(tmp_path / f"a{suffix}")
        expected = scene.mesh().xyz if suffix in (".obj", ".usdz", ".html") else scene.cloud().xyz
        assert np.allclose(read.xyz.min(axis=0), expected.min(axis=0), atol=1e-3)
        assert np.allclose(read.xyz.max(axis=0), expected.max(axis=0), atol=1e-3)
        assert read.unit == "m"


def test_what_belongs_to_flat_photos_is_refused() -> None:
    with pytest.raises(UsageError, match="focal px: a panorama takes none"):
        reconstruct_panorama(PANORAMA, options=Options.of(focal_px=500.0))
    with pytest.raises(UsageError, match="distances from the camera only, got a Nearest"):
        reconstruct_panorama(PANORAMA, options=Options.of(hints=(Nearest(1.0),)))


@pytest.mark.parametrize(
    "name",
    ["depth_units", "points_units", "brighter_is_farther", "steady_s"],
)
def test_options_that_a_panorama_cannot_follow_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name.replace('_', ' ')}: "):
        reconstruct_panorama(
            PANORAMA, options=Options.of(**{name: 2 if name in ("depth_units", "max_error_px") else True})
        )


def test_output_options_that_a_panorama_cannot_follow_are_refused(scene: PanoramaScene, tmp_path: Path) -> None:
    for name, value in (("layers", True), ("max_error_px", 2.0)):
        with pytest.raises(UsageError, match=f"{name.replace('_', ' ')}: "):
            scene.mesh(**{name: value})
        with pytest.raises(UsageError, match=f"{name.replace('_', ' ')}: "):
            scene.save(tmp_path / "a.glb", options=OutputOptions.of(**{name: value}))
    with pytest.raises(UsageError, match="a cloud takes no option 'max_faces'"):
        scene.cloud(max_faces=3)


def test_the_network_is_run_as_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def load(*_: object, **chosen: object) -> None:
        asked.update(chosen)
        raise UsageError("far enough")

    monkeypatch.setattr("depth3d.scenes.lazy_network.load_predictor", load)
    with pytest.raises(UsageError, match="far enough"):
        reconstruct_panorama(PANORAMA, options=Options.of(runtime="torch", precision="fp16", threads=1))
    assert (asked["runtime"], asked["precision"], asked["threads"]) == ("torch", "fp16", 1)


def test_smoothing_and_the_greatest_depth_reach_the_scene(scene: PanoramaScene) -> None:
    smooth = reconstruct_panorama(PANORAMA, options=OPTIONS.changed(smooth_px=9.0, max_depth_m=6.0))
    assert np.nanmax(smooth.depth.metres) <= 6.0 < np.nanmax(scene.depth.metres)
    assert "beyond 6 m" in smooth.depth.notes[-1]
    step = [np.nanmean(np.abs(np.diff(np.log(one.depth.metres), axis=1))) for one in (scene, smooth)]
    assert step[1] < step[0]


def test_clouds_are_thinned_and_meshes_are_as_light_as_wanted(scene: PanoramaScene) -> None:
    assert scene.cloud(voxel_m=0.5).count < scene.cloud().count * 0.6
    for most in (100, 500, 5000):
        assert most / 4 <= len(scene.mesh(max_faces=most, cut_ratio=50.0).faces) <= most
    with pytest.raises(UsageError, match="a panorama needs at least"):
        scene.mesh(max_faces=4, cut_ratio=50.0)
    assert len(scene.mesh(cut_angle_deg=20.0).faces) < len(scene.mesh().faces)


def test_normals_of_a_mesh_look_at_the_camera_and_meet_at_the_seam(scene: PanoramaScene) -> None:
    mesh = scene.mesh(normals=True)
    assert mesh.normals is not None
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert (np.einsum("ij,ij->i", mesh.normals, -mesh.xyz) > 0).mean() > 0.98
    _, place = np.unique(mesh.xyz.round(5), axis=0, return_inverse=True)
    assert place.max() + 1 < len(mesh.xyz)  # the seam's and the poles' vertices stand in the same place
    first = {int(at): normal for at, normal in zip(place, mesh.normals, strict=True)}
    assert all(np.array_equal(first[int(at)], normal) for at, normal in zip(place, mesh.normals, strict=True))


def test_wrong_use_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 30)).save("flat.png")
    assert run(["panorama", "flat.png", "-o", "a.ply"]) == 2
    assert "twice as wide as high, this is 40x30" in capsys.readouterr().err
    assert run(["panorama", str(PANORAMA), "-o", "a.gif"]) == 2
    assert "a panorama becomes a cloud or a mesh" in capsys.readouterr().err
    Path("b.ply").touch()
    assert run(["panorama", str(PANORAMA), "-o", "b.ply"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.ply", "flat.png"]


def test_the_courtyard_has_no_bowl_of_sky_and_no_funnel(scene: PanoramaScene) -> None:
    upper = scene.depth.metres.shape[0] // 5  # above every roof
    assert np.isnan(scene.depth.metres[:upper]).all()
    assert np.isfinite(scene.depth.metres[-upper:]).all()
    assert np.nanmax(scene.depth.metres) <= 6 * 4
    assert any("is sky" in note for note in scene.depth.notes)
