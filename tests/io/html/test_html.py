"""The page: one file that opens from disk without network, looks like the photo, turns, and measures the truth."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from conftest import HUNG_S, ROOT
from PIL import Image
from synthetic_scenes import box_corner, small_camera

from depth3d import Options, OutputOptions, Scene, reconstruct
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.html import to_facts
from depth3d.io.save import save
from depth3d.scale import DistanceAt

SAMPLES = ROOT / "samples"
BOOKCASE = json.loads((SAMPLES / "room_hints.json").read_text())["hints"][-1]
DESKTOP, PHONE = (800, 600), (390, 844)  # drawn in software: small
EXACT = Options.of(
    camera_file=SAMPLES / "room_camera.json",
    depth_map=SAMPLES / "room_depth.png",
    depth_kind="metric",
    depth_units=1000,
)
FEW = OutputOptions.of(max_points=60_000, provenance=False)
HINTS = (DistanceAt(554.5, 687.5, 3.2572), DistanceAt(776.5, 306.5, 5.5808), DistanceAt(1009.5, 664.5, 3.3878))
NOTES = {"photo": "room.jpg", "unit": "m"}


@pytest.fixture(scope="module")
def exact() -> Scene:
    """The sample room with its exact depth."""
    return reconstruct(SAMPLES / "room.jpg", options=EXACT)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, exact: Scene) -> Scene:
    """The sample room whose exact inverse depth got its metres from three distances."""
    inverse_depth = tmp_path_factory.mktemp("relief") / "relief.npy"
    np.save(inverse_depth, 3 / exact.depth.z - 0.1)
    options = EXACT.changed(depth_map=inverse_depth, depth_kind="inverse", depth_units=None, hints=HINTS)
    return reconstruct(SAMPLES / "room.jpg", options=options)


class Page:
    """A page in a browser that has no network."""

    def __init__(self, chromium: Any, path: Path, size: tuple[int, int], photo: tuple[int, int]) -> None:
        self.problems: list[str] = []
        self.size, self.photo = size, photo
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, offline=True, has_touch=size == PHONE
        )
        self.tab = context.new_page()
        self.tab.on("console", lambda message: self.problems.append(message.text))
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url[:80]}"))
        self.tab.goto(path.as_uri())
        self.tab.locator("#reading", has_text="Click two points").wait_for(timeout=1000 * HUNG_S)

    @property
    def box(self) -> tuple[float, float, float]:
        """Left and top edge of the photo on the canvas, and canvas pixels per photo pixel."""
        scale = min(self.size[0] / self.photo[0], self.size[1] / self.photo[1])
        left, top = ((self.size[k] - self.photo[k] * scale) / 2 for k in (0, 1))
        return left, top, scale

    def at(self, pixel: tuple[float, float]) -> tuple[float, float]:
        """Where a pixel of the photo lies on the canvas in the first view."""
        left, top, scale = self.box
        return left + pixel[0] * scale, top + pixel[1] * scale

    def reading(self) -> str:
        return self.tab.inner_text("#reading").split("\n")[0]

    def drawn(self) -> np.ndarray:
        """(H, W, 3) what the canvas shows, without the controls before it."""
        hidden = "header, #controls, #overlay { visibility: hidden }"
        return np.asarray(Image.open(io.BytesIO(self.tab.screenshot(style=hidden))).convert("RGB"))

    def shown_photo(self) -> np.ndarray:
        """(h, w, 3) the part of the canvas where the photo is in the first view."""
        left, top, scale = self.box
        right, bottom = left + self.photo[0] * scale, top + self.photo[1] * scale
        return self.drawn()[round(top) : round(bottom), round(left) : round(right)]

    def close(self) -> None:
        self.tab.context.close()


@pytest.fixture(scope="module")
def open_page(chromium: Any) -> Iterator[Any]:
    pages: list[Page] = []

    def open_one(path: Path, scene: Scene, size: tuple[int, int] = DESKTOP) -> Page:
        pages.append(Page(chromium, path, size, scene.depth.size))
        return pages[-1]

    yield open_one
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def exact_page(tmp_path_factory: pytest.TempPathFactory, exact: Scene, open_page: Any) -> Page:
    """The sample room with its exact depth, just opened."""
    page: Page = open_page(exact.save(tmp_path_factory.mktemp("exact") / "room.html").path, exact)
    return page


def likeness(picture: np.ndarray, other: np.ndarray) -> float:
    """The median difference of colours, of 255, after bringing `other` to the picture's size."""
    size = (picture.shape[1], picture.shape[0])
    resized = np.asarray(Image.fromarray(other).resize(size, Image.Resampling.BOX), int)
    return float(np.median(np.abs(picture.astype(int) - resized).max(axis=2)))


def numbers(reading: str) -> tuple[float, float]:
    """Length and error bar of a reading such as "1.02 ± 0.03 m"."""
    found = re.match(r"([\d.]+) ± ([\d.]+) m", reading)
    assert found, reading
    return float(found[1]), float(found[2])


def test_opens_from_disk_at_once_and_looks_like_the_photo(exact: Scene, exact_page: Page) -> None:
    """On a machine with other work the browser's own processor time is what tells."""
    assert likeness(exact_page.shown_photo(), exact.photo.rgb) < 6
    assert exact_page.problems == []


def test_measures_the_true_width_of_the_bookcase(exact_page: Page) -> None:
    for end in ("from", "to"):
        exact_page.tab.mouse.click(*exact_page.at(BOOKCASE[end]))
    assert exact_page.reading().endswith(" m")
    assert float(exact_page.reading().split()[0]) == pytest.approx(BOOKCASE["metres"], rel=0.015)
    assert "error is not known" in exact_page.tab.inner_text("#reading")
    exact_page.tab.click("#clear")
    assert exact_page.reading() == "Click two points to measure"


@pytest.mark.parametrize("kind", ["mesh", "cloud"])
def test_says_what_measure_says(tmp_path: Path, fitted: Scene, open_page: Any, kind: Any) -> None:
    """From the camera and between two points, with the error bar."""
    scene, options = fitted, FEW.changed(compact=kind == "mesh")
    page = open_page(scene.save(tmp_path / "a.html", kind=kind, options=options).path, scene)
    first, second = (776.5, 306.5), (1009.5, 664.5)
    page.tab.mouse.click(*page.at(first))
    for end in (None, second):
        if end is not None:
            page.tab.mouse.click(*page.at(end))
        truth = scene.measure(first, end)
        assert truth.sigma_m is not None
        length, sigma = numbers(page.reading())
        assert length == pytest.approx(truth.metres, rel=0.02)
        assert sigma == pytest.approx(truth.sigma_m, rel=0.08)
    assert page.problems == []


def test_heat_map_and_wireframe(exact: Scene, exact_page: Page) -> None:
    page = exact_page
    page.tab.click("#wire")
    wires = page.shown_photo()
    assert 0.2 < (wires.max(axis=2) < 30).mean() < 0.95
    page.tab.click("#wire")
    page.tab.click("#heat")
    assert likeness(page.shown_photo(), exact.heatmap().rgb) < 6
    page.tab.click("#heat")
    assert likeness(page.shown_photo(), exact.photo.rgb) < 6


def test_it_turns_as_far_as_the_photo_holds_and_says_so(exact_page: Page) -> None:
    page, limit = exact_page, exact_page.tab.locator("#limit")
    page.tab.focus("#canvas")
    assert not limit.is_visible()
    for _ in range(6):
        page.tab.keyboard.press("ArrowLeft")
    at_limit = page.drawn()
    assert limit.is_visible()
    page.tab.keyboard.press("ArrowLeft")
    assert np.abs(page.drawn().astype(int) - at_limit).mean() < 0.1
    page.tab.click("#free")
    assert not limit.is_visible()
    page.tab.focus("#canvas")
    page.tab.keyboard.press("ArrowLeft")
    assert np.abs(page.drawn().astype(int) - at_limit).mean() > 3
    page.tab.click("#free")
    page.tab.focus("#canvas")
    page.tab.keyboard.press("r")


def test_turns_by_mouse_and_keys_and_comes_back(exact_page: Page) -> None:
    page = exact_page
    at_first = page.drawn()
    page.tab.mouse.move(400, 300)
    page.tab.mouse.down()
    page.tab.mouse.move(300, 280, steps=3)
    page.tab.mouse.up()
    turned = page.drawn()
    assert np.abs(turned.astype(int) - at_first).mean() > 10
    assert page.reading() == "Click two points to measure"
    page.tab.focus("#canvas")
    page.tab.keyboard.press("ArrowLeft")
    assert np.abs(page.drawn().astype(int) - turned).mean() > 3
    page.tab.keyboard.press("r")
    page.tab.focus("#home")
    assert np.abs(page.drawn().astype(int) - at_first).mean() < 0.1
    page.tab.focus("#canvas")
    page.tab.keyboard.press("Enter")
    assert page.reading().endswith(" m from the camera")
    assert page.problems == []


def test_a_tap_on_a_phone(tmp_path: Path, fitted: Scene, open_page: Any) -> None:
    page = open_page(fitted.save(tmp_path / "a.html", options=FEW).path, fitted, PHONE)
    page.tab.touchscreen.tap(*page.at((776.5, 306.5)))
    length, _ = numbers(page.reading())
    assert length == pytest.approx(5.5808, rel=0.01)
    for button in page.tab.locator("#controls > :visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
        assert box["height"] >= 40


def test_arbitrary_units_and_point_sizes(tmp_path: Path, fitted: Scene, open_page: Any) -> None:
    np.save(tmp_path / "inverse.npy", fitted.inverse_depth.values)
    options = EXACT.changed(depth_map=tmp_path / "inverse.npy", depth_kind="inverse", depth_units=None)
    scene = reconstruct(SAMPLES / "room.jpg", options=options)
    few = OutputOptions.of(max_points=30_000)
    page = open_page(scene.save(tmp_path / "a.html", kind="cloud", options=few).path, scene)
    assert "Arbitrary units" in page.tab.inner_text("#reading")
    assert not page.tab.is_visible("#wire")
    page.tab.mouse.click(*page.at((640, 700)))
    assert page.reading().endswith(" units from the camera")
    covered = (page.shown_photo().max(axis=2) > 30).mean()
    page.tab.fill("#size input", "1")
    assert (page.shown_photo().max(axis=2) > 30).mean() < covered / 2


def test_hostile_names_stay_text(tmp_path: Path, fitted: Scene, open_page: Any) -> None:
    name = '</script><img src=x onerror=console.log(1)>{{model}} & "it\'s".jpg'
    scene = replace(fitted, photo=replace(fitted.photo, name=name))
    page = open_page(scene.save(tmp_path / "a.html", options=FEW).path, scene)
    assert page.tab.inner_text("h1") == name
    assert page.problems == []


@pytest.mark.parametrize("compact", [False, True])
def test_is_hardly_larger_than_the_model_inside(tmp_path: Path, fitted: Scene, compact: bool) -> None:
    page = fitted.save(tmp_path / "a.html", options=FEW.changed(compact=compact)).path.read_bytes()
    found = re.search(rb'<script id="model" type="text/plain">([^<]+)<', page)
    assert found
    model = base64.b64decode(found[1])
    assert len(page) <= 1.34 * len(model) + 1e6
    if not compact:
        loaded = trimesh.load(io.BytesIO(model), file_type="glb", process=False)
        mesh = fitted.mesh(max_points=60_000, layers=True)
        assert loaded.extents == pytest.approx(np.ptp(mesh.xyz, axis=0), rel=1e-5)


def test_depends_on_nothing_outside(tmp_path: Path, fitted: Scene) -> None:
    page = fitted.save(tmp_path / "a.html", options=FEW).path.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'")
    assert "http" not in policy[1]
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", page)


def test_a_mesh_of_unknown_origin_is_a_page_too(tmp_path: Path, open_page: Any, fitted: Scene) -> None:
    """Without a camera there is no photo's view and no error bar, but lengths are still right."""
    xyz = np.array([[-1, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2]], np.float32)
    dense = np.concatenate([xyz[[0]] * (1 - t) + xyz[[2]] * t for t in np.linspace(0, 1, 200)])
    page = open_page(save(PointCloud(dense.astype(np.float32), unit="m"), tmp_path / "a.html", notes=NOTES), fitted)
    assert page.tab.inner_text("#home") == "Whole view"
    assert (page.drawn().max(axis=2) > 40).sum() > 50
    assert page.problems == []


def test_error_bars_without_a_fit_travel_as_a_coarse_map() -> None:
    truth = box_corner(small_camera(300, 200))
    metres = truth.depth.z
    relative = np.linspace(0.01, 0.5, metres.size, dtype=np.float32).reshape(metres.shape)
    relative[:40] = np.nan
    depth = MetricDepth(metres, relative * metres, unit="m")
    cloud = PointCloud(np.array([[0, 0, 1]], np.float32), unit="m")
    sigma = to_facts(cloud, notes=NOTES, camera=truth.camera, depth=depth)["sigma"]
    codes = np.frombuffer(base64.b64decode(sigma["codes"]), np.uint8).reshape(sigma["height"], sigma["width"])
    rows = (np.arange(sigma["height"]) * 2 + 1) * 200 // (2 * sigma["height"])
    columns = (np.arange(sigma["width"]) * 2 + 1) * 300 // (2 * sigma["width"])
    there = relative[rows[:, None], columns]
    assert max(codes.shape) == 128
    assert np.array_equal(codes == 255, np.isnan(there))
    decoded = sigma["least"] * sigma["step"] ** codes.astype(float)
    assert decoded[codes < 255] == pytest.approx(there[codes < 255], rel=0.01)


def test_pixels_that_are_not_square_are_drawn_square() -> None:
    camera = Intrinsics(200, 50, 100, 50, 90, 20)
    facts = to_facts(PointCloud(np.array([[0, 0, 1]], np.float32), unit="m"), notes=NOTES, camera=camera)
    assert facts["camera"] == {
        **{"width": 200, "height": 100, "fx": 100, "fy": 100, "cx": 90, "cy": 40},
        "focal_sigma": 0,
    }


def test_three_js_is_vendored_with_licence_and_version() -> None:
    folder = ROOT / "depth3d" / "vendor" / "three"
    assert "MIT License" in (folder / "LICENSE").read_text(encoding="utf-8")
    stated = re.search(r"three@([\d.]+)", (folder / "README.md").read_text(encoding="utf-8"))
    assert stated
    bundle = (folder / "three.min.js").read_text(encoding="utf-8")
    assert f'"{stated[1].split(".")[1]}"' in bundle  # three.js states its revision, 0.187.0 as "187"
    assert "</script" not in bundle
    assert len(bundle) < 700_000
