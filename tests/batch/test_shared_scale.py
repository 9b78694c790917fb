"""One scale for photos that see the same points, and none for those that do not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from in_process_engine import rows_in_this_process
from PIL import Image

from depth3d.batch.process_photo import Job
from depth3d.batch.run import Batch, run_batch
from depth3d.batch.shared_scale import check_overlap, shared_units
from depth3d.core.errors import HintError, UsageError
from depth3d.scale import Farthest, Nearest
from depth3d.scenes.options import Options

WIDTH, HEIGHT = 24, 16
A, B = 0.8, 0.1
UNITS_PER_METRE = 2.5

INVERSE_DEPTH = np.linspace(0.2, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
METRES = 1 / (A * INVERSE_DEPTH + B)
NEAR, FAR = (float(np.quantile(METRES, share, method="nearest")) for share in (0.02, 0.98))


def save_model(folder: Path, points_of_photo: dict[str, range]) -> Path:
    """A COLMAP model as text, whose photos look along z from places side by side."""
    model = folder / "sparse"
    model.mkdir()
    (model / "cameras.txt").write_text(f"1 SIMPLE_PINHOLE {WIDTH} {HEIGHT} 20 {WIDTH / 2} {HEIGHT / 2}\n")
    images, tracks = [], dict[int, list[int]]()
    for number, (name, points) in enumerate(points_of_photo.items(), start=1):
        keypoints = " ".join(f"{u + 0.5} {v + 0.5} {point}" for point, u, v in map(place, points))
        images += [f"{number} 1 0 0 0 {number} 0 0 1 {name}", keypoints]
        for point in points:
            tracks.setdefault(point, []).append(number)
    (model / "images.txt").write_text("\n".join(images) + "\n")
    rows = []
    for point, seen_by in tracks.items():
        _, u, v = place(point)
        z = METRES[v, u] * UNITS_PER_METRE
        rows.append(
            f"{point} {z * (u - 12) / 20} {z * (v - 8) / 20} {z} 9 9 9 0.5 {' '.join(f'{i} 0' for i in seen_by)}"
        )
    (model / "points3D.txt").write_text("\n".join(rows) + "\n")
    return model


def place(point: int) -> tuple[int, int, int]:
    """A point's number and its pixel, spread over the picture."""
    at = point * 29 % (WIDTH * HEIGHT)
    return point, at % WIDTH, at // WIDTH


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """Depth up to an affine map, without a network."""
    np.save(tmp_path / "relief.npy", INVERSE_DEPTH)
    return Options.of(depth_map=tmp_path / "relief.npy", fov_x_deg=60)


def save_photos(folder: Path, names: list[str]) -> list[Job]:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        rgb = np.random.default_rng(number).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(folder / name)
    return [Job(str(folder / name), name) for name in names]


NAMES = ["a.png", "b.png", "c.png"]
SEEN = {"a.png": range(1, 30), "b.png": range(15, 50), "c.png": range(40, 70)}


def test_hints_say_how_large_the_unit_is_and_points_say_the_rest(
    tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("depth3d.batch.run.each_row_here", rows_in_this_process)
    save_photos(tmp_path / "photos", [*NAMES, "elsewhere.png"])
    model = save_model(tmp_path, SEEN)
    batch = Batch(
        inputs=(str(tmp_path / "photos"),),
        output=str(tmp_path / "out"),
        endings=(".npy",),
        options=options.changed(points=(model,), hints=(Nearest(NEAR), Farthest(FAR))),
        workers=1,
        shared_scale=True,
        same_view=True,
    )
    tally = run_batch(batch)
    assert (tally.done, tally.failed) == (3, 1)
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    (units,) = {row["points_units"] for row in rows if not row["error"]}
    assert units == pytest.approx(UNITS_PER_METRE, rel=1e-3)
    (elsewhere,) = (row for row in rows if "elsewhere" in row["photo"])
    assert elsewhere["error"].endswith("give the photo its name in the model")
    for name in NAMES:
        np.testing.assert_allclose(np.load(tmp_path / "out" / f"{name[0]}.npy"), METRES, rtol=4e-2)
    # Taken up again with another photo, the scale stays what it was.
    monkeypatch.setattr("depth3d.batch.run.shared_units", lambda *_: pytest.fail("was known already"))
    save_photos(tmp_path / "photos", ["d.png"])
    shutil.rmtree(model)
    save_model(tmp_path, {**SEEN, "d.png": range(60, 99)})
    assert run_batch(batch).done == 1


def test_photos_without_common_points_are_refused(tmp_path: Path, options: Options) -> None:
    jobs = save_photos(tmp_path / "photos", NAMES)
    apart = {"a.png": range(1, 30), "b.png": range(23, 50), "c.png": range(60, 90)}
    options = options.changed(points=(save_model(tmp_path, apart),))
    with pytest.raises(HintError, match=r"3 groups that share no points \(a\.png \| b\.png \| c\.png\)"):
        check_overlap(jobs, options)  # seven points are too few
    with pytest.raises(HintError, match="only one of the photos is in the model"):
        check_overlap(jobs[:1], options)
    with pytest.raises(HintError, match="none of the photos is in the model"):
        check_overlap([Job("x.png", "x")], options)


def test_photos_may_be_tied_by_way_of_others(tmp_path: Path, options: Options) -> None:
    jobs = save_photos(tmp_path / "photos", NAMES)
    options = options.changed(points=(save_model(tmp_path, SEEN),))
    check_overlap(jobs, options)  # a and c share nothing, b ties them
    with pytest.raises(HintError, match="2 groups"):
        check_overlap([jobs[0], jobs[2]], options)


def test_the_unit_is_the_models_where_no_hint_says_more(tmp_path: Path, options: Options) -> None:
    jobs = save_photos(tmp_path / "photos", NAMES)
    options = options.changed(points=(save_model(tmp_path, SEEN),))
    assert shared_units(jobs, options) == 1
    assert shared_units(jobs, options.changed(points_units=100)) == 100
    assert shared_units(jobs, options.changed(hints=(Nearest(NEAR), Farthest(FAR)))) == pytest.approx(2.5, rel=1e-3)


def test_what_cannot_be_meant_is_refused(tmp_path: Path, options: Options) -> None:
    jobs = save_photos(tmp_path / "photos", NAMES)
    model = save_model(tmp_path, SEEN)
    with pytest.raises(UsageError, match="one COLMAP model with --points"):
        check_overlap(jobs, options)
    with pytest.raises(UsageError, match="give one of them"):
        shared_units(jobs, options.changed(points=(model,), points_units=2, hints=(Nearest(1),)))
    with pytest.raises(HintError, match="no photo says how large"):
        shared_units([Job(str(tmp_path / "none.png"), "none")], options.changed(points=(model,), hints=(Nearest(1),)))
