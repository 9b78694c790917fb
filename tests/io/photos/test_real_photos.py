"""The whole way on real photos, read back by readers that are not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from conftest import absent
from PIL import Image
from plyfile import PlyData
from seeded_weights import fill_seeded

from depth3d.cli import run

ROOT = Path(__file__).resolve().parents[3]


def _open3d() -> Any:
    try:
        import open3d
    except ImportError:
        absent("open3d is not installed")
    return open3d


@pytest.fixture(scope="module")
def tunnel(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phone photo with its own RangeInverse map, exported to a cloud, a mesh and an animation."""
    folder = tmp_path_factory.mktemp("tunnel")
    source = shared_data / "depthy_lensblur"
    arguments = ["export", str(source / "tunnel-image.jpg"), "--depth-map", str(source / "tunnel-depth.jpg")]
    arguments += ["--depth-kind", "inverse", "--brighter-is-farther", "--near", "1m", "--far", "30m"]
    arguments += ["--width", "240", "--seconds", "1", "--no-layers"]
    for suffix in ("ply", "glb", "gif"):
        arguments += ["-o", str(folder / f"tunnel.{suffix}")]
    assert run(arguments) == 0
    return folder


def test_the_cloud_reads_alike_in_three_readers(tunnel: Path) -> None:
    open3d = _open3d()
    path = tunnel / "tunnel.ply"
    vertex = PlyData.read(path)["vertex"]
    xyz = np.stack([vertex["x"], vertex["y"], vertex["z"]], axis=1)
    rgb = np.stack([vertex["red"], vertex["green"], vertex["blue"]], axis=1)
    assert len(xyz) == 768 * 1024
    cloud = open3d.io.read_point_cloud(str(path))
    np.testing.assert_allclose(np.asarray(cloud.points), xyz, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(cloud.colors) * 255, rgb, atol=0.5)
    other = trimesh.load(path)
    np.testing.assert_allclose(other.vertices, xyz, rtol=1e-6)
    np.testing.assert_array_equal(other.colors[:, :3], rgb)


def test_the_cloud_is_upright_and_between_near_and_far(tunnel: Path, shared_data: Path) -> None:
    vertex = PlyData.read(tunnel / "tunnel.ply")["vertex"]
    assert -vertex["z"].max() == pytest.approx(1, rel=1e-4)
    assert -vertex["z"].min() == pytest.approx(30, rel=1e-4)
    # Points come in reading order: the photo's first row is the top of the tunnel, its last row the floor.
    assert (vertex["y"][:768] > 0).all()
    assert (vertex["y"][-768:] < 0).all()
    photo = np.asarray(Image.open(shared_data / "depthy_lensblur" / "tunnel-image.jpg").convert("RGB"))
    np.testing.assert_array_equal(vertex["red"].reshape(1024, 768), photo[..., 0])


def test_the_mesh_wears_the_photo(tunnel: Path, shared_data: Path) -> None:
    mesh = trimesh.load(tunnel / "tunnel.glb", force="mesh")
    texture = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB")).astype(float)
    photo = np.asarray(Image.open(shared_data / "depthy_lensblur" / "tunnel-image.jpg").convert("RGB")).astype(float)
    assert texture.shape == photo.shape
    assert np.abs(texture - photo).mean() < 4
    # Where a vertex projects to in the photo is where its texture coordinate points; trimesh counts v upwards.
    f_px = 1024 / 2 / np.tan(np.radians(30))
    x, y, z = mesh.vertices.T
    np.testing.assert_allclose(mesh.visual.uv[:, 0], (-x / z * f_px + 384) / 768, atol=1e-4)
    np.testing.assert_allclose(mesh.visual.uv[:, 1], 1 - (y / z * f_px + 512) / 1024, atol=1e-4)


def test_the_animation_moves(tunnel: Path) -> None:
    with Image.open(tunnel / "tunnel.gif") as gif:
        assert gif.size == (240, 320)
        assert gif.n_frames == 24  # type: ignore[attr-defined]
        first = np.asarray(gif.convert("RGB")).astype(float)
        gif.seek(6)
        assert np.abs(np.asarray(gif.convert("RGB")) - first).mean() > 1


@pytest.mark.parametrize("name", ["redwood_0", "redwood_3"])
def test_our_cloud_is_open3ds_own(name: str, shared_data: Path, tmp_path: Path) -> None:
    open3d = _open3d()
    frame = next(frame for frame in json.loads((shared_data / "frames.json").read_text()) if frame["name"] == name)
    fx, fy, cx, cy = frame["fx_fy_cx_cy"]
    (tmp_path / "camera.json").write_text(json.dumps({"fx": fx, "fy": fy, "cx": cx, "cy": cy}))
    depth = shared_data / frame["depth"]
    arguments = ["export", str(shared_data / frame["color"]), "--camera", str(tmp_path / "camera.json")]
    arguments += ["--depth-map", str(depth), "--depth-kind", "metric", "--depth-units", str(frame["units_per_metre"])]
    assert run([*arguments, "--axes", "opencv", "-o", str(tmp_path / "cloud.ply")]) == 0
    vertex = PlyData.read(tmp_path / "cloud.ply")["vertex"]
    ours = np.stack([vertex["x"], vertex["y"], vertex["z"]], axis=1)
    theirs = open3d.geometry.PointCloud.create_from_depth_image(
        open3d.io.read_image(str(depth)),
        open3d.camera.PinholeCameraIntrinsic(640, 480, fx, fy, cx, cy),
        depth_scale=frame["units_per_metre"],
        depth_trunc=100,
    )
    np.testing.assert_allclose(ours, np.asarray(theirs.points), atol=1e-4)


@pytest.fixture(scope="module")
def seeded_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the small network, filled by a rule."""
    import torch

    from depth3d.predictors.midas import build_network

    network = build_network("midas_small")
    fill_seeded(network)
    path = tmp_path_factory.mktemp("weights") / "seeded.pt"
    torch.save(network.state_dict(), path)
    return path


def test_the_real_network_runs_end_to_end(seeded_weights: Path, shared_data: Path, tmp_path: Path) -> None:
    photo = shared_data / "opensfm_lund" / "images" / "01.jpg"
    out = tmp_path / "x.ply"
    relative = tmp_path / "d.npy"
    assert run(["export", str(photo), "--weights", str(seeded_weights), "-o", str(out)]) == 0
    assert PlyData.read(out)["vertex"].count > 100_000
    assert run(["depth", str(photo), "--weights", str(seeded_weights), "--relative", "-o", str(relative)]) == 0
    d = np.load(relative)
    assert d.shape == (768, 1024)
    assert np.ptp(d) > 0


def test_twelve_megapixels_stay_under_one_and_a_half_gigabytes(seeded_weights: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((4000, 3000)).save(tmp_path / "big.jpg")
    arguments = ["export", "big.jpg", "--weights", str(seeded_weights), "--seconds", "0.3", "--layers"]
    for suffix in ("ply", "glb", "gif", "png"):
        arguments += ["-o", f"big.{suffix}"]
    # The process tells its own peak: what wait4 reports would contain the test runner's memory, from before the exec.
    code = (
        "import sys; from depth3d.cli import run; code = run(sys.argv[1:]);"
        "print([line for line in open('/proc/self/status') if line.startswith('VmHWM')][0].split()[1]); sys.exit(code)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout.splitlines()[-1]) < 1_500_000, "kilobytes"


def test_a_calibrated_stereo_pair_gives_the_true_distances(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Middlebury's Motorcycle: z = baseline f / (disparity + doffs), affine in 1/z, so two hints suffice."""
    folder = shared_data / "middlebury_motorcycle"
    calibration = json.loads((folder / "calib.json").read_text())
    f, cx, cy = (calibration[key] for key in ("fx", "cx", "cy"))
    disparity = np.load(folder / "motorcycle_disp.npz")["arr_0"].astype(np.float32)
    disparity[~np.isfinite(disparity)] = np.nan
    monkeypatch.chdir(tmp_path)
    np.save("disparity.npy", disparity)

    def point(column: int, row: int) -> np.ndarray:
        z = calibration["baseline_m"] * f / (float(disparity[row, column]) + calibration["doffs"])
        return z * np.array([(column - cx) / f, (row - cy) / f, 1])

    ends = [(column, row) for column, row in ((250, 300), (480, 250), (120, 420), (600, 90))]
    assert np.isfinite([disparity[row, column] for column, row in ends]).all()
    hints = [f"--depth-at={c + 0.5},{r + 0.5}={point(c, r)[2]:.6f}m+-0.1mm" for c, r in ends[2:]]
    (a, b), (c, d) = ends[:2]
    command = ["measure", str(folder / "motorcycle_left.png"), "--depth-map", "disparity.npy", *hints, "--json"]
    command += [
        "--camera",
        str(folder / "calib.json"),
        "--from",
        f"{a + 0.5},{b + 0.5}",
        "--to",
        f"{c + 0.5},{d + 0.5}",
    ]
    assert run(command) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["unit"] == "m"
    assert answer["metres"] == pytest.approx(np.linalg.norm(point(a, b) - point(c, d)), rel=1e-3)
    assert run([*command[:-4], "--from", f"{a + 0.5},{b + 0.5}"]) == 0
    assert json.loads(capsys.readouterr().out)["metres"] == pytest.approx(np.linalg.norm(point(a, b)), rel=1e-3)
