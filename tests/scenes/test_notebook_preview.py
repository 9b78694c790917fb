"""Notebooks: a scene shows itself in one, and the tutorial runs as it stands."""

from __future__ import annotations

import html
import os
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from conftest import HUNG_S, ROOT
from synthetic_scenes import box_corner, small_camera

from depth3d import RGBD, Photo, Scene
from depth3d.io.photos.photo import Exif

TUTORIAL = ROOT / "samples" / "tutorial.ipynb"


@pytest.fixture(scope="module")
def scene() -> Scene:
    truth = box_corner(small_camera(200, 150))
    photo = Photo(truth.rgb, Exif(), 'a "room" & <more>.jpg')
    return Scene(photo, RGBD(truth.rgb, truth.depth, truth.camera), truth.camera, None, None)


def test_the_tutorial_is_stored_without_results() -> None:
    for cell in nbformat.read(TUTORIAL, as_version=4).cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_the_tutorial_runs_and_its_scenes_show_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook packages while they are imported
        from nbclient import NotebookClient

    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(TUTORIAL, as_version=4)
    client = NotebookClient(notebook, timeout=int(HUNG_S), resources={"metadata": {"path": str(tmp_path)}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert len(shown) == 2
    assert all(markup.startswith("<iframe ") for markup in shown)
    said = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    guess, sigma, exact = map(float, re.findall(r"([\d.]+) ± ([\d.]+) m\n.*?([\d.]+) m\n", said, re.DOTALL)[0])
    assert exact == pytest.approx(1.0202, rel=0.01)
    assert abs(guess - 1.0202) < 3 * sigma
    assert {path.name for path in tmp_path.iterdir()} >= {"room.ply", "room.glb", "room.html"}


def test_a_scene_shows_itself_in_a_sealed_frame(scene: Scene, chromium: Any, tmp_path: Path) -> None:
    """Nothing in a photo's name gets out, and the viewer works inside."""
    markup = scene._repr_html_()
    assert 'sandbox="allow-scripts"' in markup
    assert "<more>" not in markup
    page = tmp_path / "notebook.html"
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{markup}", encoding="utf-8")
    with chromium.new_context(viewport={"width": 600, "height": 500}, offline=True) as context:
        tab = context.new_page()
        tab.goto(page.as_uri())
        frame = tab.frame_locator("iframe")
        frame.locator("#reading", has_text="Click two points").wait_for(timeout=1000 * HUNG_S)
        assert frame.locator("h1").inner_text() == scene.photo.name
        tab.mouse.click(300, 240)
        frame.locator("#reading", has_text="from the camera").wait_for(timeout=1000 * HUNG_S)


def test_a_large_scene_stays_small(scene: Scene) -> None:
    """Noise in photo and depth is the worst that can come."""
    random = np.random.default_rng(0)
    camera = small_camera(2000, 1500)
    noise = random.integers(0, 256, (1500, 2000, 3)).astype(np.uint8)
    metres = (2 + 0.1 * random.random((1500, 2000))).astype(np.float32)
    large = replace(
        scene,
        photo=replace(scene.photo, rgb=noise),
        rgbd=RGBD(noise, replace(scene.depth, z=metres), camera),
        camera_as_taken=camera,
    )
    markup = large._repr_html_()
    assert len(markup) < 6e6
    assert html.unescape(markup.split('srcdoc="')[1]).startswith("<!DOCTYPE html>")
