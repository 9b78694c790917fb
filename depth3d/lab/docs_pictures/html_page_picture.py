"""README's picture of the page that `-o scene.html` writes: measuring at a desk, and its heat map on a phone."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

import depth3d as d3

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
_WIDE: ViewportSize = {"width": 1040, "height": 720}
_PHONE: ViewportSize = {"width": 390, "height": 720}
_GAP = 10


def sent_file() -> NDArray[np.uint8]:
    """The sample room, its metres from the distances in room_hints.json, as two browsers show it."""
    exact = d3.read_depth_map(SAMPLES / "room_depth.png", kind="metric", size=(1280, 960), units_per_metre=1000)
    software = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    assert isinstance(exact, d3.MetricDepth)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        inverse_depth, page = Path(folder) / "relief.npy", Path(folder) / "room.html"
        np.save(inverse_depth, 1 / exact.z)  # of which depth3d does not know the unit
        options = d3.Options.of(
            camera_file=SAMPLES / "room_camera.json",
            depth_map=inverse_depth,
            hints_files=(SAMPLES / "room_hints.json",),
        )
        d3.reconstruct(SAMPLES / "room.jpg", options=options).save(page)
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=chromium, args=software, chromium_sandbox=False)
        wide, phone = _measuring(browser, page), _heat_map(browser, page)
        browser.close()
    return np.hstack([wide, np.full((wide.shape[0], _GAP, 3), 255, np.uint8), phone])


def _measuring(browser: Browser, page: Path) -> NDArray[np.uint8]:
    tab = browser.new_page(viewport=_WIDE)
    tab.goto(page.as_uri())
    tab.locator("#reading", has_text="Click two points").wait_for()
    bookcase = json.loads((SAMPLES / "room_hints.json").read_text())["hints"][-1]
    scale = min(_WIDE["width"] / 1280, _WIDE["height"] / 960)
    left = (_WIDE["width"] - 1280 * scale) / 2
    for end in ("from", "to"):
        tab.mouse.click(left + bookcase[end][0] * scale, bookcase[end][1] * scale)
    tab.mouse.move(400, 400)
    tab.mouse.down()
    tab.mouse.move(440, 425, steps=4)
    tab.mouse.up()
    return _shot(tab.screenshot())


def _heat_map(browser: Browser, page: Path) -> NDArray[np.uint8]:
    tab = browser.new_page(viewport=_PHONE)
    tab.goto(page.as_uri())
    tab.locator("#reading", has_text="Click two points").wait_for()
    tab.click("#heat")
    tab.mouse.click(200, 360)
    return _shot(tab.screenshot())


def _shot(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
